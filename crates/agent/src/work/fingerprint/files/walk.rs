//! Shares the walk out among threads: directories first, then large files, the largest first.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use envup_agent::Cache;

use super::Scan;
use super::directory::{Directory, Large, Seen, Walker};
use super::entry::{Inside, Listing};

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;

/// Everything the walk saw.
pub struct Walked {
    /// Sorted by path.
    pub listings: Vec<Listing>,
    /// What could not be read, and why; sorted.
    pub unread: Vec<(Vec<u8>, String)>,
    /// How many files the cache knew.
    known: usize,
}

impl Walked {
    /// Whether what was read is exactly what the cache holds.
    pub fn is_all_known(&self, cache: &Cache<'_>) -> bool {
        let read = |listing: &Listing| {
            listing.entries.iter().filter(|entry| matches!(entry.inside, Inside::Content(_))).count()
        };
        let cached: usize = cache.directories.iter().map(|directory| directory.files.len()).sum();
        self.known == cached && cached == self.listings.iter().map(read).sum::<usize>()
    }
}

/// Walks the whole machine.
pub fn walk(scan: &Scan<'_>) -> Walked {
    let threads = thread::available_parallelism().map_or(2, usize::from).clamp(2, MOST_THREADS);
    let queue = Queue::default();
    queue.add(vec![Directory { path: Vec::new(), owned: None }], Vec::new());
    let seen: Vec<Seen> = thread::scope(|scope| {
        let queue = &queue;
        let threads: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || work(scan, number, queue))).collect();
        threads.into_iter().map(super::super::joined).collect()
    });
    merged(seen)
}

fn work(scan: &Scan<'_>, number: usize, queue: &Queue) -> Seen {
    let mut walker = Walker::new(scan, number);
    let (mut further, mut large) = (Vec::new(), Vec::new());
    while let Some(job) = queue.next() {
        match job {
            Job::Directory(directory) => walker.directory(directory, &mut further, &mut large),
            Job::File(file) => walker.large(file),
        }
        queue.done(&mut further, &mut large);
    }
    walker.seen
}

fn merged(mut seen: Vec<Seen>) -> Walked {
    let late: Vec<_> = seen.iter_mut().flat_map(|seen| std::mem::take(&mut seen.late)).collect();
    for (at, inside, md5) in late {
        if let Some(entry) = at.find(&mut seen) {
            (entry.inside, entry.md5) = (inside, md5);
        }
    }
    let mut walked = Walked { listings: Vec::new(), unread: Vec::new(), known: 0 };
    for seen in seen {
        walked.listings.extend(seen.listings);
        walked.unread.extend(seen.unread);
        walked.known += seen.known;
    }
    walked.listings.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    walked.unread.sort_unstable();
    walked
}

/// What is still to be done.
#[derive(Default)]
struct Queue {
    open: Mutex<Open>,
    changed: Condvar,
}

#[derive(Default)]
struct Open {
    directories: Vec<Directory>,
    files: BinaryHeap<BySize>,
    /// Jobs that a thread is at, which may bring more.
    at_work: usize,
}

enum Job {
    Directory(Directory),
    File(Large),
}

impl Queue {
    /// Something to do; `None` when everything is done.
    fn next(&self) -> Option<Job> {
        let mut open = self.lock();
        loop {
            let job = match open.directories.pop() {
                Some(directory) => Some(Job::Directory(directory)),
                None => open.files.pop().map(|file| Job::File(file.0)),
            };
            if job.is_some() {
                open.at_work += 1;
                return job;
            }
            if open.at_work == 0 {
                return None;
            }
            open = self.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn add(&self, directories: Vec<Directory>, files: Vec<Large>) {
        let mut open = self.lock();
        open.directories.extend(directories);
        open.files.extend(files.into_iter().map(BySize));
    }

    /// A job is done, and this is what it brought.
    fn done(&self, further: &mut Vec<Directory>, large: &mut Vec<Large>) {
        let mut open = self.lock();
        open.at_work -= 1;
        let is_news = !further.is_empty() || !large.is_empty() || open.at_work == 0;
        open.directories.append(further);
        open.files.extend(large.drain(..).map(BySize));
        drop(open);
        if is_news {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The largest is first.
struct BySize(Large);

impl Ord for BySize {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.size.cmp(&other.0.size)
    }
}

impl PartialOrd for BySize {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for BySize {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for BySize {}
