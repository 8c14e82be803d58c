//! Looks at one directory: everything in it, and what is inside its files unless the last time's cache still knows it.

use std::io;
use std::os::fd::OwnedFd;

use envup_agent::{CachedFile, Content};
use rustix::fs::{AtFlags, OFlags, RawDir, fstat, readlinkat, statat};

use super::Scan;
use super::content::{How, Reader, open};
use super::entry::{Entry, Inside, Kind, Listing, changed};
use super::place::{Look, Place};
use super::scope::BYTECODE;
use crate::work::failure::plain;
use crate::work::fingerprint::owners::Owned;

/// Files above this size are shared out among threads one by one. Bytes.
const ALONE: u64 = 1 << 20;

/// A directory to look at.
pub struct Directory {
    /// Empty for the root.
    pub path: Vec<u8>,
    /// The package that everything in it belongs to.
    pub owned: Option<Owned>,
}

/// A large file to digest.
pub struct Large {
    pub size: u64,
    path: Vec<u8>,
    how: How,
    inode: u64,
    changed: u64,
    at: At,
}

/// Where a large file's entry is.
#[derive(Clone, Copy)]
pub struct At {
    thread: usize,
    listing: usize,
    entry: usize,
}

impl At {
    /// The entry, among what all threads saw.
    pub fn find(self, seen: &mut [Seen]) -> Option<&mut Entry> {
        seen.get_mut(self.thread)?.listings.get_mut(self.listing)?.entries.get_mut(self.entry)
    }
}

/// What one thread saw.
#[derive(Default)]
pub struct Seen {
    pub listings: Vec<Listing>,
    /// What is inside large files, wherever their entries are.
    pub late: Vec<(At, Inside, Option<[u8; 16]>)>,
    /// What could not be read, and why.
    pub unread: Vec<(Vec<u8>, String)>,
    /// How many files the last time's cache knew.
    pub known: usize,
}

/// One thread at work.
pub struct Walker<'a> {
    pub seen: Seen,
    scan: &'a Scan<'a>,
    thread: usize,
    reader: Reader<'a>,
    /// The path of the entry at hand; what `listed` and `unread` need.
    path: Vec<u8>,
}

impl<'a> Walker<'a> {
    pub fn new(scan: &'a Scan<'a>, thread: usize) -> Walker<'a> {
        Walker { seen: Seen::default(), scan, thread, reader: Reader::new(scan.view), path: Vec::new() }
    }

    /// Looks at a directory; what is to be done further goes to the lists.
    pub fn directory(&mut self, directory: Directory, further: &mut Vec<Directory>, large: &mut Vec<Large>) {
        self.path.clone_from(&directory.path);
        let (handle, names) = match self.names(&directory.path) {
            Ok(opened) => opened,
            Err(error) => return self.cannot(error),
        };
        let place = Place::of(&directory.path);
        let mut cached = self.scan.cache.directory(&directory.path);
        let left_out = self.scan.scope.left_out(&directory.path);
        let mut entries = Vec::with_capacity(names.len());
        for name in names
            .into_iter()
            .filter(|name| &**name != BYTECODE && !left_out.iter().any(|out| **out == **name))
        {
            self.path.truncate(directory.path.len());
            self.path.push(b'/');
            self.path.extend_from_slice(&name);
            let status = match statat(&handle, &*name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) {
                Ok(status) => status,
                Err(error) => {
                    self.cannot(error);
                    continue;
                }
            };
            let mut entry = Entry::new(name, &status);
            entry.owned = self.scan.view.owners().listed(&self.path).or(directory.owned);
            entry.explained = place.explained(&self.path);
            match entry.kind {
                Kind::Directory if self.scan.scope.opens(&self.path, status.st_dev) => {
                    let owned = self.scan.view.owners().everything_below(&self.path).or(directory.owned);
                    further.push(Directory { path: self.path.clone(), owned });
                }
                Kind::Link if entry.explained.is_none() => {
                    match readlinkat(&handle, &*entry.name, Vec::new()) {
                        Ok(target) => entry.inside = Inside::Target(target.into_bytes().into()),
                        Err(error) => self.cannot(error),
                    }
                }
                Kind::Device => entry.inside = Inside::Device(status.st_rdev),
                Kind::File => {
                    let at =
                        At { thread: self.thread, listing: self.seen.listings.len(), entry: entries.len() };
                    self.file(&handle, &place, &mut entry, &mut cached, at, large);
                }
                _ => {}
            }
            entries.push(entry);
        }
        self.seen.listings.push(Listing { path: directory.path, entries });
    }

    /// Digests a large file.
    pub fn large(&mut self, file: Large) {
        self.path.clone_from(&file.path);
        let read = open(&self.scan.root, &file.path[1..], OFlags::empty()).map_err(io::Error::from).and_then(
            |handle| {
                let status = fstat(&handle)?;
                // Another one that took its place: digests must never be kept for what they are not of.
                if status.st_ino != file.inode || changed(&status) != file.changed {
                    return Err(io::Error::other("it changed while it was looked at"));
                }
                self.reader.digest(&handle, file.size, file.how)
            },
        );
        match read {
            Ok(digested) => self.seen.late.push((file.at, Inside::Content(digested.content), digested.md5)),
            Err(error) => self.cannot(error),
        }
    }

    /// Finds out what is inside a regular file, as far as it is told.
    fn file<'c>(
        &mut self,
        handle: &OwnedFd,
        place: &Place,
        entry: &mut Entry,
        cached: &mut &'c [CachedFile<'c>],
        at: At,
        large: &mut Vec<Large>,
    ) {
        let is_keyed = match place.look(entry, self.scan.level) {
            Look::Untold => return,
            Look::Size => {
                entry.inside = Inside::Size;
                return;
            }
            Look::Sha256 => false,
            Look::Keyed => true,
        };
        let how = How { is_keyed, with_md5: self.scan.needs_md5(place, entry) };
        if let Some(known) = known(cached, entry, how) {
            entry.inside = Inside::Content(known.content);
            entry.md5 = known.md5;
            self.seen.known += 1;
        } else if entry.size > ALONE {
            let (size, inode, changed) = (entry.size, entry.inode, entry.changed);
            large.push(Large { size, path: self.path.clone(), how, inode, changed, at });
        } else {
            let handle = open(handle, &entry.name, OFlags::empty()).map_err(io::Error::from);
            match handle.and_then(|file| self.reader.digest(file, entry.size, how)) {
                Ok(digested) => {
                    entry.inside = Inside::Content(digested.content);
                    entry.md5 = digested.md5;
                }
                Err(error) => self.cannot(error),
            }
        }
    }

    /// Opens a directory and reads the names in it, sorted.
    fn names(&self, path: &[u8]) -> rustix::io::Result<(OwnedFd, Vec<Box<[u8]>>)> {
        let relative = path.get(1..).unwrap_or(b".");
        let handle = open(&self.scan.root, relative, OFlags::DIRECTORY)?;
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut names = Vec::new();
        let mut entries = RawDir::new(&handle, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.into());
            }
        }
        names.sort_unstable();
        Ok((handle, names))
    }

    /// Notes that the entry at hand could not be read, unless it is simply gone by now.
    fn cannot(&mut self, error: impl Into<io::Error>) {
        let error = error.into();
        if !matches!(error.kind(), io::ErrorKind::NotFound) {
            self.seen.unread.push((self.path.clone(), plain(&error)));
        }
    }
}

/// What the last time's cache still knows of a file. Entries come sorted by name like the cache: what is before them is done.
fn known<'c>(cached: &mut &'c [CachedFile<'c>], entry: &Entry, how: How) -> Option<&'c CachedFile<'c>> {
    while let Some((_, rest)) = cached.split_first().filter(|(first, _)| *first.name < *entry.name) {
        *cached = rest;
    }
    let file = cached.first().filter(|file| *file.name == *entry.name)?;
    let is_same = (file.inode, file.size, file.changed) == (entry.inode, entry.size, entry.changed);
    let is_enough =
        matches!(file.content, Content::Keyed(_)) == how.is_keyed && (file.md5.is_some() || !how.with_md5);
    (is_same && is_enough && file.changed != 0).then_some(file)
}
