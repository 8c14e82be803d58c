//! User-data that cloud-init carries out inside the machine.

use super::{GuestTool, Need};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// User-data that cloud-init carries out inside the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudInit {
    /// The user-data; absolute.
    pub user_data: PathBuf,
    /// What a cloud's vendor would add; absolute.
    pub vendor_data: Option<PathBuf>,
    /// Further entries of the meta-data, for templates.
    pub meta_data: BTreeMap<String, serde_json::Value>,
    /// How long all stages may take together.
    pub timeout: Duration,
    /// Whether cloud-init is installed where it is missing.
    pub install: Option<bool>,
}

impl CloudInit {
    /// What has to be in the machine.
    pub fn need(&self) -> Need {
        Need { tool: GuestTool::CloudInit, install: self.install }
    }

    /// What of the host's files ends up in the machine.
    pub fn sources(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.user_data].into_iter().chain(&self.vendor_data)
    }
}
