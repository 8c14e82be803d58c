//! Host copies of the ledgers of machines, by the engine's id of the machine: what an `up` with nothing to do reads instead of
//! asking inside every machine. Only a cache: a copy that cannot be read counts as absent.

use super::store::{Access, Document, read_or_none, write};
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use envup_agent::Ledger;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A machine's ledger as it was when it was read last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerCopy {
    /// When the machine's process 1 had started, as the engine writes it; another time means that it was restarted since.
    pub started: Option<String>,
    /// The ledger.
    pub ledger: Ledger,
}

impl Document for LedgerCopy {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "copy of a ledger";
    const WAY_OUT: &'static str = "remove it: it is read from the machine again";
}

/// The copies that one checkout keeps.
#[derive(Debug, Clone)]
pub struct LedgerCopies {
    directory: PathBuf,
}

impl LedgerCopies {
    /// The copies in this directory, which need not exist.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The copy of a machine's ledger.
    pub fn load(&self, engine_id: &str) -> Option<LedgerCopy> {
        let copy: LedgerCopy = read_or_none(&self.path(engine_id).ok()?)?;
        (copy.ledger.version <= Ledger::VERSION).then_some(copy)
    }

    /// Keeps a copy of a machine's ledger.
    pub fn save(&self, engine_id: &str, copy: &LedgerCopy) -> Result<()> {
        write(&self.path(engine_id)?, Access::Private, copy)
    }

    /// Lets go of the copy of a machine that is gone.
    pub fn forget(&self, engine_id: &str) -> Result<()> {
        let path = self.path(engine_id)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).attempt(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Ids come from an engine that may be anybody's: they must not lead out of the directory.
    fn path(&self, engine_id: &str) -> Result<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if engine_id.is_empty() || !engine_id.bytes().all(plain) {
            return Err(Error::failed(format!("`{engine_id}` is not an id of a machine")));
        }
        Ok(self.directory.join(format!("{engine_id}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_come_and_go_with_their_machines() {
        let place = tempfile::tempdir().unwrap();
        let copies = LedgerCopies::new(place.path().join("ledgers"));
        assert_eq!(copies.load("a1"), None);
        let copy = LedgerCopy { started: Some("2026-01-01T00:00:00Z".into()), ..LedgerCopy::default() };
        for id in ["a1", "b2", "c3"] {
            copies.save(id, &copy).unwrap();
        }
        copies.forget("a1").unwrap();
        copies.forget("a1").unwrap();
        assert_eq!(["a1", "b2", "c3"].map(|id| copies.load(id).is_some()), [false, true, true]);
        assert_eq!(copies.load("c3"), Some(copy));
    }

    #[test]
    fn a_damaged_or_newer_copy_counts_as_absent() {
        let place = tempfile::tempdir().unwrap();
        let copies = LedgerCopies::new(place.path().to_owned());
        fs::write(place.path().join("a1.json"), r#"{"version":1,"sta"#).unwrap();
        fs::write(place.path().join("b2.json"), r#"{"version":1,"started":null,"ledger":{"version":9}}"#)
            .unwrap();
        assert_eq!(["a1", "b2"].map(|id| copies.load(id)), [None, None]);
    }

    #[test]
    fn an_id_never_leads_elsewhere() {
        let place = tempfile::tempdir().unwrap();
        let copies = LedgerCopies::new(place.path().join("ledgers"));
        for id in ["../id", "a/b", ""] {
            assert!(copies.save(id, &LedgerCopy::default()).is_err(), "{id}");
        }
    }
}
