//! The fingerprint: the inventory of one machine, how it is asked for, and its one canonical text.
//!
//! A fingerprint is data of one simple shape, so that comparing, explaining and merging need no code for each kind of thing:
//! sections hold items by key, items hold fields by name, all of them text, all of them sorted. What the keys and fields of
//! each section are is said at [`Section`].

mod cache;
mod level;
mod section;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LedgerReply;

pub use cache::{Cache, CacheIndex, CachedDirectory, CachedFile, CachedName, Content, Stamp, spelled};
pub use level::Level;
pub use section::Section;
pub use text::Damage;

/// The version of the schema. Fields may be added within a version; a newer version is refused.
pub const SCHEMA: u32 = 1;

/// Take the fingerprint of the machine. Reads only.
///
/// The cache of the last time follows the line of the call on standard input, [`cache_bytes`](Self::cache_bytes) long. It
/// saves reading files again and never changes the answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct FingerprintRequest {
    /// How much is looked at.
    pub level: Level,
    /// The key of keyed digests, 64 hexadecimal characters: what only root may read is told by those alone.
    pub key: String,
    /// Names of environment variables, with `*`, whose values may be told besides those everybody may know.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Length of the cache that follows; 0 for none.
    #[serde(default)]
    pub cache_bytes: usize,
    /// The directory that stands for `/`; for tests and for mounted disks.
    #[serde(default = "default_root")]
    pub root: String,
}

/// The answer's end. Its bytes came before, as [`Line::Data`](crate::Line::Data).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FingerprintReply {
    /// SHA-256 of the canonical text, 64 hexadecimal characters.
    pub sha256: String,
    /// Whether a cache came too; without one the caller's own is still good.
    pub has_cache: bool,
    /// The ledger at that moment, so that nobody has to ask twice.
    pub ledger: LedgerReply,
}

/// What the bytes of a [`Line::Data`](crate::Line::Data) belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The canonical text of the fingerprint, compressed (LZ4 block with its size before it).
    Fingerprint,
    /// What the next request may bring along; opaque to everyone but the agent and its reader in this library.
    Cache,
}

/// The fields of one item: name to value.
pub type Item = BTreeMap<String, String>;

/// The items of one section, by key.
pub type Items = BTreeMap<String, Item>;

/// The inventory of one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fingerprint {
    /// How much was looked at.
    pub level: Level,
    /// Tells which key keyed digests were made with, without telling the key: 16 hexadecimal characters.
    pub key_id: String,
    /// What was found. A section that was looked at and found empty is there and empty; one that the level leaves out is not.
    pub sections: BTreeMap<Section, Items>,
    /// What could not be read. With anything here no statement about the whole is possible.
    pub unread: Vec<Unread>,
}

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    /// The section it belongs to.
    pub section: Section,
    /// The item, or what stands for several: a path, a directory.
    pub key: String,
    /// Why.
    pub reason: String,
}

impl Fingerprint {
    /// Whether everything that the level asks for could be read.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty()
    }

    /// The items of a section; none when the level leaves it out.
    pub fn items(&self, section: Section) -> Option<&Items> {
        self.sections.get(&section)
    }
}

fn default_root() -> String {
    "/".to_owned()
}
