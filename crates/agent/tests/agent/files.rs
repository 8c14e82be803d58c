//! The files of a fingerprint, in trees that stand for machines.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use envup_agent::{Cache, Content, Item, Level, Section};

use crate::fingerprint::{Taken, request, take, taken};
use crate::support::{Machine, Session};

/// A machine made of files.
struct Disk {
    machine: Machine,
}

impl Disk {
    fn new() -> Disk {
        let disk = Disk { machine: Machine::new() };
        disk.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n");
        disk
    }

    fn root(&self) -> &Path {
        &self.machine.dir
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.machine.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.machine.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A package `demo` as dpkg would have left it, with these files and what is in them.
    fn debian(&self, files: &[(&str, &str)]) {
        let status = "Package: demo\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
        let sums = files.iter().map(|(path, content)| format!("{}  {path}\n", md5(content)));
        self.write("var/lib/dpkg/status", status);
        self.write("var/lib/dpkg/info/demo.md5sums", sums.collect::<String>());
        let list: String = files.iter().map(|(path, _)| format!("/{path}\n")).collect();
        self.write("var/lib/dpkg/info/demo.list", format!("/.\n/usr\n/usr/lib\n/usr/lib/demo\n{list}"));
        files.iter().for_each(|(path, content)| drop(self.write(path, content)));
    }

    fn take(&self, level: Level) -> Taken {
        take(self.root(), level, &[])
    }

    /// The owner of everything that tests make.
    fn own(&self) -> String {
        use std::os::unix::fs::MetadataExt as _;
        let status = fs::metadata(self.root()).unwrap();
        let name = |number: u32| if number == 0 { "root".to_owned() } else { number.to_string() };
        format!("{}:{}", name(status.uid()), status.gid())
    }
}

fn md5(content: &str) -> String {
    use md5::Digest as _;
    md5::Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An item of section `files`, if there is one.
fn file<'t>(taken: &'t Taken, path: &str) -> Option<&'t Item> {
    taken.fingerprint.items(Section::Files).unwrap().get(path)
}

/// One field of an item that is there.
fn field<'t>(taken: &'t Taken, path: &str, name: &str) -> Option<&'t str> {
    let item = file(taken, path).unwrap_or_else(|| panic!("{path} is not told"));
    item.get(name).map(String::as_str)
}

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
fn packaged_files_are_told_by_the_digest_of_their_package() {
    let disk = Disk::new();
    let files = [("usr/lib/demo/a", "a"), ("usr/lib/demo/b", "b"), ("usr/share/doc/demo/copyright", "c")];
    disk.debian(&files);
    for path in ["", "usr", "usr/lib", "usr/lib/demo"] {
        disk.mode(path, 0o755);
    }
    disk.write("usr/lib/demo/unowned", "u");
    let digests = |taken: &Taken| {
        let demo = &taken.fingerprint.items(Section::Packages).unwrap()["dpkg:demo"];
        (demo["files"].clone(), demo.get("documents").cloned())
    };
    let before = disk.take(Level::Full);
    assert!(file(&before, "/usr/lib/demo/a").is_none() && file(&before, "/usr/lib/demo").is_none());
    assert!(file(&before, "/usr/lib/demo/unowned").is_some());

    // Full looks at every file: the changed one is named, and no longer part of the digest.
    disk.write("usr/lib/demo/a", "A");
    let full = disk.take(Level::Full);
    assert_eq!(field(&full, "/usr/lib/demo/a", "package"), Some("dpkg:demo"));
    assert_ne!(digests(&before).0, digests(&full).0);
    assert_eq!(digests(&before).1, digests(&full).1);

    // Unusual permissions and what is missing are named at every level; documentation may be left away.
    disk.mode("usr/lib/demo/a", 0o777);
    fs::remove_file(disk.machine.path("usr/lib/demo/b")).unwrap();
    fs::remove_dir_all(disk.machine.path("usr/share/doc")).unwrap();
    let fast = disk.take(Level::Fast);
    assert_eq!(field(&fast, "/usr/lib/demo/a", "mode"), Some("0777"));
    assert_eq!(field(&fast, "/usr/lib/demo/b", "type"), Some("missing"));
    assert!(file(&fast, "/usr/share/doc/demo/copyright").is_none());
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
        if !again.reply.has_cache {
            break;
        }
        cache = again.cache;
    }
    // It is trusted, so it is bound to its files and its key, and useless when damaged.
    let forged: Vec<u8> = [&cache[..cache.len() - 1], &[cache[cache.len() - 1] ^ 1]].concat();
    assert_ne!(take(disk.root(), Level::Fast, &forged).fingerprint, first.fingerprint);
    let damaged = take(disk.root(), Level::Fast, &cache[1..]);
    assert_eq!((damaged.fingerprint, damaged.cache), (first.fingerprint, cache));
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
    fs::copy(env!("CARGO_BIN_EXE_envup-agent"), &program).unwrap();
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
