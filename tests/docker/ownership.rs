//! Who owns what a machine's root writes into a folder of the host.

use super::stack::Stack;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

const STACK: &str = r#"
[machine.web]
image = "IMAGE"
sync = ["site:/srv"]
volumes = ["data:/srv/data"]
provision = [{ shell = "mkdir /srv/log; touch /srv/log/web /srv/www /srv/data/own; chown 33:33 /srv/www" }]

[volume.data]
"#;

#[test]
fn the_hosts_user_owns_what_machines_write_into_their_folder() {
    let stack = Stack::new(STACK);
    stack.project.write("site/page", "hello").write("site/old", "of root").write("elsewhere/file", "of root");
    let path = |name: &str| stack.project.path(name);
    for mine in ["site", "site/page"] {
        chown(path(mine), Some(1000), Some(1000)).unwrap();
    }
    let owner = |name: &str| {
        let found = fs::symlink_metadata(path(name)).unwrap();
        (found.uid(), found.gid())
    };

    stack.up();
    assert_eq!([owner("site/log"), owner("site/log/web")], [(1000, 1000); 2], "what steps made");
    assert_eq!(owner("site/www"), (33, 33), "given to another user by the step");
    assert_eq!(owner("site/old"), (0, 0), "older than the machine");
    assert_eq!(stack.inside("web", "stat -c %u /srv/data/own"), "0", "on a volume");

    let made = "mkdir /srv/made; echo x > /srv/made/file; ln -s ../elsewhere/file /srv/link";
    stack.project.command(&["exec", "web", "sh", "-c", made]).run().succeeds().stdout_is("");
    assert_eq!([owner("site/made"), owner("site/made/file"), owner("site/link")], [(1000, 1000); 3]);
    stack.project.command(&["shell", "web"]).stdin("echo x > /srv/typed\n").run().succeeds();
    assert_eq!(owner("site/typed"), (1000, 1000));
    stack.project.write("put", "x");
    stack.env("copy put web:/srv/").succeeds();
    assert_eq!(owner("site/put"), (1000, 1000));
    assert_eq!(owner("elsewhere/file"), (0, 0));

    let failing = "echo x > /srv/failed; exit 3";
    stack.project.command(&["exec", "web", "sh", "-c", failing]).run().exits(3);
    assert_eq!(owner("site/failed"), (1000, 1000));

    // Nobody's command: a process of the machine. The last chance is before the machine goes.
    super::engine::docker(&format!("exec {} touch /srv/served", stack.container("web")));
    stack.env("destroy --yes").succeeds();
    assert_eq!(owner("site/served"), (1000, 1000));
}
