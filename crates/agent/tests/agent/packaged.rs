//! Files that came with packages: told by one digest a package, and by name when they are not what they were.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envup_agent::{Level, Section};
use sha2::{Digest as _, Sha256};

use crate::disk::{Disk, field, file};
use crate::fingerprint::Taken;

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
fn a_fast_look_names_what_changed_after_it_was_unpacked() {
    let disk = Disk::new();
    disk.debian(&[("usr/lib/demo/a", "a"), ("usr/lib/demo/b", "b"), ("usr/lib/demo/c", "c")]);
    disk.await_unpacked();
    let path = |name: &str| disk.machine.path(&format!("usr/lib/demo/{name}"));
    let (before, times) = (disk.take(Level::Fast), fs::metadata(path("a")).unwrap().modified().unwrap());
    assert!(["a", "b", "c"].iter().all(|name| file(&before, &format!("/usr/lib/demo/{name}")).is_none()));

    fs::write(path("a"), "A").unwrap();
    fs::File::options().write(true).open(path("a")).unwrap().set_modified(times).unwrap();
    fs::write(path("b"), "b").unwrap();
    let after = disk.take(Level::Fast);
    assert_eq!(field(&after, "/usr/lib/demo/a", "package"), Some("dpkg:demo"));
    // Touched, but the same: nothing to tell.
    assert!(file(&after, "/usr/lib/demo/b").is_none() && file(&after, "/usr/lib/demo/c").is_none());
}

#[test]
fn modules_of_python_are_compared_with_their_record() {
    let disk = Disk::new();
    let modules = "usr/local/lib/python3.11/dist-packages";
    let record = |path: &str, content: &str| {
        disk.write(&format!("{modules}/{path}"), content);
        format!("{path},sha256={},{}\n", URL_SAFE_NO_PAD.encode(Sha256::digest(content)), content.len())
    };
    let lines = record("demo/a.py", "a") + &record("demo/b.py", "b");
    disk.write(&format!("{modules}/demo-1.0.dist-info/METADATA"), "Name: demo\nVersion: 1.0\n");
    disk.write(&format!("{modules}/demo-1.0.dist-info/RECORD"), lines);
    disk.write(&format!("{modules}/demo/a.py"), "changed");
    disk.write(&format!("{modules}/demo/extra.py"), "");
    let taken = disk.take(Level::Fast);
    let package = format!("pip:/{modules}:demo");
    let demo = &taken.fingerprint.items(Section::Packages).unwrap()[&package];
    assert_eq!(demo["version"], "1.0");
    assert_eq!(field(&taken, &format!("/{modules}/demo/a.py"), "package"), Some(package.as_str()));
    assert_eq!(field(&taken, &format!("/{modules}/demo/extra.py"), "package"), None);
    assert!(file(&taken, &format!("/{modules}/demo/b.py")).is_none());
    assert!(file(&taken, &format!("/{modules}/demo-1.0.dist-info/METADATA")).is_none());
}

#[test]
fn packages_of_rpm_are_said_to_be_unread() {
    let disk = Disk::new();
    disk.write("usr/lib/sysimage/rpm/rpmdb.sqlite", "SQLite format 3");
    let unread = disk.take(Level::Facts).fingerprint.unread;
    assert_eq!(
        unread.iter().map(|unread| (unread.section, unread.key.as_str())).collect::<Vec<_>>(),
        [(Section::Packages, "rpm")]
    );
}
