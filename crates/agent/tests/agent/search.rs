//! Looking for secrets on a disk.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{Reply, Request, SearchReply, SearchRequest};

use crate::support::Machine;

fn search(machine: &Machine, values: &[&str], since: i64) -> Option<(String, usize)> {
    let values = values.iter().map(|value| STANDARD.encode(value)).collect();
    let below = machine.path("disk").display().to_string();
    match machine.run(Request::Search(SearchRequest { values, since, below })) {
        Reply::Search(SearchReply { found }) => found,
        other => panic!("{other:?}"),
    }
}

fn disk(name: &str, content: &[u8]) -> Machine {
    let machine = Machine::new();
    let path = machine.path("disk").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    machine
}

#[test]
fn the_file_that_holds_a_value_is_named() {
    let machine = disk("etc/app/app.conf", b"user=app\npassword=hunter-22\n");
    let found = Some((machine.path("disk/etc/app/app.conf").display().to_string(), 1));
    assert_eq!(search(&machine, &["s3cret", "hunter-22"], 0), found);
    assert_eq!(search(&machine, &["hunter-23"], 0), None);
    assert_eq!(search(&machine, &["hunter-22"], i64::MAX), None, "not touched since");
}

#[test]
fn a_value_across_two_pieces_and_one_in_a_name_are_found() {
    for before in [(1 << 20) - 4, (1 << 20) - 9, 1 << 20, (2 << 20) - 1] {
        let machine = disk("big", &[vec![b'.'; before], b"hunter-22".to_vec(), vec![b'.'; 5000]].concat());
        assert!(search(&machine, &["hunter-22"], 0).is_some(), "after {before}");
    }
    let machine = disk("of-hunter-22/x", b"");
    assert!(search(&machine, &["hunter-22"], 0).unwrap().0.ends_with("disk/of-hunter-22"));
}

#[test]
fn links_are_not_followed() {
    let machine = disk("a", b"nothing");
    fs::write(machine.path("outside"), "hunter-22").unwrap();
    std::os::unix::fs::symlink(machine.path("outside"), machine.path("disk/link")).unwrap();
    assert_eq!(search(&machine, &["hunter-22"], 0), None);
}
