//! Boxes: named, versioned, checksummed base images. The engine's view of them; the store itself comes next.

use crate::event::Context;
use crate::model::machine::BoxSource;
use crate::model::{Error, Result};
use std::path::PathBuf;

/// The boxes of this user.
pub struct Store;

/// A box in the store.
pub struct BoxFile {
    /// Its root file system as a tar archive.
    pub path: PathBuf,
}

impl BoxFile {
    /// The name it gets in an engine.
    pub fn reference(&self) -> String {
        self.path.display().to_string()
    }
}

impl Store {
    /// The stored box that a machine asks for.
    pub fn find(&self, _source: &BoxSource) -> Result<Option<BoxFile>> {
        Ok(None)
    }

    /// The same, built or fetched when it is missing.
    pub fn ensure(&self, _source: &BoxSource, _context: &Context) -> Result<BoxFile> {
        Err(Error::failed("boxes are not part of this version yet"))
    }
}
