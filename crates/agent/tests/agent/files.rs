//! The files of a fingerprint, in trees that stand for machines.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use envup_agent::{Cache, Content, Level, Section};

use crate::disk::{Disk, field, file};
use crate::fingerprint::{request, take, taken};
use crate::support::{Machine, Session};

#[test]
fn every_kind_of_path_is_told_by_what_it_is() {
    let disk = Disk::new();
    disk.write("srv/a", "hello");
    disk.write("srv/A", "");
    disk.mode("srv/a", 0o4755);
    symlink("../a", disk.machine.path("srv/link")).unwrap();
    fs::write(disk.root().join(std::ffi::OsStr::from_bytes(b"srv/\xffx")), "").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        disk.machine.path("srv/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let taken = disk.take(Level::Fast);
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let own = disk.own();
    let told: Vec<(&str, &str)> =
        file(&taken, "/srv/a").unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(told, [("mode", "4755"), ("owner", &own), ("sha256", hello), ("type", "file")]);
    assert_eq!(field(&taken, "/srv/link", "target"), Some("../a"));
    assert_eq!(field(&taken, "/srv/link", "mode"), None);
    assert_eq!(field(&taken, "/srv/pipe", "type"), Some("fifo"));
    assert_eq!(field(&taken, "/srv", "type"), Some("directory"));
    assert!(
        file(&taken, "/srv/A").is_some()
            && file(&taken, "/srv/\\xffx").is_some()
            && file(&taken, "/").is_some()
    );
    assert!(taken.fingerprint.is_complete(), "{:?}", taken.fingerprint.unread);
}

#[test]
fn what_may_not_be_told_is_keyed_and_data_is_told_by_size() {
    let disk = Disk::new();
    let canary = "hunter2-canary";
    for path in
        ["srv/.env", "root/.ssh/config", "etc/private.conf", "var/lib/mysql/x/data", "var/log/app.log"]
    {
        disk.write(path, canary);
    }
    disk.mode("etc/private.conf", 0o600);
    let taken = disk.take(Level::Fast);
    let digest = field(&taken, "/srv/.env", "keyed").unwrap();
    assert_eq!(field(&taken, "/root/.ssh/config", "keyed"), Some(digest));
    assert_eq!(field(&taken, "/etc/private.conf", "keyed"), Some(digest));
    assert_eq!(field(&taken, "/srv/.env", "sha256"), None);
    assert_eq!(field(&taken, "/var/lib/mysql/x/data", "size"), Some("14"));
    let log = file(&taken, "/var/log/app.log").unwrap();
    assert!(!log.contains_key("sha256") && !log.contains_key("size"), "{log:?}");
    let full = disk.take(Level::Full);
    assert_eq!(field(&full, "/var/lib/mysql/x/data", "size"), None);
    assert!(field(&full, "/var/lib/mysql/x/data", "sha256").is_some());
}

#[test]
fn what_is_no_part_of_the_machine_is_not_told() {
    let disk = Disk::new();
    for path in ["proc/1/stat", "run/x", "tmp/x", "usr/lib/a/__pycache__/a.pyc", "var/lib/envup/ledger.json"]
    {
        disk.write(path, "x");
    }
    disk.write("etc/hosts", "127.0.0.1 localhost\n");
    let taken = disk.take(Level::Full);
    let files = taken.fingerprint.items(Section::Files).unwrap();
    let told = |start: &str| files.keys().filter(|path| path.starts_with(start)).collect::<Vec<_>>();
    assert_eq!(told("/tmp"), ["/tmp"]);
    assert_eq!(told("/usr/lib/a"), ["/usr/lib/a"]);
    assert_eq!((told("/proc").len(), told("/run").len(), told("/var/lib/envup").len()), (0, 0, 0));
    assert_eq!(field(&taken, "/etc/hosts", "explained"), Some("resolution"));
    assert_eq!(field(&taken, "/etc/hosts", "sha256"), None);
}

#[test]
fn the_cache_saves_reading_and_names_files() {
    let disk = Disk::new();
    disk.write("srv/a", "hello");
    disk.write("srv/big", vec![7; 3 << 20]);
    let first = disk.take(Level::Fast);
    let cache = Cache::from_bytes(&first.cache).unwrap();
    let files: Vec<_> = cache.files().filter(|(path, _)| path.starts_with("/srv")).collect();
    assert_eq!(
        files.iter().map(|(path, file)| (path.as_str(), file.size)).collect::<Vec<_>>(),
        [("/srv/a", 5), ("/srv/big", 3 << 20)]
    );
    assert!(matches!(files[0].1.content, Content::Sha256(_)) && files[0].1.mode == 0o644);

    // What was written too shortly before is read once more; then there is nothing new.
    let mut cache = first.cache.clone();
    loop {
        let again = take(disk.root(), Level::Fast, &cache);
        assert_eq!(again.fingerprint, first.fingerprint);
        // Before the clock for files has gone on, there is nothing new to say, and nothing to trust either.
        let known = Cache::from_bytes(&cache).unwrap();
        let is_settled = known.files().all(|(_, file)| file.changed > 0)
            && known.directories.iter().all(|directory| directory.stamp.changed > 0);
        if !again.reply.has_cache && is_settled {
            break;
        }
        if again.reply.has_cache {
            cache = again.cache;
        }
    }
    // It is trusted, so it is bound to its files and its key, and useless when damaged.
    let mut forged = Cache::from_bytes(&cache).unwrap();
    forged.directories.iter_mut().flat_map(|directory| &mut directory.files).for_each(|file| {
        file.content = Content::Sha256([7; 32]);
    });
    assert_ne!(take(disk.root(), Level::Fast, &forged.to_bytes()).fingerprint, first.fingerprint);
    let older = [b"envup files 3".as_slice(), &cache[13..]].concat();
    for useless in [&cache[1..], &older] {
        let again = take(disk.root(), Level::Fast, useless);
        assert_eq!((&again.fingerprint, &again.cache), (&first.fingerprint, &cache));
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    // Where everybody may go.
    let dir = std::env::temp_dir().join(format!("envup-agent-unread-{}", std::process::id()));
    let disk = Disk { machine: Machine { dir } };
    disk.write("srv/hidden/x", "");
    disk.write("srv/closed", "secret");
    disk.mode("srv/closed", 0);
    disk.mode("srv/hidden", 0);
    // Root may read everything: then somebody else has to look.
    let program = disk.machine.path("agent");
    // By a process of its own: a child of another test could hold our copy open for writing, and then nobody may run it.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_envup-agent")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(&program);
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let session = Session::start_command(command, &request(disk.root(), Level::Fast, &[]), &[]);
    let (lines, reply) = session.finish();
    let taken = taken(lines, reply);
    disk.mode("srv/hidden", 0o755);
    let unread: Vec<_> = taken
        .fingerprint
        .unread
        .iter()
        .map(|unread| (unread.section, unread.key.as_str(), unread.reason.as_str()))
        .collect();
    let expected = ["/srv/closed", "/srv/hidden"].map(|path| (Section::Files, path, "permission denied"));
    assert_eq!(unread, expected);
    assert_eq!(field(&taken, "/srv/closed", "mode"), Some("0000"));
    assert_eq!(field(&taken, "/srv/closed", "keyed"), None);
}
