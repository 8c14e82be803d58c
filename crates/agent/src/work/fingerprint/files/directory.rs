//! Looks at one directory: the name and status of everything in it. What is inside files is not asked here.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, OFlags, RawDir, readlinkat, statat};

use super::Ground;
use super::content::open;
use super::entry::{Entry, Inside, Kind, Listing};
use super::place::Place;
use super::scope::BYTECODE;
use crate::work::failure::plain;

/// Room for the names that come at once: some thousand.
const BUFFER: usize = 64 * 1024;

/// What one thread saw.
#[derive(Default)]
pub struct Seen {
    pub listings: Vec<Listing>,
    /// What could not be read, and why.
    pub unread: Vec<(Vec<u8>, String)>,
}

/// One thread at work.
pub struct Walker<'a> {
    pub seen: Seen,
    ground: &'a Ground,
    /// The path of the entry at hand; what `unread` needs.
    path: Vec<u8>,
    /// Where the kernel puts names.
    buffer: Vec<u8>,
}

impl<'a> Walker<'a> {
    pub fn new(ground: &'a Ground) -> Walker<'a> {
        Walker { seen: Seen::default(), ground, path: Vec::new(), buffer: Vec::with_capacity(BUFFER) }
    }

    /// Looks at a directory by its path, which is empty for the root; those in it go to the list.
    pub fn directory(&mut self, path: Vec<u8>, further: &mut Vec<Vec<u8>>) {
        self.path.clone_from(&path);
        let (handle, names) = match self.names(&path) {
            Ok(opened) => opened,
            Err(error) => return self.cannot(error),
        };
        let place = Place::of(&path);
        let scope = &self.ground.scope;
        let left_out = scope.left_out(&path);
        let mut entries = Vec::with_capacity(names.len());
        for name in names
            .into_iter()
            .filter(|name| &**name != BYTECODE && !left_out.iter().any(|out| **out == **name))
        {
            self.path.truncate(path.len());
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
            entry.explained = place.explained(&self.path);
            match entry.kind {
                Kind::Directory if scope.opens(&self.path, status.st_dev) => further.push(self.path.clone()),
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
        self.seen.listings.push(Listing { path, place, entries });
    }

    /// Opens a directory and reads the names in it, sorted.
    fn names(&mut self, path: &[u8]) -> rustix::io::Result<(OwnedFd, Vec<Box<[u8]>>)> {
        let handle = open(&self.ground.root, below(path), OFlags::DIRECTORY)?;
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
        Ok((handle, names))
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
