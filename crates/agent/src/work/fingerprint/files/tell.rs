//! Makes items of what the walk saw, and one digest a package of the rest.
//!
//! A path is an item when no package owns it, when it lies where people change things, or when a packaged file is not what
//! its package brought, as far as that can be seen. All other packaged files go into the digest of their package. Which of
//! both it is depends on the machine alone, never on the cache.

use envup_agent::{Content, Section, spelled};
use rustix::fs::{AtFlags, major, minor, statat};
use rustix::io::Errno;

use super::Scan;
use super::digests::Digests;
use super::entry::{Entry, Inside, Kind};
use super::names::Names;
use super::place::{Place, is_below, is_document};
use super::promised::Promised;
use super::walk::Walked;
use crate::work::fingerprint::owners::{Owned, Promise};
use crate::work::fingerprint::view::{Found, hex};

/// What Ruby notes while it builds a gem: times and temporary directories.
const PROTOCOLS: [&[u8]; 2] = [b"gem_make.out", b"mkmf.log"];

/// Items go into `found`, what packages have in common into their digests.
pub fn tell(scan: &Scan<'_>, walked: &Walked<'_>, found: &mut Found) -> Digests {
    let owners = scan.view.owners();
    let names = Names::read(scan.view, found);
    let mut teller = Teller {
        scan,
        names,
        promised: Promised::new(owners),
        digests: Digests::new(owners.packages().len()),
        // Who unpacked a tree without being root owns all of it.
        usual_owner: if scan.view.is_live() {
            (0, 0)
        } else {
            (scan.ground.status.st_uid, scan.ground.status.st_gid)
        },
        is_seen: vec![false; owners.paths().len()],
        found,
    };
    teller.root();
    for listing in &walked.listings {
        let mut path = listing.path.clone();
        for entry in &listing.entries {
            path.truncate(listing.path.len());
            path.push(b'/');
            path.extend_from_slice(entry.name);
            teller.entry(&listing.place, &path, entry);
        }
    }
    teller.missing(walked);
    if let Some(problem) = scan.ground.scope.problem() {
        teller.found.cannot("/", format!("the mount table: {problem}"));
    }
    for (path, reason) in &walked.unread {
        teller.found.cannot(if path.is_empty() { "/".to_owned() } else { spelled(path) }, reason);
    }
    teller.digests
}

struct Teller<'a> {
    scan: &'a Scan<'a>,
    names: Names,
    promised: Promised<'a>,
    digests: Digests,
    /// User and group that most packaged files have.
    usual_owner: (u32, u32),
    /// By number of listed path.
    is_seen: Vec<bool>,
    found: &'a mut Found,
}

impl Teller<'_> {
    /// The root directory, which is in no other one.
    fn root(&mut self) {
        let entry = Entry::new(b"", &self.scan.ground.status);
        self.item(b"/", &entry);
    }

    fn entry(&mut self, place: &Place, path: &[u8], entry: &Entry<'_>) {
        if let Some(number) = entry.owned.and_then(|owned| owned.number) {
            self.is_seen[number as usize] = true;
        }
        let Some(owned) = entry.owned else { return self.item(path, entry) };
        if self.scan.promise(entry) == Some(&Promise::Language) && PROTOCOLS.contains(&entry.name) {
            return;
        }
        if self.is_told(place, path, entry, owned) {
            self.item(path, entry);
        } else if entry.kind != Kind::Directory {
            // Directories are shared: which package comes first changes with what else is installed.
            let owner = self.names.owner(entry.user, entry.group);
            self.digests.add(owned.package, place.is_document, path, entry, &owner);
        }
    }

    /// Whether the entry of a package is told as an item.
    fn is_told(&mut self, place: &Place, path: &[u8], entry: &Entry<'_>, owned: Owned) -> bool {
        match self.scan.promise(entry) {
            Some(Promise::Language) => {
                self.is_recorded_otherwise(entry, owned) || is_dangerous(entry) || entry.is_secret
            }
            Some(promise) => {
                place.each
                    || !is_usual(entry, self.usual_owner)
                    || entry.is_secret
                    || self.is_recorded_otherwise(entry, owned)
                    || self.is_changed(place, path, entry, owned, promise)
            }
            None => true,
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
        &mut self,
        place: &Place,
        path: &[u8],
        entry: &Entry<'_>,
        owned: Owned,
        promise: &Promise,
    ) -> bool {
        match (entry.kind, entry.md5) {
            (Kind::Link, _) => place.is_suspect(entry, promise),
            (Kind::File, Some(md5)) if self.scan.needs_md5(place, entry) => {
                match self.promised.md5(owned.package, path) {
                    Some(promised) => promised != md5,
                    // A file where a link was, or one that the package itself writes.
                    None => place.is_suspect(entry, promise),
                }
            }
            _ => false,
        }
    }

    fn item(&mut self, path: &[u8], entry: &Entry<'_>) {
        let package = entry.owned.and_then(|owned| package(self.scan, owned));
        let mode = (entry.kind != Kind::Link).then(|| format!("{:04o}", entry.mode));
        let inside = match &entry.inside {
            Inside::Untold => None,
            Inside::Size => Some(("size", entry.size.to_string())),
            Inside::Content(Content::Sha256(digest)) => Some(("sha256", hex(digest))),
            Inside::Content(Content::Keyed(digest)) => Some(("keyed", hex(digest))),
            Inside::Target(target) => Some(("target", spelled(target))),
            Inside::Device(device) => Some(("target", format!("{}:{}", major(*device), minor(*device)))),
        };
        let owner = self.names.owner(entry.user, entry.group);
        let fields = [
            ("type", Some(entry.kind.as_str())),
            ("mode", mode.as_deref()),
            ("owner", Some(&*owner)),
            ("explained", entry.explained.map(Section::as_str)),
            ("package", package),
        ];
        let inside = inside.as_ref().map(|(name, value)| (*name, Some(value.as_str())));
        self.found.item(spelled(path), fields.into_iter().chain(inside));
    }

    /// What packages brought and is not there.
    fn missing(&mut self, walked: &Walked<'_>) {
        let owners = self.scan.view.owners();
        for (path, owned) in owners.paths() {
            let is_seen = owned.number.is_some_and(|number| self.is_seen[number as usize]);
            if is_seen || self.is_hidden(path, walked) {
                continue;
            }
            let gone = statat(&self.scan.ground.root.handle, &path[1..], AtFlags::SYMLINK_NOFOLLOW);
            if matches!(gone, Err(Errno::NOENT | Errno::NOTDIR)) {
                let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
                let explained = Place::of(&path[..end]).explained(path).map(Section::as_str);
                let fields = [("type", Some("missing")), ("package", package(self.scan, owned))];
                self.found.item(spelled(path), fields.into_iter().chain([("explained", explained)]));
            }
        }
    }

    /// Whether nobody could have seen a path, or many machines leave it away.
    fn is_hidden(&self, path: &[u8], walked: &Walked<'_>) -> bool {
        is_document(path)
            || !self.scan.ground.scope.reaches(path)
            || walked.unread.iter().any(|(unread, _)| is_below(path, unread))
    }
}

/// The package of a path that no other one lists.
fn package<'s>(scan: &Scan<'s>, owned: Owned) -> Option<&'s str> {
    let package = scan.view.owners().packages().get(owned.package as usize)?;
    (!owned.is_shared).then_some(package.key.as_str())
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
