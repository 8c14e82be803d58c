//! What a cache says more than is asked for, says wrongly of what is not asked, or says in damaged bytes, changes no answer.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};

use envup_agent::{Cache, CachedFile, Content, Level};

use crate::cache::settled;
use crate::disk::{Disk, field, file};
use crate::fingerprint::take;

#[test]
fn a_cache_of_another_level_changes_no_answer() {
    let disk = Disk::new();
    let large = "x".repeat(2 << 20);
    let files = [("usr/lib/demo/a", "a"), ("usr/lib/demo/large", &large), ("var/lib/mysql/shop", "s")];
    disk.debian(&files);
    disk.await_unpacked();
    // Suspect from now on: small, large, and where a fast look tells no content.
    files.iter().for_each(|(path, content)| drop(disk.write(path, format!("{content}!"))));
    File::create(disk.machine.path("srv")).unwrap().set_len((64 << 20) + 1).unwrap();
    for level in [Level::Fast, Level::Full] {
        let cache = settled(disk.root(), level);
        for other in [Level::Facts, Level::Fast, Level::Full] {
            let (with, without) = (take(disk.root(), other, &cache), disk.take(other));
            assert_eq!(with.fingerprint, without.fingerprint, "{level:?} before {other:?}");
        }
    }
    let fast = disk.take(Level::Fast);
    assert!(field(&fast, "/srv", "size").is_some() && file(&fast, "/usr/lib/demo/large").is_some());
}

#[test]
fn what_a_cache_says_of_a_file_that_another_section_tells_does_not_count() {
    let disk = Disk::new();
    let hosts = fs::metadata(disk.write("etc/hosts", "127.0.0.1 localhost\n")).unwrap();
    let before = disk.take(Level::Fast);
    let cache = settled(disk.root(), Level::Fast);
    let mut forged = Cache::from_bytes(&cache).unwrap();
    let etc = forged.directories.iter_mut().find(|directory| directory.path == b"/etc").unwrap();
    etc.others.retain(|name| *name != b"hosts");
    let changed = hosts.ctime() * 1_000_000_000 + hosts.ctime_nsec();
    etc.files.push(CachedFile {
        name: b"hosts",
        inode: hosts.ino(),
        size: hosts.size(),
        changed: u64::try_from(changed).unwrap(),
        mode: 0o644,
        user: hosts.uid(),
        group: hosts.gid(),
        content: Content::Sha256([7; 32]),
        md5: None,
    });
    assert_eq!(take(disk.root(), Level::Fast, &forged.to_bytes()).fingerprint, before.fingerprint);
}

#[test]
fn a_directory_whose_part_is_damaged_is_read_and_the_cache_sent_whole() {
    let disk = Disk::new();
    fs::create_dir_all(disk.machine.path("srv/links")).unwrap();
    for name in ["one", "two"] {
        symlink("nowhere", disk.machine.path(&format!("srv/links/{name}"))).unwrap();
    }
    // So many that one more to read would not be worth a new cache.
    for number in 0..200 {
        fs::create_dir(disk.machine.path(&format!("srv/{number}"))).unwrap();
    }
    let before = disk.take(Level::Fast);
    let cache = settled(disk.root(), Level::Fast);
    let (names, swapped) = (b"\x03one\0\x03two\0", b"\x03two\0\x03one\0");
    let place = cache.windows(names.len()).position(|bytes| bytes == names).unwrap();
    let mut damaged = cache.clone();
    damaged[place..place + names.len()].copy_from_slice(swapped);
    let again = take(disk.root(), Level::Fast, &damaged);
    assert_eq!((&again.fingerprint, &again.cache), (&before.fingerprint, &cache));
}
