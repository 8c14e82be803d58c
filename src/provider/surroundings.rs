//! What a provider may know of the process around it: handed in, because only `cli` and `state` read it.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The user's home directory and environment variables.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
}

impl Surroundings {
    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
