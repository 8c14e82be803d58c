//! Makes the cache of what the walk read, with what may be trusted the next time.

use envup_agent::{Cache, CachedDirectory, CachedFile};

use super::Scan;
use super::entry::{Entry, Inside};
use super::walk::Walked;

/// The kernel's clock for files stands still for as long: two changes within look like one. Nanoseconds.
const TICK: u64 = 20_000_000;

/// The same where a file system keeps no fractions of seconds.
const COARSE_TICK: u64 = 2_000_000_000;

/// The cache for the next time, as bytes.
pub fn keep(scan: &Scan<'_>, key_id: &str, walked: &Walked) -> Vec<u8> {
    let directories = walked.listings.iter().filter_map(|listing| {
        let files: Vec<CachedFile<'_>> =
            listing.entries.iter().filter_map(|entry| file(entry, scan.ground.began)).collect();
        (!files.is_empty()).then_some(CachedDirectory { path: &listing.path, files })
    });
    Cache { key_id, directories: directories.collect() }.to_bytes()
}

fn file(entry: &Entry, began: u64) -> Option<CachedFile<'_>> {
    let Inside::Content(content) = entry.inside else { return None };
    let tick = if entry.changed.is_multiple_of(1_000_000_000) { COARSE_TICK } else { TICK };
    // A change so shortly before, or after, need not show in the time: what git calls racily clean.
    let is_settled = entry.changed.saturating_add(tick) < began;
    Some(CachedFile {
        name: &entry.name,
        inode: entry.inode,
        size: entry.size,
        changed: if is_settled { entry.changed } else { 0 },
        mode: entry.mode,
        user: entry.user,
        group: entry.group,
        content,
        md5: entry.md5,
    })
}

#[cfg(test)]
mod tests {
    use envup_agent::Content;

    use super::super::entry::Kind;
    use super::*;

    #[test]
    fn what_changed_shortly_before_the_scan_or_during_it_is_not_trusted() {
        let began = 1_700_000_000_500_000_000;
        let kept = |changed| {
            let entry = Entry {
                name: Box::default(),
                kind: Kind::File,
                mode: 0o644,
                user: 0,
                group: 0,
                inode: 1,
                size: 1,
                changed,
                owned: None,
                explained: None,
                is_secret: false,
                inside: Inside::Content(Content::Sha256([0; 32])),
                md5: None,
            };
            file(&entry, began).map(|file| file.changed)
        };
        assert_eq!(kept(began - TICK - 1), Some(began - TICK - 1));
        assert_eq!([began - TICK, began, began + 1].map(kept), [Some(0); 3]);
        // A file system without fractions of seconds: half a second is too short.
        assert_eq!(kept(1_700_000_000_000_000_000), Some(0));
    }
}
