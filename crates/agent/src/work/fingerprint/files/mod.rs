//! Files: one walk over the machine's own disks, what is told of each path, and the cache for the next time.
//!
//! `scope` says where the walk goes, `walk` shares it out among threads, `directory` looks at one directory. All that does not
//! need the packages, which come meanwhile. Then `inside` finds out what is in files, which `content` reads, and how each path is
//! told; `place` and `secret` say how closely a file is looked at, `told` whether it is an item. `tell` makes items and the digests
//! of packages. Links are never followed, and nothing is written.

mod content;
mod digests;
mod directory;
mod entry;
mod inside;
mod keep;
mod names;
mod place;
mod promised;
mod scope;
mod secret;
mod tell;
mod told;
mod walk;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use envup_agent::{CacheIndex, Level};
use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, openat};

use self::directory::Base;
use self::entry::{Entry, Inside};
use self::place::Place;
use self::promised::Promised;
use self::scope::Scope;
use self::walk::Walked;
use super::owners::Promise;
use super::view::{Found, View};
use crate::work::failure::Failure;

pub use self::digests::Digests;

/// What came of files.
pub struct Files {
    /// The section.
    pub found: Found,
    /// One digest a package, of the files that are no items.
    pub digests: Digests,
    /// The cache for the next time; `None` when that of the last time is still good.
    pub cache: Option<Vec<u8>>,
}

/// What all threads share that look into files.
struct Scan<'a> {
    view: &'a View<'a>,
    level: Level,
    cache: CacheIndex<'a>,
    ground: Ground,
    promised: Promised,
}

/// Where the walk goes.
struct Ground {
    root: Arc<Base>,
    status: Stat,
    scope: Scope,
    /// When it began, in nanoseconds since 1970.
    began: u64,
}

/// Whether a cache may be used by whoever has this key. One of no key has nothing keyed in it, and is anybody's.
fn is_usable(cache: &CacheIndex<'_>, key_id: &str) -> bool {
    match cache.key_id {
        "" => !cache.is_keyed(),
        other => other == key_id,
    }
}

/// Looks at all files, with the cache of the last time; what is damaged in it is as good as not there, and so is one of another key.
pub fn collect(view: &View<'_>, level: Level, cache_bytes: &[u8]) -> Result<Files, Failure> {
    let key_id = view.key_id();
    let cache = CacheIndex::of(cache_bytes).ok().filter(|cache| is_usable(cache, &key_id));
    let (cache, ground) = (cache.unwrap_or_default(), ground(view)?);
    // The process is about to end: to give tens of thousands of things back one by one would only take time.
    let scan = ManuallyDrop::new(Scan { view, level, cache, ground, promised: Promised::default() });
    let mut walked = ManuallyDrop::new(walk::walk(&scan.ground, &scan.cache));
    let known = inside::look(&scan, &mut walked);
    let (found, digests) = tell::tell(&scan, &walked);
    let kept = (!is_all_known(&walked, known, scan.cache.files)).then(|| keep::keep(&scan, &key_id, &walked));
    Ok(Files { found, digests, cache: kept.filter(|kept| *kept != cache_bytes) })
}

fn ground(view: &View<'_>) -> Result<Ground, Failure> {
    let path = view.path("/");
    let opened = openat(CWD, &path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let opened = opened.and_then(|root| fstat(&root).map(|status| (root, status)));
    let (root, status) =
        opened.map_err(|error| Failure::io(format!("cannot open {}", path.display()), error))?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let scope = Scope::read(&path, status.st_dev);
    let root = Arc::new(Base { handle: root, length: 0 });
    Ok(Ground { root, status, scope, began: u64::try_from(began).unwrap_or_default() })
}

/// So many directories are known for each that had to be read, and the cache is still good: somewhere something always comes and goes,
/// and to send all of it takes longer than to read a few directories again.
const KNOWN_FOR_EACH_READ: usize = 64;

/// Whether the cache holds exactly the files that were read, and nearly all directories.
fn is_all_known(walked: &Walked<'_>, known: usize, cached: usize) -> bool {
    let read = walked.listings.iter().filter(|listing| !listing.is_known).count();
    !walked.is_cache_damaged
        && known == cached
        && cached == walked.entries().filter(|entry| matches!(entry.inside, Inside::Content(_))).count()
        && read * KNOWN_FOR_EACH_READ <= walked.listings.len()
}

impl Scan<'_> {
    /// Whether a file is compared with the MD5 that its package promised.
    fn needs_md5(&self, place: &Place, entry: &Entry<'_>) -> bool {
        let Some(promise) = self.promise(entry) else { return false };
        let is_promised = matches!(promise, Promise::Md5sums { .. }) && !place.each;
        is_promised && (self.level == Level::Full || place.is_suspect(entry, promise))
    }

    fn promise(&self, entry: &Entry<'_>) -> Option<&Promise> {
        let package = self.view.owners().packages().get(entry.owned?.package as usize)?;
        Some(&package.promise)
    }
}
