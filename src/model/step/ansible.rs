//! An Ansible playbook: what a team runs in production, run by this host over machines of the stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A run of `ansible-playbook` on this host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ansible {
    /// The playbook; absolute. Its directory as a whole is what it depends on.
    pub playbook: PathBuf,
    /// Inventories, such as production's; absolute. They are never changed.
    pub inventory: Vec<PathBuf>,
    /// Machine to the host that it stands for in the inventories, where their names differ.
    pub hosts: BTreeMap<String, String>,
    /// Groups that machines join beside those of the inventories.
    pub groups: BTreeMap<String, Members>,
    /// Patterns of hosts; of the step's machines only those that one of them means.
    pub limit: Vec<String>,
    /// Only tasks with one of these tags.
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    pub skip_tags: Vec<String>,
    /// Extra variables, with their types.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// Where the vault password comes from.
    pub vault: Option<Vault>,
    /// The file of that password, where there is one: what a run does is the same whatever it says, so that it is no input.
    pub password_file: Option<PathBuf>,
    /// Roles and collections to be fetched from a Galaxy; absolute.
    pub requirements: Option<PathBuf>,
    /// Whether all tasks run as root, as `--become` says.
    pub becomes: bool,
    /// Whether Python is installed in the machines; `None` when the Envfile does not say.
    pub install: Option<bool>,
    /// Further arguments.
    pub options: Vec<String>,
    /// The configuration, instead of the `ansible.cfg` beside the playbook; absolute.
    pub config: Option<PathBuf>,
}

/// Who joins a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// Every machine of the step.
    All,
    /// These machines of the stack.
    Named(BTreeSet<String>),
}

/// Where a vault password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vault {
    /// A file, or a program that prints it; absolute.
    File(PathBuf),
    /// A secret of the stack.
    Secret(String),
}
