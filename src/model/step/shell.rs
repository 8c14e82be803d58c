//! A script run in the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A script run in the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Shell {
    /// The script.
    pub script: Script,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment added.
    pub env: BTreeMap<String, String>,
    /// Who runs it; root when not given.
    pub user: Option<String>,
    /// Where it runs.
    pub working_dir: Option<String>,
    /// A script that exits 0 when there is nothing to do.
    pub check: Option<String>,
}

/// Where a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// A file of the host; absolute.
    Path(PathBuf),
    /// The text itself.
    Inline(String),
}

impl Shell {
    /// The script's file on the host, when it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.script {
            Script::Path(path) => Some(path),
            Script::Inline(_) => None,
        }
    }
}
