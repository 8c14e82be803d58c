//! Finds out what is inside the files that the walk saw, and which package each path belongs to. What the last time's cache
//! still knows is not read again.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use envup_agent::{CachedFile, Content};
use rustix::fs::{OFlags, fstat};

use super::Scan;
use super::content::{How, Reader, open};
use super::directory::{below, note};
use super::entry::{Entry, Inside, Kind, Listing};
use super::place::{Look, Place};
use super::walk::{Walked, at_once};

/// Files above this size are shared out among threads one by one. Bytes.
const ALONE: u64 = 1 << 20;

/// Looks into all files; gives how many of them the cache knew.
pub fn look(scan: &Scan<'_>, walked: &mut Walked<'_>) -> usize {
    let listings = Mutex::new(walked.listings.iter_mut());
    let lookers = at_once(|| {
        let mut looker = Looker::new(scan);
        while let Some(listing) = next(&listings) {
            looker.listing(listing);
        }
        looker.found
    });
    let mut all = Found::default();
    for found in lookers {
        all.known += found.known;
        all.large.extend(found.large);
        all.unread.extend(found.unread);
    }
    // The largest first, so that threads end together.
    all.large.sort_unstable_by_key(|large| Reverse(large.entry.size));
    let large = Mutex::new(all.large.into_iter());
    let lookers = at_once(|| {
        let mut looker = Looker::new(scan);
        while let Some(large) = next(&large) {
            looker.large(large);
        }
        looker.found.unread
    });
    walked.unread.extend(all.unread.into_iter().chain(lookers.into_iter().flatten()));
    walked.unread.sort_unstable();
    all.known
}

/// What is to be done next, by whichever thread asks.
fn next<I: Iterator>(work: &Mutex<I>) -> Option<I::Item> {
    work.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// What one thread found.
#[derive(Default)]
struct Found<'w, 'c> {
    /// How many files the cache knew.
    known: usize,
    large: Vec<Large<'w, 'c>>,
    /// What could not be read, and why.
    unread: Vec<(Vec<u8>, String)>,
}

/// A large file to read.
struct Large<'w, 'c> {
    path: Vec<u8>,
    place: Place,
    entry: &'w mut Entry<'c>,
}

/// One thread at work.
struct Looker<'a, 'w, 'c> {
    scan: &'a Scan<'a>,
    reader: Reader<'a>,
    /// The path of the entry at hand.
    path: Vec<u8>,
    found: Found<'w, 'c>,
}

impl<'a, 'w, 'c> Looker<'a, 'w, 'c> {
    fn new(scan: &'a Scan<'a>) -> Looker<'a, 'w, 'c> {
        Looker { scan, reader: Reader::new(scan.view), path: Vec::new(), found: Found::default() }
    }

    fn listing(&mut self, listing: &'w mut Listing<'c>) {
        let scan = self.scan;
        let owners = scan.view.owners();
        let Listing { path: directory, place, cached, entries, .. } = listing;
        let holder = owners.holder(directory);
        let mut cached = cached.map_or(&[][..], |cached| &cached.files);
        let handle = LazyCell::new(|| open(&scan.ground.root.handle, below(directory), OFlags::DIRECTORY));
        let mut before = None;
        for entry in entries {
            self.path.clone_from(directory);
            self.path.push(b'/');
            self.path.extend_from_slice(entry.name);
            entry.owned = owners.listed_after(before, &self.path);
            before = entry.owned.or(before);
            entry.owned = entry.owned.or(holder);
            let Some(how) = self.how(place, entry) else { continue };
            if let Some(known) = known(&mut cached, entry, how) {
                (entry.inside, entry.md5) = (Inside::Content(known.content), known.md5);
                self.found.known += 1;
            } else if entry.size > ALONE {
                self.found.large.push(Large { path: self.path.clone(), place: *place, entry });
            } else {
                let file = handle.as_ref().map_err(|error| *error);
                let file = file.and_then(|handle| open(handle, entry.name, OFlags::empty()));
                self.read(file, place, entry);
            }
        }
    }

    fn large(&mut self, large: Large<'_, '_>) {
        self.path = large.path;
        let file = open(&self.scan.ground.root.handle, below(&self.path), OFlags::empty());
        self.read(file, &large.place, large.entry);
    }

    /// Digests a file. The walk was there some time ago: should another one be in its place, that one is told. A digest must
    /// never be kept for what it is not of.
    fn read(&mut self, file: rustix::io::Result<OwnedFd>, place: &Place, entry: &mut Entry<'_>) {
        let read = file.map_err(io::Error::from).and_then(|file| {
            entry.set(&fstat(&file)?);
            if let Some(how) = self.how(place, entry) {
                let digested = self.reader.digest(file, entry.size, how)?;
                (entry.inside, entry.md5) = (Inside::Content(digested.content), digested.md5);
            }
            Ok(())
        });
        if let Err(error) = read {
            note(&mut self.found.unread, &self.path, &error);
        }
    }

    /// How a regular file is digested; `None` when it is not.
    fn how(&self, place: &Place, entry: &mut Entry<'_>) -> Option<How> {
        entry.is_secret = entry.kind == Kind::File && place.is_secret(entry);
        if entry.kind != Kind::File {
            return None;
        }
        let is_keyed = match place.look(entry, self.scan.level) {
            Look::Untold => return None,
            Look::Size => {
                entry.inside = Inside::Size;
                return None;
            }
            Look::Sha256 => false,
            Look::Keyed => true,
        };
        Some(How { is_keyed, with_md5: self.scan.needs_md5(place, entry) })
    }
}

/// What the last time's cache still knows of a file. Entries come sorted by name like the cache: what is before them is done.
fn known<'c>(cached: &mut &'c [CachedFile<'c>], entry: &Entry<'_>, how: How) -> Option<&'c CachedFile<'c>> {
    while let Some((_, rest)) = cached.split_first().filter(|(first, _)| first.name < entry.name) {
        *cached = rest;
    }
    let file = cached.first().filter(|file| file.name == entry.name)?;
    let is_same = (file.inode, file.size, file.changed) == (entry.inode, entry.size, entry.changed);
    let is_enough =
        matches!(file.content, Content::Keyed(_)) == how.is_keyed && (file.md5.is_some() || !how.with_md5);
    (is_same && is_enough && file.changed != 0).then_some(file)
}
