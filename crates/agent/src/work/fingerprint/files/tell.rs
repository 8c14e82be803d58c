//! Makes items of what is told by itself; of the rest `digests` makes one digest a package. Both go through everything at once,
//! each for itself.

use std::thread;

use envup_agent::{Content, Section, spelled};
use rustix::fs::{AtFlags, major, minor, statat};
use rustix::io::Errno;

use super::Scan;
use super::digests::Digests;
use super::entry::{Entry, Inside, Kind};
use super::names::Names;
use super::place::{Place, is_below, is_document};
use super::told::Told;
use super::walk::Walked;
use crate::work::fingerprint::joined;
use crate::work::fingerprint::owners::Owned;
use crate::work::fingerprint::view::{Found, hex};

/// The items, and what packages have in common in their digests.
pub fn tell(scan: &Scan<'_>, walked: &Walked<'_>) -> (Found, Digests) {
    thread::scope(|scope| {
        let digests = scope.spawn(|| Digests::of_packages(scan, walked));
        (items(scan, walked), joined(digests))
    })
}

fn items(scan: &Scan<'_>, walked: &Walked<'_>) -> Found {
    let mut found = Found::default();
    let names = Names::read(scan.view, &mut found);
    let mut teller = Teller { scan, names, found };
    teller.root();
    walked.each(|entry| entry.told == Told::Item, |_, path, entry| teller.item(path, entry));
    let mut is_seen = vec![false; scan.view.owners().paths().len()];
    for number in walked.entries().filter_map(|entry| entry.owned?.number) {
        is_seen[number as usize] = true;
    }
    teller.missing(walked, &is_seen);
    let mut found = teller.found;
    if let Some(problem) = scan.ground.scope.problem() {
        found.cannot("/", format!("the mount table: {problem}"));
    }
    for (path, reason) in &walked.unread {
        found.cannot(if path.is_empty() { "/".to_owned() } else { spelled(path) }, reason);
    }
    found
}

struct Teller<'a> {
    scan: &'a Scan<'a>,
    names: Names,
    found: Found,
}

impl Teller<'_> {
    /// The root directory, which is in no other one.
    fn root(&mut self) {
        let entry = Entry::new(b"", &self.scan.ground.status);
        self.item(b"/", &entry);
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

    /// What packages brought and is not there; what was seen is told by number of listed path.
    fn missing(&mut self, walked: &Walked<'_>, is_seen: &[bool]) {
        let owners = self.scan.view.owners();
        for (path, owned) in owners.paths() {
            let is_there = owned.number.is_some_and(|number| is_seen[number as usize]);
            if is_there || self.is_hidden(path, walked) {
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
