//! What the files of a box's disk are, kept beside the disk: the first fingerprint of the first VM made from it reads them all, those of
//! all others read what is their own. Where a processor is emulated, that is most of what a fingerprint takes.
//!
//! Only what lies on the disk since it was made is kept: VMs of one disk have the same inodes with the same times there, and nowhere else.
//! Containers have none of it: what is the same in them is known once an engine has it, not in the store.

use super::World;
use crate::boxes::BoxDisk;
use crate::model::machine::Source;
use crate::model::observed::ObservedMachine;
use crate::state::{Access, write_bytes};
use envup_agent::{Cache, CachedDirectory, Content};
use std::fs;

/// What is known of the files that a machine has from its box; empty when nobody knows.
pub fn known(world: &World, machine: &ObservedMachine) -> Vec<u8> {
    disk(world, machine).and_then(|disk| fs::read(disk.cache_of_files()).ok()).unwrap_or_default()
}

/// Keeps what a fingerprint found out about them, if nothing is kept yet. Not being able to only costs time later.
pub fn remember(world: &World, machine: &ObservedMachine, cache: &[u8]) {
    let Some(disk) = disk(world, machine) else { return };
    if disk.cache_of_files().exists() {
        return;
    }
    if let Some(kept) = of_the_disk(cache, disk.meta.created) {
        let _ = write_bytes(&disk.cache_of_files(), Access::Shared, &kept);
    }
}

/// The disk that a machine was made from.
fn disk(world: &World, machine: &ObservedMachine) -> Option<BoxDisk> {
    let declared = world.stack.machines.get(&machine.name)?;
    let Source::Box(source) = &declared.source else { return None };
    if !world.providers.get(&declared.provider).ok()?.capabilities().disks {
        return None;
    }
    let disk = world.boxes.find_disk(source).ok()??;
    (machine.fields.get("image") == Some(disk.reference().as_str())).then_some(disk)
}

/// Of a cache, what was there when the disk was made, in seconds since 1970, and depends on nobody's key.
fn of_the_disk(cache: &[u8], made: u64) -> Option<Vec<u8>> {
    let cache = Cache::from_bytes(cache).ok()?;
    let made = made.saturating_mul(1_000_000_000);
    let directories = cache.directories.into_iter().filter_map(|directory| {
        let mut files = directory.files;
        files.retain(|file| (1..made).contains(&file.changed) && matches!(file.content, Content::Sha256(_)));
        (!files.is_empty()).then_some(CachedDirectory { path: directory.path, files })
    });
    Some(Cache { key_id: "", directories: directories.collect() }.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup_agent::CachedFile;

    #[test]
    fn only_what_lies_there_since_the_disk_was_made_and_has_no_key_is_kept() {
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
        let directory = |path: &'static [u8], files| CachedDirectory { path, files };
        let second = 1_000_000_000;
        let of_box = file(b"a", 99 * second, plain);
        let later = [file(b"b", 100 * second, plain), file(b"c", 0, plain)];
        let keyed = file(b"d", 5, Content::Keyed([2; 32]));
        let [b, c] = later.clone();
        let directories =
            vec![directory(b"/bin", vec![of_box.clone(), b, c, keyed]), directory(b"/etc", later.into())];
        let cache = Cache { key_id: "00ff", directories }.to_bytes();
        let kept = of_the_disk(&cache, 100).unwrap();
        let kept = Cache::from_bytes(&kept).unwrap();
        assert_eq!(kept, Cache { key_id: "", directories: vec![directory(b"/bin", vec![of_box])] });
    }
}
