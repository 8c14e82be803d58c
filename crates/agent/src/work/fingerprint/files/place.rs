//! What a directory's place says about the files in it: how closely they are looked at, and who tells of them.

use envup_agent::{Level, Section};

use super::entry::Entry;
use super::secret;
use crate::work::fingerprint::explained;
use crate::work::fingerprint::owners::Promise;

/// Every path below them is told, whoever it came with.
const EACH: [&str; 4] = ["/etc", "/opt", "/srv", "/usr/local"];

/// What many machines leave away and nobody runs.
const DOCUMENTS: [&str; 9] = [
    "/usr/share/doc",
    "/usr/share/doc-base",
    "/usr/share/groff",
    "/usr/share/gtk-doc",
    "/usr/share/help",
    "/usr/share/info",
    "/usr/share/lintian",
    "/usr/share/locale",
    "/usr/share/man",
];

/// Where services keep their data.
const STATE: &str = "/var/lib/";

/// Data of services: large, always changing, and not what makes a machine what it is. All of it below [`STATE`].
const DATA: [&str; 14] = [
    "/var/lib/clickhouse",
    "/var/lib/couchdb",
    "/var/lib/elasticsearch",
    "/var/lib/etcd",
    "/var/lib/influxdb",
    "/var/lib/libvirt/images",
    "/var/lib/mongodb",
    "/var/lib/mysql",
    "/var/lib/opensearch",
    "/var/lib/postgresql",
    "/var/lib/prometheus",
    "/var/lib/rabbitmq",
    "/var/lib/redis",
    "/var/lib/snapd/snaps",
];

/// They grow while somebody looks; even their size says nothing.
const LOGS: &str = "/var/log";

/// Above this many bytes a file that no package owns is told by its size.
const LARGE: u64 = 64 << 20;

/// What a directory's place says about the files in it.
#[derive(Clone, Copy)]
pub struct Place {
    /// Every path is told, even if a package owns it.
    pub each: bool,
    /// It belongs to the documentation of packages.
    pub is_document: bool,
    /// Another section may tell what is in some of its files.
    is_explained: bool,
    is_data: bool,
    is_log: bool,
    is_secret: bool,
}

/// How a regular file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Untold,
    Size,
    Sha256,
    Keyed,
}

impl Place {
    /// The place of a directory by its path, which is empty for the root.
    pub fn of(directory: &[u8]) -> Place {
        let is_in = |places: &[&str]| places.iter().any(|place| is_below(directory, place.as_bytes()));
        Place {
            each: is_in(&EACH),
            is_document: is_document(directory),
            is_explained: std::str::from_utf8(directory).is_ok_and(explained::is_any_explained),
            is_data: directory.starts_with(STATE.as_bytes()) && is_in(&DATA),
            is_log: is_in(&[LOGS]),
            is_secret: secret::is_secret_directory(directory),
        }
    }

    /// The section that tells what is in a path here, if another one does.
    pub fn explained(&self, path: &[u8]) -> Option<Section> {
        if !self.is_explained {
            return None;
        }
        std::str::from_utf8(path).ok().and_then(explained::explained)
    }

    /// How a regular file is looked at.
    pub fn look(&self, entry: &Entry<'_>, level: Level) -> Look {
        if entry.explained.is_some() || self.is_log {
            return Look::Untold;
        }
        let is_large = entry.owned.is_none() && entry.size > LARGE;
        if level != Level::Full && (self.is_data || is_large) {
            return Look::Size;
        }
        if entry.is_secret { Look::Keyed } else { Look::Sha256 }
    }

    /// Whether what is in a file may not be told with a digest that everybody could compute.
    pub fn is_secret(&self, entry: &Entry<'_>) -> bool {
        self.is_secret || secret::is_private(entry.mode, entry.group) || secret::is_secret_name(entry.name)
    }

    /// Whether MD5 is needed too, to tell whether a packaged file still is what was unpacked.
    pub fn is_suspect(&self, entry: &Entry<'_>, promise: &Promise) -> bool {
        let Promise::Md5sums { unpacked, .. } = promise else { return false };
        !self.each && entry.changed > unpacked.saturating_add(UNPACKING)
    }
}

/// Packages are unpacked before their list is written; an image's layer is in any order, but takes no longer. Nanoseconds.
const UNPACKING: u64 = 2_000_000_000;

/// Whether a path belongs to the documentation of packages.
pub fn is_document(path: &[u8]) -> bool {
    path.starts_with(b"/usr/share/") && DOCUMENTS.iter().any(|place| is_below(path, place.as_bytes()))
}

/// Whether a path is a directory or lies below it.
pub fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Inside, Kind};
    use super::super::told::Told;
    use super::*;

    fn file(name: &str, mode: u16, size: u64) -> Entry<'_> {
        Entry {
            name: name.as_bytes(),
            kind: Kind::File,
            mode,
            user: 0,
            group: 0,
            inode: 1,
            size,
            changed: 0,
            owned: None,
            explained: None,
            is_secret: false,
            inside: Inside::Untold,
            md5: None,
            told: Told::Item,
        }
    }

    #[test]
    fn a_place_says_how_closely_files_are_looked_at() {
        assert!(DATA.iter().all(|place| place.starts_with(STATE)));
        let look = |directory: &str, entry: &Entry<'_>, level| {
            let place = Place::of(directory.as_bytes());
            let is_secret = place.is_secret(entry);
            place.look(&Entry { inside: Inside::Untold, is_secret, ..*entry }, level)
        };
        let (usual, private, large) = (file("a", 0o644, 1), file("a", 0o600, 1), file("a", 0o644, LARGE + 1));
        assert_eq!(look("/etc", &usual, Level::Fast), Look::Sha256);
        assert_eq!(look("/etc", &private, Level::Fast), Look::Keyed);
        assert_eq!(look("/root/.ssh", &usual, Level::Fast), Look::Keyed);
        assert_eq!(look("/home", &large, Level::Fast), Look::Size);
        assert_eq!(look("/home", &large, Level::Full), Look::Sha256);
        assert_eq!(look("/var/lib/mysql/shop", &usual, Level::Fast), Look::Size);
        assert_eq!(look("/var/lib/mysqlish", &usual, Level::Fast), Look::Sha256);
        assert_eq!(look("/var/log/apt", &usual, Level::Full), Look::Untold);
        let place = Place::of(b"/etc");
        assert_eq!(place.explained(b"/etc/hosts"), Some(Section::Resolution));
        assert_eq!(place.explained(b"/etc/fstab"), None);
    }
}
