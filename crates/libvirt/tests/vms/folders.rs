//! Folders of this host in a VM: what is there, whose it is, and that changes follow.

use crate::stage::{Stage, program};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Stdio;

const ENVFILE: &str = r#"
name = "folders"
[machine.web]
box = "debian/12"
provider = "libvirt"
sysctls = { "net.core.somaxconn" = 1234 }
sync = [{ from = "my app", to = "/srv/app", exclude = ["cache"], gitignore = true }, "note:/etc/note"]
[[machine.web.provision]]
shell = "ls /srv/app/many | wc -l >/root/seen"
"#;

/// Whose the files are on this host.
const USER: u32 = 4242;

#[test]
fn folders_are_copied_and_changes_follow() {
    let stage = Stage::new(ENVFILE);
    let app = stage.directory().join("my app");
    fs::create_dir_all(app.join("many")).unwrap();
    for number in 0..10_000 {
        fs::write(app.join(format!("many/{number}")), format!("{number}")).unwrap();
    }
    fs::write(app.join(".gitignore"), "*.log\n").unwrap();
    fs::write(app.join("today.log"), "noise").unwrap();
    fs::write(stage.directory().join("note"), "one").unwrap();
    let mine = app.join("many/7");
    if fs::metadata(&app).unwrap().uid() == 0 {
        chown(&mine, Some(USER), Some(USER)).unwrap();
    }
    let owner = fs::metadata(&mine).unwrap().uid().to_string();

    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    let inside = |words: &str| stage.env(&format!("exec web -- {words}")).exits(0).stdout.trim().to_owned();
    // They were there when steps ran.
    assert_eq!(inside("cat /root/seen"), "10000");
    assert_eq!(inside("cat /etc/note"), "one");
    assert_eq!(inside("cat /proc/sys/net/core/somaxconn"), "1234");
    assert_eq!(inside("stat -c %u /srv/app/many/7"), owner);
    assert_eq!(inside("ls -A /srv/app"), ".gitignore\nmany");

    // What is deleted here is deleted there; what is left out is the machine's own.
    inside("mkdir /srv/app/cache");
    fs::remove_dir_all(app.join("many")).unwrap();
    fs::write(app.join("index"), "new").unwrap();
    let sent = stage.env("folder send").exits(0).stdout;
    assert_eq!(sent, "web  my app → /srv/app\nweb  note → /etc/note\n");
    assert_eq!(inside("ls /srv/app"), "cache\nindex");

    let mut command = stage.command(&program("env"), "folder watch web");
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || said.next().unwrap().unwrap();
    assert_eq!([next(), next()], ["web  my app → /srv/app", "web  note → /etc/note"]);
    fs::create_dir(app.join("deep")).unwrap();
    fs::write(app.join("deep/page"), "changed").unwrap();
    assert_eq!(next(), "web  my app → /srv/app");
    // A directory that is new may have been copied before the file in it came; then one more copy follows.
    while inside("ls /srv/app/deep").is_empty() {
        next();
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(inside("cat /srv/app/deep/page"), "changed");

    let other = Stage::new("name = \"other\"\n[machine.web]\nbox = \"debian/12\"\nprovider = \"libvirt\"\n");
    let none = other.env("folder send").exits(64);
    assert!(none.stderr.contains("no") && none.stderr.contains("`sync`"), "{}", none.stderr);
}
