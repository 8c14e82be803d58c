//! Makes the cache of what the walk read, with what may be trusted the next time.

use envup_agent::{Cache, CachedDirectory, CachedFile, Stamp};

use super::Scan;
use super::entry::{Entry, Inside, Listing};
use super::walk::Walked;

/// The kernel's clock for files stands still for as long: two changes within look like one. Nanoseconds.
const TICK: u64 = 20_000_000;

/// The same where a file system keeps no fractions of seconds.
const COARSE_TICK: u64 = 2_000_000_000;

/// The cache for the next time, as bytes.
pub fn keep(scan: &Scan<'_>, key_id: &str, walked: &Walked<'_>) -> Vec<u8> {
    let directories = walked.listings.iter().map(|listing| directory(listing, scan.ground.began));
    Cache { key_id, directories: directories.collect() }.to_bytes()
}

fn directory<'w>(listing: &'w Listing<'w>, began: u64) -> CachedDirectory<'w> {
    let files: Vec<CachedFile<'_>> = listing.entries.iter().filter_map(|entry| file(entry, began)).collect();
    let is_file = |entry: &&Entry<'_>| matches!(entry.inside, Inside::Content(_));
    let others = listing.entries.iter().filter(|entry| !is_file(entry)).map(|entry| entry.name);
    let mut others: Vec<&[u8]> = others.chain(listing.left_out.iter().copied()).collect();
    others.sort_unstable();
    let stamp = Stamp { changed: settled(listing.stamp.changed, began), ..listing.stamp };
    CachedDirectory { path: &listing.path, stamp, files, others }
}

fn file<'c>(entry: &Entry<'c>, began: u64) -> Option<CachedFile<'c>> {
    let Inside::Content(content) = entry.inside else { return None };
    Some(CachedFile {
        name: entry.name,
        inode: entry.inode,
        size: entry.size,
        changed: settled(entry.changed, began),
        mode: entry.mode,
        user: entry.user,
        group: entry.group,
        content,
        md5: entry.md5,
    })
}

/// When something was changed; 0 if that was so shortly before, or after, that another change need not show in the time: what
/// git calls racily clean.
fn settled(changed: u64, began: u64) -> u64 {
    let tick = if changed.is_multiple_of(1_000_000_000) { COARSE_TICK } else { TICK };
    if changed.saturating_add(tick) < began { changed } else { 0 }
}

#[cfg(test)]
mod tests {
    use envup_agent::Content;

    use super::super::entry::Kind;
    use super::super::told::Told;
    use super::*;

    #[test]
    fn what_changed_shortly_before_the_scan_or_during_it_is_not_trusted() {
        let began = 1_700_000_000_500_000_000;
        let kept = |changed| {
            let entry = Entry {
                name: b"",
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
                told: Told::Item,
            };
            file(&entry, began).map(|file| file.changed)
        };
        assert_eq!(kept(began - TICK - 1), Some(began - TICK - 1));
        assert_eq!([began - TICK, began, began + 1].map(kept), [Some(0); 3]);
        // A file system without fractions of seconds: half a second is too short.
        assert_eq!(kept(1_700_000_000_000_000_000), Some(0));
    }
}
