//! A run list that Chef converges inside the machine, without a server.

use super::{GuestTool, Need};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A run list that Chef converges inside the machine, without a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Chef {
    /// The repository with cookbooks, roles, environments and data bags; absolute.
    pub source: PathBuf,
    /// Recipes and roles in order; never empty.
    pub run_list: Vec<String>,
    /// Directories of cookbooks, after those of the repository; absolute.
    pub cookbooks: Vec<PathBuf>,
    /// Directory of roles, instead of the repository's; absolute.
    pub roles: Option<PathBuf>,
    /// Directory of data bags, instead of the repository's; absolute.
    pub data_bags: Option<PathBuf>,
    /// The file in the machine with the secret of encrypted data bags.
    pub data_bag_secret: Option<String>,
    /// Chef's own environment.
    pub environment: Option<String>,
    /// Attributes of the node.
    pub node: BTreeMap<String, serde_json::Value>,
    /// The node's name; the machine's own when not given.
    pub node_name: Option<String>,
    /// Further arguments of `chef-solo`.
    pub options: Vec<String>,
    /// Whether Chef is installed where it is missing.
    pub install: Option<bool>,
}

impl Chef {
    /// What has to be in the machine.
    pub fn need(&self) -> Need {
        Need { tool: GuestTool::Chef, install: self.install }
    }

    /// What of the host's files ends up in the machine.
    pub fn sources(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.source].into_iter().chain(&self.cookbooks).chain(&self.roles).chain(&self.data_bags)
    }
}
