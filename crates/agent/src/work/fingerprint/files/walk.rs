//! Shares the walk out among threads, directory by directory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use envup_agent::CacheIndex;

use super::Ground;
use super::directory::{Ahead, Seen, Walker};
use super::entry::{Entry, Listing, stamp};
use super::place::Place;

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;

/// Everything the walk saw.
#[derive(Default)]
pub struct Walked<'c> {
    /// Sorted by path.
    pub listings: Vec<Listing<'c>>,
    /// What could not be read, and why; sorted.
    pub unread: Vec<(Vec<u8>, String)>,
    /// Whether what the cache says of some directory is damaged.
    pub is_cache_damaged: bool,
}

impl Walked<'_> {
    /// Every entry, directory by directory, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<'_>> {
        self.listings.iter().flat_map(|listing| &listing.entries)
    }

    /// Hands on every chosen entry with its path and what its directory's place says, in the same order.
    pub fn each(
        &self,
        is_chosen: impl Fn(&Entry<'_>) -> bool,
        mut to: impl FnMut(&Place, &[u8], &Entry<'_>),
    ) {
        let mut path = Vec::new();
        for listing in &self.listings {
            path.clone_from(&listing.path);
            for entry in listing.entries.iter().filter(|entry| is_chosen(entry)) {
                path.truncate(listing.path.len());
                path.push(b'/');
                path.extend_from_slice(entry.name);
                to(&listing.place, &path, entry);
            }
        }
    }
}

/// Walks the whole machine. What the cache knows of directories need not be read.
pub fn walk<'c>(ground: &'c Ground, cache: &'c CacheIndex<'c>) -> Walked<'c> {
    let queue = Queue::default();
    let root = Ahead { path: Vec::new(), stamp: stamp(&ground.status), base: ground.root.clone() };
    queue.lock().directories.push(root);
    let mut walked = Walked::default();
    for seen in at_once(|| work(ground, cache, &queue)) {
        walked.listings.extend(seen.listings);
        walked.unread.extend(seen.unread);
        walked.is_cache_damaged |= seen.is_cache_damaged;
    }
    walked.listings.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    walked.unread.sort_unstable();
    walked
}

/// What several threads bring that do the same work.
pub fn at_once<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(2, usize::from).clamp(2, MOST_THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(super::super::joined).collect()
    })
}

fn work<'c>(ground: &'c Ground, cache: &'c CacheIndex<'c>, queue: &Queue) -> Seen<'c> {
    let mut walker = Walker::new(ground, cache);
    let mut further = Vec::new();
    while let Some(directory) = queue.next() {
        walker.directory(directory, &mut further);
        queue.done(&mut further);
    }
    walker.seen
}

/// What is still to be done.
#[derive(Default)]
struct Queue {
    open: Mutex<Open>,
    changed: Condvar,
}

#[derive(Default)]
struct Open {
    directories: Vec<Ahead>,
    /// Directories that a thread is at, which may bring more.
    at_work: usize,
}

impl Queue {
    /// Something to do; `None` when everything is done.
    fn next(&self) -> Option<Ahead> {
        let mut open = self.lock();
        loop {
            if let Some(directory) = open.directories.pop() {
                open.at_work += 1;
                return Some(directory);
            }
            if open.at_work == 0 {
                return None;
            }
            open = self.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A directory is done, and this is what it brought.
    fn done(&self, further: &mut Vec<Ahead>) {
        let mut open = self.lock();
        open.at_work -= 1;
        let is_news = !further.is_empty() || open.at_work == 0;
        open.directories.append(further);
        drop(open);
        if is_news {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
