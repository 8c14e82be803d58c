//! Handing files of root over; needs root, as the agent has it in a machine.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::Path;

use envup_agent::{OwnReply, OwnRequest, Reply, Request};

use crate::support::Machine;

fn hand_over(machine: &Machine, since: i64) -> OwnReply {
    let folder = machine.path("folder").display().to_string();
    match machine.run(Request::Own(OwnRequest { folder, since })) {
        Reply::Own(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let found = fs::symlink_metadata(path).unwrap();
    (found.uid(), found.gid())
}

/// A folder of user 1000 with things of several users in it.
fn folder() -> Machine {
    let machine = Machine::new();
    for directory in ["folder/deep/er", "outside"] {
        fs::create_dir_all(machine.path(directory)).unwrap();
    }
    for file in ["folder/deep/er/log", "folder/other", "folder/grouped", "outside/passwd"] {
        fs::write(machine.path(file), file).unwrap();
    }
    symlink(machine.path("outside"), machine.path("folder/link")).unwrap();
    chown(machine.path("folder"), Some(1000), Some(1001)).unwrap();
    chown(machine.path("folder/other"), Some(33), Some(33)).unwrap();
    lchown(machine.path("folder/grouped"), Some(0), Some(33)).unwrap();
    machine
}

#[test]
fn what_root_made_belongs_to_the_folders_owner_and_nothing_else_is_touched() {
    let machine = folder();
    assert_eq!(hand_over(&machine, 0), OwnReply { changed: 5, refused: 0 });
    for handed in ["folder/deep", "folder/deep/er", "folder/deep/er/log", "folder/link"] {
        assert_eq!(owner(&machine.path(handed)), (1000, 1001), "{handed}");
    }
    assert_eq!(owner(&machine.path("folder/grouped")), (1000, 33), "its group was somebody's choice");
    assert_eq!(owner(&machine.path("folder/other")), (33, 33), "another user's");
    assert_eq!(owner(&machine.path("outside/passwd")), (0, 0), "behind a link");
    assert_eq!(hand_over(&machine, 0), OwnReply::default(), "once");
}

#[test]
fn what_is_older_than_the_machine_stays() {
    let machine = folder();
    assert_eq!(hand_over(&machine, i64::MAX), OwnReply::default());
    assert_eq!(owner(&machine.path("folder/deep")), (0, 0));
}

#[test]
fn a_folder_of_root_or_of_nobody_stays_as_it_is() {
    let machine = folder();
    for user in [0, 65534] {
        chown(machine.path("folder"), Some(user), Some(user)).unwrap();
        assert_eq!(hand_over(&machine, 0), OwnReply::default(), "{user}");
    }
    fs::remove_dir_all(machine.path("folder")).unwrap();
    assert_eq!(hand_over(&machine, 0), OwnReply::default(), "gone");
}
