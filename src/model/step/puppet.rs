//! A catalog that Puppet applies inside the machine.

use super::{GuestTool, Need};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A catalog that Puppet applies inside the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Puppet {
    /// A control repository or a single manifest; absolute.
    pub source: PathBuf,
    /// Manifest or directory of manifests in the control repository, instead of what its `environment.conf` says; absolute.
    pub manifest: Option<PathBuf>,
    /// Puppet's own environment.
    pub environment: String,
    /// External facts.
    pub facts: BTreeMap<String, serde_json::Value>,
    /// Directories of modules, after those of the control repository; absolute.
    pub modules: Vec<PathBuf>,
    /// A file of the control repository, or a directory with a `hiera.yaml`, for Hiera's global layer; absolute.
    pub hiera: Option<PathBuf>,
    /// The name that `node` definitions are chosen by; the machine's own when not given.
    pub node_name: Option<String>,
    /// Further arguments of `puppet apply`.
    pub options: Vec<String>,
    /// Whether Puppet is installed where it is missing.
    pub install: Option<bool>,
}

impl Puppet {
    /// What has to be in the machine.
    pub fn need(&self) -> Need {
        Need { tool: GuestTool::Puppet, install: self.install }
    }

    /// What of the host's files ends up in the machine.
    pub fn sources(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.source].into_iter().chain(&self.modules).chain(&self.hiera)
    }
}
