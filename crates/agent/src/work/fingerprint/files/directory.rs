//! Looks at one directory: the name and status of everything in it, and what the cache says is inside. No file is opened here.

use std::cmp::Ordering;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use envup_agent::{CacheIndex, CachedFile, CachedName, Stamp};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, fstat, openat, readlinkat, statat};

use super::Ground;
use super::content::open;
use super::entry::{self, Entry, Inside, Kind, Listing};
use super::place::Place;
use super::scope::BYTECODE;
use crate::work::failure::plain;
use crate::work::fingerprint::owners::lasting;

/// Room for the names that come at once: some thousand.
const BUFFER: usize = 64 * 1024;

/// A directory of no more known names than this is not opened: it would take longer than to have the kernel look at one more part
/// of their paths. Should it become a link just then, that is followed once, as links further up the path are.
const FEW: usize = 8;

/// Nothing is kept open that lies deeper, so that a deep tree does not take all that may be open.
const DEEP: usize = 32;

/// An open directory on the way to others: a shorter way than from the root, of which the kernel looks at each part each time.
pub struct Base {
    pub handle: OwnedFd,
    /// The length of its path.
    pub length: usize,
}

/// A directory that is still to be looked at.
pub struct Ahead {
    /// Its path, empty for the root.
    pub path: Vec<u8>,
    /// What it was when its own directory was looked at.
    pub stamp: Stamp,
    /// One that it lies in.
    pub base: Arc<Base>,
}

/// What one thread saw.
#[derive(Default)]
pub struct Seen<'c> {
    pub listings: Vec<Listing<'c>>,
    /// What could not be read, and why.
    pub unread: Vec<(Vec<u8>, String)>,
    /// Whether what the cache says of some directory is damaged.
    pub is_cache_damaged: bool,
}

/// A directory whose names are known.
struct Named<'c> {
    /// Itself, or one that it lies in.
    base: Arc<Base>,
    /// What it was before its names were read.
    stamp: Stamp,
    /// Sorted.
    names: Vec<&'c [u8]>,
}

/// One thread at work.
pub struct Walker<'c> {
    pub seen: Seen<'c>,
    ground: &'c Ground,
    cache: &'c CacheIndex<'c>,
    /// Room for what the cache says of a directory.
    cached: Vec<CachedName<'c>>,
    /// The path of the entry at hand; what `unread` needs.
    path: Vec<u8>,
    /// Where the kernel puts names.
    buffer: Vec<u8>,
}

impl<'c> Walker<'c> {
    pub fn new(ground: &'c Ground, cache: &'c CacheIndex<'c>) -> Walker<'c> {
        let buffer = Vec::with_capacity(BUFFER);
        Walker { seen: Seen::default(), ground, cache, cached: Vec::new(), path: Vec::new(), buffer }
    }

    /// Looks at a directory; those in it go to the list.
    pub fn directory(&mut self, ahead: Ahead, further: &mut Vec<Ahead>) {
        self.path.clone_from(&ahead.path);
        let mut cached = mem::take(&mut self.cached);
        let known = self.cache.read(&ahead.path, &mut cached);
        self.seen.is_cache_damaged |= known.is_err();
        let is_known = ahead.stamp.changed != 0 && known.is_ok_and(|stamp| stamp == Some(ahead.stamp));
        let named = match is_known {
            true => ahead.known(&cached),
            false => self.read(&ahead),
        };
        let Named { base, stamp, names } = match named {
            Ok(named) => named,
            Err(error) => return self.cannot(error),
        };
        let path = ahead.path;
        let place = Place::of(&path);
        let scope = &self.ground.scope;
        let out = scope.left_out(&path);
        let mut left_out = Vec::new();
        let mut entries = Vec::with_capacity(names.len());
        let mut left = cached.as_slice();
        for name in names {
            if name == BYTECODE || out.iter().any(|out| out == name) {
                left_out.push(name);
                continue;
            }
            self.path.truncate(path.len());
            self.path.push(b'/');
            self.path.extend_from_slice(name);
            let from_base = &self.path[base.length + 1..];
            let status =
                match statat(&base.handle, from_base, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) {
                    Ok(status) => status,
                    Err(error) => {
                        self.cannot(error);
                        left_out.push(name);
                        continue;
                    }
                };
            let mut entry = Entry::new(name, &status);
            if let Some(file) = cached_file(&mut left, name) {
                entry.recall(file);
            }
            entry.explained = place.explained(&self.path);
            match entry.kind {
                Kind::Directory if scope.opens(&self.path, status.st_dev) => {
                    let (path, base) = (self.path.clone(), base.clone());
                    further.push(Ahead { path, stamp: entry::stamp(&status), base });
                }
                Kind::Link if entry.explained.is_none() => {
                    match readlinkat(&base.handle, from_base, Vec::new()) {
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
        self.cached = cached;
    }

    /// Opens a directory and reads the names in it.
    fn read(&mut self, ahead: &Ahead) -> rustix::io::Result<Named<'c>> {
        let handle = open(&ahead.base.handle, ahead.below_base(), OFlags::DIRECTORY)?;
        // Another one may be in its place by now.
        let stamp = entry::stamp(&fstat(&handle)?);
        let mut names: Vec<&[u8]> = Vec::new();
        let mut entries = RawDir::new(&handle, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(lasting(name.to_vec()));
            }
        }
        names.sort_unstable();
        let base = if ahead.may_stay_open() { ahead.opened(handle) } else { ahead.base.clone() };
        Ok(Named { base, stamp, names })
    }

    /// Notes that the entry at hand could not be read, unless it is simply gone by now.
    fn cannot(&mut self, error: impl Into<io::Error>) {
        note(&mut self.seen.unread, &self.path, &error.into());
    }
}

impl Ahead {
    /// The path as its base takes it.
    fn below_base(&self) -> &[u8] {
        self.path.get(self.base.length + 1..).unwrap_or(b".")
    }

    /// Whether it may stay open while somebody looks at what is in it.
    fn may_stay_open(&self) -> bool {
        self.path.iter().filter(|byte| **byte == b'/').count() <= DEEP
    }

    /// Itself as a base.
    fn opened(&self, handle: OwnedFd) -> Arc<Base> {
        Arc::new(Base { handle, length: self.path.len() })
    }

    /// With the names that the cache knows.
    fn known<'c>(&self, cached: &[CachedName<'c>]) -> rustix::io::Result<Named<'c>> {
        let base = if cached.len() <= FEW || !self.may_stay_open() {
            self.base.clone()
        } else {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            self.opened(openat(&self.base.handle, self.below_base(), flags, Mode::empty())?)
        };
        Ok(Named { base, stamp: self.stamp, names: cached.iter().map(CachedName::name).collect() })
    }
}

/// What the cache says of a file. Names come sorted like the cache: what is before them is done.
fn cached_file<'n, 'c>(left: &mut &'n [CachedName<'c>], name: &[u8]) -> Option<&'n CachedFile<'c>> {
    loop {
        let (first, rest) = left.split_first()?;
        match (first.name().cmp(name), first) {
            (Ordering::Greater, _) => return None,
            (Ordering::Less, _) => *left = rest,
            (Ordering::Equal, CachedName::File(file)) => return Some(file),
            (Ordering::Equal, CachedName::Other(_)) => return None,
        }
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
