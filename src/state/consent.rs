//! What the user has allowed an Envfile to do to the host, kept outside the checkout, which could otherwise
//! allow itself everything. A consent is bound to the digest of the list of things; this room does not know the list's meaning.

use super::Project;
use super::lock::{Lock, Wait};
use super::store::{Access, Document, now, read, write};
use crate::event::Context;
use crate::model::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One list of things that was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Digest of the list.
    pub digest: String,
    /// The list as it was shown.
    pub items: Vec<String>,
    /// When, in seconds since 1970.
    pub granted: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    consents: Vec<Consent>,
}

impl Document for Record {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "record of consents";
    const WAY_OUT: &'static str = "remove it, and allow again with `env allow`";
}

/// The consents given to one checkout.
#[derive(Debug, Clone)]
pub struct Consents {
    path: PathBuf,
}

impl Consents {
    /// Those of this checkout; a copy of it begins without.
    pub fn of(project: &Project) -> Self {
        Self { path: project.private.join("consent.json") }
    }

    /// Whether the list with this digest was allowed.
    pub fn allowed(&self, digest: &str) -> Result<bool> {
        Ok(self.list()?.iter().any(|consent| consent.digest == digest))
    }

    /// Records that the list with this digest is allowed.
    pub fn grant(&self, digest: &str, items: &[String]) -> Result<()> {
        let _lock =
            Lock::acquire(&self.path.with_extension("lock"), "env allow", Wait::Yes, &Context::silent())?;
        let mut record: Record = read(&self.path)?.unwrap_or_default();
        record.consents.retain(|consent| consent.digest != digest);
        record.consents.push(Consent { digest: digest.to_owned(), items: items.to_vec(), granted: now() });
        write(&self.path, Access::Private, &record)
    }

    /// All that was allowed, the latest last.
    pub fn list(&self) -> Result<Vec<Consent>> {
        Ok(read::<Record>(&self.path)?.unwrap_or_default().consents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_what_was_granted_is_allowed() {
        let place = tempfile::tempdir().unwrap();
        let consents = Consents { path: place.path().join("consent.json") };
        assert!(!consents.allowed("d1").unwrap());
        consents.grant("d1", &["mounts /etc".to_owned()]).unwrap();
        consents.grant("d2", &[]).unwrap();
        consents.grant("d1", &["mounts /etc".to_owned()]).unwrap();
        assert!(consents.allowed("d1").unwrap() && consents.allowed("d2").unwrap());
        assert!(!consents.allowed("d").unwrap());
        assert_eq!(consents.list().unwrap().len(), 2);
        assert_eq!(consents.list().unwrap()[1].items, ["mounts /etc"]);
    }

    #[test]
    fn a_damaged_record_allows_nothing() {
        let place = tempfile::tempdir().unwrap();
        let consents = Consents { path: place.path().join("consent.json") };
        consents.grant("d1", &[]).unwrap();
        let whole = fs::read(&consents.path).unwrap();
        fs::write(&consents.path, &whole[..whole.len() / 2]).unwrap();
        let error = consents.allowed("d1").unwrap_err();
        assert!(error.hints[0].contains("env allow"), "{error:?}");
        assert!(consents.grant("d1", &[]).is_err());
    }
}
