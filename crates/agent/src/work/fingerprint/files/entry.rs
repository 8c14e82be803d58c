//! What the walk saw of one path.

use envup_agent::{CachedFile, Content, Section, Stamp};
use rustix::fs::{FileType, Stat};

use super::place::Place;
use super::told::Told;
use crate::work::fingerprint::owners::Owned;

/// What the walk saw in one directory.
pub struct Listing<'c> {
    /// Its path, empty for the root.
    pub path: Vec<u8>,
    /// What that says about what is in it.
    pub place: Place,
    /// What it was when its names were read.
    pub stamp: Stamp,
    /// Whether its names are those that the cache says.
    pub is_known: bool,
    /// Names that are not told.
    pub left_out: Vec<&'c [u8]>,
    /// Sorted by name.
    pub entries: Vec<Entry<'c>>,
}

/// One path.
pub struct Entry<'c> {
    pub name: &'c [u8],
    pub kind: Kind,
    /// Permissions, with setuid, setgid and sticky bit.
    pub mode: u16,
    pub user: u32,
    pub group: u32,
    pub inode: u64,
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub changed: u64,
    pub owned: Option<Owned>,
    /// The section that tells what is inside.
    pub explained: Option<Section>,
    /// Whether what is inside may not be told with a digest that everybody could compute; of files that were looked at.
    pub is_secret: bool,
    /// Of a file: what the cache says, like its MD5, until `inside` looks at it.
    pub inside: Inside,
    pub md5: Option<[u8; 16]>,
    /// Without a meaning until `inside` decides it.
    pub told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Device,
}

/// What is told of the inside of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Inside {
    /// Nothing: directories, what another section explains, what could not be read.
    Untold,
    /// How long it is.
    Size,
    /// A digest.
    Content(Content),
    /// Where a link goes.
    Target(Box<[u8]>),
    /// The number of a device.
    Device(u64),
}

impl<'c> Entry<'c> {
    /// From what the file system says.
    pub fn new(name: &'c [u8], status: &Stat) -> Entry<'c> {
        let mut entry = Entry {
            name,
            kind: Kind::File,
            mode: 0,
            user: 0,
            group: 0,
            inode: 0,
            size: 0,
            changed: 0,
            owned: None,
            explained: None,
            is_secret: false,
            inside: Inside::Untold,
            md5: None,
            told: Told::Nowhere,
        };
        entry.set(status);
        entry
    }

    /// Takes over what the file system says.
    pub fn set(&mut self, status: &Stat) {
        self.kind = match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            _ => Kind::Device,
        };
        self.mode = u16::try_from(status.st_mode & 0o7777).unwrap_or_default();
        (self.user, self.group) = (status.st_uid, status.st_gid);
        self.inode = status.st_ino;
        self.size = u64::try_from(status.st_size).unwrap_or_default();
        self.changed = changed(status);
    }

    /// Takes over what the cache says is inside a file, if it was as it is now.
    pub fn recall(&mut self, file: &CachedFile<'_>) {
        let is_same = (file.inode, file.size, file.changed) == (self.inode, self.size, self.changed);
        if is_same && file.changed != 0 && self.kind == Kind::File {
            (self.inside, self.md5) = (Inside::Content(file.content), file.md5);
        }
    }

    /// Forgets what the cache said.
    pub fn forget(&mut self) {
        (self.inside, self.md5) = (Inside::Untold, None);
    }
}

impl Kind {
    /// As fingerprints tell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::Link => "link",
            Kind::Fifo => "fifo",
            Kind::Socket => "socket",
            Kind::Device => "device",
        }
    }
}

/// By what a directory is known to be as it was.
pub fn stamp(status: &Stat) -> Stamp {
    let size = u64::try_from(status.st_size).unwrap_or_default();
    Stamp { inode: status.st_ino, size, changed: changed(status) }
}

/// When an inode was last changed, in nanoseconds since 1970; what is earlier is 0, which nothing trusts.
fn changed(status: &Stat) -> u64 {
    let seconds = u64::try_from(status.st_ctime).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(status.st_ctime_nsec)
}
