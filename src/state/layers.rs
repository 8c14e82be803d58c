//! What this user knows of layers: which were made or used here and when, what making one costs, and which must not be made.
//!
//! Whether a layer is there only its engine says; this is for choosing what goes when room is short. It can be lost.

use super::lock::{Lock, Wait, lock_path};
use super::store::{Access, Document, read_or_none, write};
use super::{Directories, now};
use crate::event::Context;
use crate::model::Result;
use crate::model::digest::short;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The records, and the locks of layers in the making.
#[derive(Debug, Clone)]
pub struct LayerRecords {
    directories: Directories,
    file: PathBuf,
}

/// What is recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownLayers {
    /// By key.
    pub layers: BTreeMap<String, LayerRecord>,
    /// Keys of layers that would hold a secret, and when that was seen.
    pub refused: BTreeMap<String, u64>,
    /// How long it took to make the last one, in seconds.
    pub cost: Option<f64>,
}

/// What is recorded of one layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// When it was made, in seconds of Unix time; when it was seen first, if others made it.
    pub created: u64,
    /// When a machine started from it last.
    pub used: u64,
    /// What it takes beside what it was made from, in bytes.
    pub size: u64,
    /// What keeps it; the first that could was docker.
    #[serde(default = "first_provider")]
    pub provider: String,
    /// What its machine was made from, for people: `debian/12`.
    pub base: String,
    /// Names of its steps, in order.
    pub steps: Vec<String>,
}

fn first_provider() -> String {
    "docker".to_owned()
}

impl Document for KnownLayers {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "record of layers";
    const WAY_OUT: &'static str = "remove it: it is written again, layers count as unused until then";
}

impl LayerRecords {
    /// The records of this user.
    pub fn of(directories: &Directories) -> Self {
        Self { file: directories.data.join("layers.json"), directories: directories.clone() }
    }

    /// What is recorded; nothing when it cannot be read.
    pub fn read(&self) -> KnownLayers {
        read_or_none(&self.file).unwrap_or_default()
    }

    /// Changes what is recorded, while nobody else does.
    pub fn change(&self, change: impl FnOnce(&mut KnownLayers)) -> Result<()> {
        let lock = lock_path(&self.directories, "layers");
        let _lock = Lock::acquire(&lock, "env", Wait::Yes, &Context::silent())?;
        let mut known = self.read();
        change(&mut known);
        write(&self.file, Access::Private, &known)
    }

    /// Notes that a machine starts from a layer; `describe` gives what is known of one that is not recorded.
    pub fn used(&self, key: &str, describe: impl FnOnce() -> LayerRecord) -> Result<()> {
        self.change(|known| known.layers.entry(key.to_owned()).or_insert_with(describe).used = now())
    }

    /// The lock of a layer in the making: others who need it wait, and find it.
    pub fn lock(&self, key: &str, command: &str, context: &Context) -> Result<Lock> {
        let path = lock_path(&self.directories, &format!("layer-{}", short(key)));
        Lock::acquire(&path, command, Wait::Yes, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_remembered_and_a_lost_record_counts_as_empty() {
        let place = tempfile::tempdir().unwrap();
        let records = LayerRecords::of(&Directories::under(place.path()));
        assert_eq!(records.read(), KnownLayers::default());
        let record = LayerRecord { created: 5, size: 7, base: "debian/12".into(), ..LayerRecord::default() };
        records.used("4be1", || record.clone()).unwrap();
        records.used("4be1", LayerRecord::default).unwrap();
        let known = records.read();
        assert_eq!(known.layers["4be1"].size, 7);
        assert!(known.layers["4be1"].used > 1_700_000_000);
        std::fs::write(place.path().join("layers.json"), "{\"version\":1,\"lay").unwrap();
        assert_eq!(records.read(), KnownLayers::default());
    }
}
