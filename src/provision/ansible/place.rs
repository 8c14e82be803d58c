//! The private directory of one run: plugins, overlay, variables, vault password, results. Only its owner can look into it, and
//! it goes with the run.

use crate::model::Result;
use crate::model::error::Attempt;
use crate::state::{Access, create_directory};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Our plugins, as files of a run.
const PLUGINS: [(&str, &str); 3] = [
    ("connection/envup.py", include_str!("plugins/connection.py")),
    ("become/envup.py", include_str!("plugins/become.py")),
    ("callback/envup_results.py", include_str!("plugins/callback.py")),
];

/// See the module.
pub struct Place(TempDir);

impl Place {
    /// A new one, with our plugins.
    pub fn new(runtime: &Path) -> Result<Self> {
        create_directory(runtime, Access::Private)?;
        // Sockets of ssh lie in it, whose names must be short.
        let directory = tempfile::Builder::new().prefix("a-").tempdir_in(runtime);
        let place = Self(directory.attempt(|| format!("cannot make a directory in {}", runtime.display()))?);
        for (name, text) in PLUGINS {
            place.write(name, text.as_bytes())?;
        }
        Ok(place)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.at(name);
        let write = || {
            let parent = path.parent().unwrap_or(Path::new("/"));
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(bytes)
        };
        write().attempt(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}
