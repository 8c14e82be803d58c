//! Looks at one directory: the name and status of everything in it. What is inside files is not asked here.

use std::io;
use std::os::fd::OwnedFd;

use envup_agent::{Cache, Stamp};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, fstat, openat, readlinkat, statat};

use super::Ground;
use super::content::open;
use super::entry::{self, Entry, Inside, Kind, Listing};
use super::place::Place;
use super::scope::BYTECODE;
use crate::work::failure::plain;

/// Room for the names that come at once: some thousand.
const BUFFER: usize = 64 * 1024;

/// A directory that is still to be looked at.
pub struct Ahead {
    /// Its path, empty for the root.
    pub path: Vec<u8>,
    /// What it was when its own directory was looked at.
    pub stamp: Stamp,
}

/// What one thread saw.
#[derive(Default)]
pub struct Seen {
    pub listings: Vec<Listing>,
    /// What could not be read, and why.
    pub unread: Vec<(Vec<u8>, String)>,
}

/// An open directory.
struct Opened {
    handle: OwnedFd,
    /// What it was before its names were read.
    stamp: Stamp,
    /// Sorted.
    names: Vec<Box<[u8]>>,
}

/// One thread at work.
pub struct Walker<'a> {
    pub seen: Seen,
    ground: &'a Ground,
    cache: &'a Cache<'a>,
    /// The path of the entry at hand; what `unread` needs.
    path: Vec<u8>,
    /// Where the kernel puts names.
    buffer: Vec<u8>,
}

impl<'a> Walker<'a> {
    pub fn new(ground: &'a Ground, cache: &'a Cache<'a>) -> Walker<'a> {
        let buffer = Vec::with_capacity(BUFFER);
        Walker { seen: Seen::default(), ground, cache, path: Vec::new(), buffer }
    }

    /// Looks at a directory; those in it go to the list.
    pub fn directory(&mut self, ahead: Ahead, further: &mut Vec<Ahead>) {
        let Ahead { path, stamp } = ahead;
        self.path.clone_from(&path);
        let known = self.cache.directory(&path).and_then(|directory| directory.names(stamp));
        let is_known = known.is_some();
        let opened = match known {
            Some(names) => self.known(&path, stamp, &names),
            None => self.read(&path),
        };
        let Opened { handle, stamp, names } = match opened {
            Ok(opened) => opened,
            Err(error) => return self.cannot(error),
        };
        let place = Place::of(&path);
        let scope = &self.ground.scope;
        let out = scope.left_out(&path);
        let is_told = |name: &[u8]| name != BYTECODE && !out.iter().any(|out| **out == *name);
        let (names, mut left_out): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_told(name));
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            self.path.truncate(path.len());
            self.path.push(b'/');
            self.path.extend_from_slice(&name);
            let status = match statat(&handle, &*name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) {
                Ok(status) => status,
                Err(error) => {
                    self.cannot(error);
                    left_out.push(name);
                    continue;
                }
            };
            let mut entry = Entry::new(name, &status);
            entry.explained = place.explained(&self.path);
            match entry.kind {
                Kind::Directory if scope.opens(&self.path, status.st_dev) => {
                    further.push(Ahead { path: self.path.clone(), stamp: entry::stamp(&status) });
                }
                Kind::Link if entry.explained.is_none() => {
                    match readlinkat(&handle, &*entry.name, Vec::new()) {
                        Ok(target) => entry.inside = Inside::Target(target.into_bytes().into()),
                        Err(error) => self.cannot(error),
                    }
                }
                Kind::Device => entry.inside = Inside::Device(status.st_rdev),
                _ => {}
            }
            entries.push(entry);
        }
        self.seen.listings.push(Listing { path, place, stamp, is_known, left_out, entries });
    }

    /// Opens a directory whose names are known, only to get at what is in it.
    fn known(&self, path: &[u8], stamp: Stamp, names: &[&[u8]]) -> rustix::io::Result<Opened> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = openat(&self.ground.root, below(path), flags, Mode::empty())?;
        Ok(Opened { handle, stamp, names: names.iter().map(|name| Box::from(*name)).collect() })
    }

    /// Opens a directory and reads the names in it.
    fn read(&mut self, path: &[u8]) -> rustix::io::Result<Opened> {
        let handle = open(&self.ground.root, below(path), OFlags::DIRECTORY)?;
        // Another one may be in its place by now.
        let stamp = entry::stamp(&fstat(&handle)?);
        let mut names = Vec::new();
        let mut entries = RawDir::new(&handle, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.into());
            }
        }
        names.sort_unstable();
        Ok(Opened { handle, stamp, names })
    }

    /// Notes that the entry at hand could not be read, unless it is simply gone by now.
    fn cannot(&mut self, error: impl Into<io::Error>) {
        note(&mut self.seen.unread, &self.path, &error.into());
    }
}

/// A path as the root directory's handle takes it.
pub fn below(path: &[u8]) -> &[u8] {
    path.get(1..).unwrap_or(b".")
}

/// Notes that something could not be read, unless it is simply gone by now.
pub fn note(unread: &mut Vec<(Vec<u8>, String)>, path: &[u8], error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::NotFound) {
        unread.push((path.to_vec(), plain(error)));
    }
}
