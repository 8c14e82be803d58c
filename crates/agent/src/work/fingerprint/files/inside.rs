//! Finds out of all that the walk saw what is inside, which package it belongs to, and how it is told. What the last time's cache
//! still knows is not read again.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use envup_agent::Content;
use rustix::fs::{OFlags, fstat};

use super::Scan;
use super::content::{How, Reader, open};
use super::directory::{below, note};
use super::entry::{Entry, Inside, Kind, Listing};
use super::place::{Look, Place};
use super::told::Judge;
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
    judge: Judge<'a>,
    /// The path of the entry at hand.
    path: Vec<u8>,
    found: Found<'w, 'c>,
}

impl<'a, 'w, 'c> Looker<'a, 'w, 'c> {
    fn new(scan: &'a Scan<'a>) -> Looker<'a, 'w, 'c> {
        let (reader, judge) = (Reader::new(scan.view), Judge::new(scan));
        Looker { scan, reader, judge, path: Vec::new(), found: Found::default() }
    }

    fn listing(&mut self, listing: &'w mut Listing<'c>) {
        let scan = self.scan;
        let owners = scan.view.owners();
        let Listing { path: directory, place, entries, .. } = listing;
        let holder = owners.holder(directory);
        self.path.clone_from(directory);
        let handle = LazyCell::new(|| open(&scan.ground.root.handle, below(directory), OFlags::DIRECTORY));
        let mut before = None;
        for entry in entries {
            self.path.truncate(directory.len());
            self.path.push(b'/');
            self.path.extend_from_slice(entry.name);
            entry.owned = owners.listed_after(before, &self.path);
            before = entry.owned.or(before);
            entry.owned = entry.owned.or(holder);
            match self.how(place, entry) {
                Some(how) if how.is_known(entry) => self.found.known += 1,
                Some(_) if entry.size > ALONE => {
                    self.found.large.push(Large { path: self.path.clone(), place: *place, entry });
                    continue;
                }
                Some(_) => {
                    let file = handle.as_ref().map_err(|error| *error);
                    let file = file.and_then(|handle| open(handle, entry.name, OFlags::empty()));
                    self.read(file, place, entry);
                }
                None => {}
            }
            entry.told = self.judge.told(place, &self.path, entry);
        }
    }

    fn large(&mut self, large: Large<'_, '_>) {
        self.path = large.path;
        let file = open(&self.scan.ground.root.handle, below(&self.path), OFlags::empty());
        self.read(file, &large.place, large.entry);
        large.entry.told = self.judge.told(&large.place, &self.path, large.entry);
    }

    /// Digests a file. The walk was there some time ago: should another one be in its place, that one is told. A digest must
    /// never be kept for what it is not of.
    fn read(&mut self, file: rustix::io::Result<OwnedFd>, place: &Place, entry: &mut Entry<'_>) {
        entry.forget();
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
            Look::Untold => {
                entry.forget();
                return None;
            }
            Look::Size => {
                entry.forget();
                entry.inside = Inside::Size;
                return None;
            }
            Look::Sha256 => false,
            Look::Keyed => true,
        };
        Some(How { is_keyed, with_md5: self.scan.needs_md5(place, entry) })
    }
}

impl How {
    /// Whether what the cache says of a file is all that is asked for.
    fn is_known(self, entry: &Entry<'_>) -> bool {
        let is_keyed = match entry.inside {
            Inside::Content(content) => matches!(content, Content::Keyed(_)),
            _ => return false,
        };
        is_keyed == self.is_keyed && (entry.md5.is_some() || !self.with_md5)
    }
}
