//! What the files of a box are, kept beside the box: the first fingerprint of the first machine made from it reads them all, those of all
//! others read what is their own. Where a processor is emulated, that is most of what a fingerprint takes; in a small container, half.
//!
//! Only what was there before the machine is kept: VMs of one disk have the same inodes with the same times there, and nowhere else;
//! containers of one engine have those of the image that it unpacked once. Another engine, or one that unpacked the image again, has
//! none of them: then everything is read, and kept anew.

use super::World;
use crate::model::machine::Source;
use crate::model::observed::ObservedMachine;
use crate::state::{Access, write_bytes};
use envup_agent::{Cache, CachedDirectory, CachedFile, Content, Stamp};
use std::fs;
use std::path::PathBuf;

/// What is known of the files that a machine has from its box; empty when nobody knows.
pub fn known(world: &World, machine: &ObservedMachine) -> Vec<u8> {
    kept(world, machine).and_then(|kept| fs::read(kept.path).ok()).unwrap_or_default()
}

/// Keeps what a fingerprint found out about them, if what is kept does not say it. Not being able to only costs time later.
pub fn remember(world: &World, machine: &ObservedMachine, cache: &[u8]) {
    let Some(kept) = kept(world, machine) else { return };
    let Some(found) = of_the_box(cache, kept.made) else { return };
    let before = fs::read(&kept.path).unwrap_or_default();
    if !Cache::from_bytes(&before).is_ok_and(|before| holds(&before, &found)) {
        let _ = write_bytes(&kept.path, Access::Shared, &found.to_bytes());
    }
}

/// Where it is kept, and when the box's files were all there, in nanoseconds since 1970.
struct Kept {
    path: PathBuf,
    made: u64,
}

fn kept(world: &World, machine: &ObservedMachine) -> Option<Kept> {
    let declared = world.stack.machines.get(&machine.name)?;
    let Source::Box(source) = &declared.source else { return None };
    let is_from = |reference: String| machine.fields.get("image") == Some(reference.as_str());
    if world.providers.get(&declared.provider).ok()?.capabilities().disks {
        let disk = world.boxes.find_disk(source).ok()??;
        let made = disk.meta.created.saturating_mul(1_000_000_000);
        return is_from(disk.reference()).then(|| Kept { path: disk.cache_of_files(), made });
    }
    // One that starts from a layer has much that others from its box have not.
    if world.stack.steps_of(declared).next().is_some() {
        return None;
    }
    let found = world.boxes.find(source).ok()??;
    let made = u64::try_from(machine.created?).ok()?;
    is_from(found.reference()).then(|| Kept { path: found.cache_of_files(), made })
}

/// Of a cache, what was there at a time and depends on nobody's key.
fn of_the_box(cache: &[u8], made: u64) -> Option<Cache<'_>> {
    let cache = Cache::from_bytes(cache).ok()?;
    let directories = cache.directories.into_iter().filter_map(|directory| {
        let is_of_box = |file: &CachedFile<'_>| {
            (1..made).contains(&file.changed) && matches!(file.content, Content::Sha256(_))
        };
        let (files, later): (Vec<_>, Vec<_>) = directory.files.into_iter().partition(is_of_box);
        let mut kept = CachedDirectory { path: directory.path, files, ..CachedDirectory::default() };
        if (1..made).contains(&directory.stamp.changed) {
            kept.stamp = directory.stamp;
            kept.others = directory.others;
            kept.others.extend(later.iter().map(|file| file.name));
            kept.others.sort_unstable();
        }
        (!kept.files.is_empty() || kept.stamp != Stamp::default()).then_some(kept)
    });
    Some(Cache { key_id: "", directories: directories.collect() })
}

/// Whether most of what is kept still is so, which no file of it is in another engine.
fn holds(kept: &Cache<'_>, found: &Cache<'_>) -> bool {
    let (mut all, mut same) = (0, 0);
    for directory in &kept.directories {
        let now = found.directory(directory.path).map_or(&[][..], |now| &now.files);
        all += directory.files.len();
        let is_same = |file: &&CachedFile<'_>| {
            let place = now.binary_search_by(|other| other.name.cmp(file.name));
            place.is_ok_and(|place| (now[place].inode, now[place].changed) == (file.inode, file.changed))
        };
        same += directory.files.iter().filter(is_same).count();
    }
    2 * same > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_there_when_the_box_was_made_and_has_no_key_is_kept() {
        let file = |name: &'static [u8], changed, content| CachedFile {
            name,
            inode: 7,
            size: 1,
            changed,
            mode: 0o644,
            user: 0,
            group: 0,
            content,
            md5: None,
        };
        let plain = Content::Sha256([1; 32]);
        let directory = |path: &'static [u8], changed, files, others| {
            let stamp = if changed == 0 { Stamp::default() } else { Stamp { inode: 3, size: 1, changed } };
            CachedDirectory { path, stamp, files, others }
        };
        let second = 1_000_000_000;
        let of_box = file(b"a", 99 * second, plain);
        let later = [file(b"b", 100 * second, plain), file(b"c", 0, plain)];
        let keyed = file(b"d", 5, Content::Keyed([2; 32]));
        let [b, c] = later.clone();
        let all = vec![of_box.clone(), b, c, keyed];
        let directories = vec![
            directory(b"/bin", 99 * second, all.clone(), vec![b"aa".as_slice(), b"e"]),
            directory(b"/etc", 100 * second, later.into(), vec![b"x"]),
            directory(b"/opt", 5, vec![], vec![b"x"]),
            directory(b"/usr", 101 * second, all, vec![b"x"]),
        ];
        let cache = Cache { key_id: "00ff", directories }.to_bytes();
        let kept = of_the_box(&cache, 100 * second).unwrap();
        let others: Vec<&[u8]> = vec![b"aa", b"b", b"c", b"d", b"e"];
        let directories = vec![
            directory(b"/bin", 99 * second, vec![of_box.clone()], others),
            directory(b"/opt", 5, vec![], vec![b"x"]),
            directory(b"/usr", 0, vec![of_box], vec![]),
        ];
        assert_eq!(kept, Cache { key_id: "", directories });
    }

    #[test]
    fn what_no_file_is_any_more_is_kept_no_longer() {
        let files = |inode| {
            let file = CachedFile {
                name: b"a",
                inode,
                size: 1,
                changed: 5,
                mode: 0o644,
                user: 0,
                group: 0,
                content: Content::Sha256([1; 32]),
                md5: None,
            };
            let directories =
                vec![CachedDirectory { path: b"/bin", files: vec![file], ..CachedDirectory::default() }];
            Cache { key_id: "", directories }
        };
        assert!(holds(&files(7), &files(7)));
        assert!(!holds(&files(7), &files(8)));
        assert!(!holds(&files(7), &Cache::default()) && !holds(&Cache::default(), &files(7)));
    }
}
