//! Whether a path is told as an item, or counts for the digest of its package.
//!
//! A path is an item when no package owns it, when it lies where people change things, or when a packaged file is not what
//! its package brought, as far as that can be seen. All other packaged files go into the digest of their package. Which of
//! both it is depends on the machine alone, never on the cache.

use envup_agent::Content;

use super::Scan;
use super::entry::{Entry, Inside, Kind};
use super::place::Place;
use crate::work::fingerprint::owners::{Owned, Promise};

/// What Ruby notes while it builds a gem: times and temporary directories.
const PROTOCOLS: [&[u8]; 2] = [b"gem_make.out", b"mkmf.log"];

/// How a path is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// By itself.
    Item,
    /// With all others of this package.
    Package(u32),
    Nowhere,
}

/// Decides it.
pub struct Judge<'a> {
    scan: &'a Scan<'a>,
    /// User and group that most packaged files have.
    usual_owner: (u32, u32),
}

impl<'a> Judge<'a> {
    pub fn new(scan: &'a Scan<'a>) -> Judge<'a> {
        let root = &scan.ground.status;
        // Who unpacked a tree without being root owns all of it.
        let usual_owner = if scan.view.is_live() { (0, 0) } else { (root.st_uid, root.st_gid) };
        Judge { scan, usual_owner }
    }

    /// How an entry is told.
    pub fn told(&self, place: &Place, path: &[u8], entry: &Entry<'_>) -> Told {
        let Some(owned) = entry.owned else { return Told::Item };
        let Some(promise) = self.scan.promise(entry) else { return Told::Item };
        let is_item = match promise {
            Promise::Language if PROTOCOLS.contains(&entry.name) => return Told::Nowhere,
            Promise::Language => {
                self.is_recorded_otherwise(entry, owned) || is_dangerous(entry) || entry.is_secret
            }
            promise => {
                place.each
                    || !is_usual(entry, self.usual_owner)
                    || entry.is_secret
                    || self.is_recorded_otherwise(entry, owned)
                    || self.is_changed(place, path, entry, owned, promise)
            }
        };
        match is_item {
            true => Told::Item,
            // Directories are shared: which package comes first changes with what else is installed.
            false if entry.kind == Kind::Directory => Told::Nowhere,
            false => Told::Package(owned.package),
        }
    }

    /// Whether a file is not what its package recorded with SHA-256.
    fn is_recorded_otherwise(&self, entry: &Entry<'_>, owned: Owned) -> bool {
        let recorded = self.scan.view.owners().recorded(owned);
        recorded.is_some_and(|sha256| match &entry.inside {
            Inside::Content(Content::Sha256(found)) => found != sha256,
            _ => entry.kind != Kind::File,
        })
    }

    /// Whether a packaged file or link is seen to be another one than was unpacked.
    fn is_changed(
        &self,
        place: &Place,
        path: &[u8],
        entry: &Entry<'_>,
        owned: Owned,
        promise: &Promise,
    ) -> bool {
        match (entry.kind, entry.md5) {
            (Kind::Link, _) => place.is_suspect(entry, promise),
            (Kind::File, Some(md5)) if self.scan.needs_md5(place, entry) => {
                match self.scan.promised.md5(self.scan.view.owners(), owned.package, path) {
                    Some(promised) => promised != md5,
                    // A file where a link was, or one that the package itself writes.
                    None => place.is_suspect(entry, promise),
                }
            }
            _ => false,
        }
    }
}

/// Whether owner and permissions are those that most packages give; what is not so is told one by one.
fn is_usual(entry: &Entry<'_>, owner: (u32, u32)) -> bool {
    let modes: &[u16] = match entry.kind {
        Kind::File => &[0o644, 0o755],
        Kind::Directory => &[0o755],
        Kind::Link => return (entry.user, entry.group) == owner,
        _ => return false,
    };
    (entry.user, entry.group) == owner && modes.contains(&entry.mode)
}

/// Whether an entry runs as somebody else, may be written by everybody, or is no file at all.
fn is_dangerous(entry: &Entry<'_>) -> bool {
    match entry.kind {
        Kind::File | Kind::Directory => entry.mode & 0o7002 != 0,
        Kind::Link => false,
        _ => true,
    }
}
