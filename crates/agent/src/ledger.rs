//! The ledger: what was applied to this machine, and from which inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The record inside the machine, `ledger.json` in the state directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The version of this format; a newer one is refused.
    pub version: u32,
    /// The steps in the order in which they were first applied.
    #[serde(default)]
    pub steps: Vec<StepEntry>,
    /// Digests of files that the host put in place, by a name the host chooses.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The environment variables the machine was given.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Small facts the host wants to find again, such as "restart due".
    #[serde(default)]
    pub marks: BTreeMap<String, String>,
}

impl Ledger {
    /// The version of the format written by this package.
    pub const VERSION: u32 = 1;

    /// The entry of the step with this key.
    pub fn step(&self, key: &str) -> Option<&StepEntry> {
        self.steps.iter().find(|entry| entry.key == key)
    }

    /// Replaces the entry with the same key, or adds it at the end.
    pub fn put(&mut self, entry: StepEntry) {
        match self.steps.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => self.steps.push(entry),
        }
    }
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger {
            version: Ledger::VERSION,
            steps: Vec::new(),
            files: BTreeMap::new(),
            env: BTreeMap::new(),
            marks: BTreeMap::new(),
        }
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEntry {
    /// Identifies the step within its machine.
    pub key: String,
    /// For people.
    pub name: String,
    /// The digest of the inputs it was run with.
    pub digest: String,
    /// The outcome.
    pub status: LedgerStatus,
    /// False if the step's check, or its exit code, said that there was nothing to do.
    #[serde(default = "yes")]
    pub changed: bool,
    /// The exit code, if it exited.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    #[serde(default)]
    pub signal: Option<i32>,
    /// When it ended, in seconds since 1970.
    pub finished: u64,
    /// How long it ran.
    #[serde(default)]
    pub seconds: f64,
}

/// The outcome of a step as the ledger keeps it. Everything but `Applied` taints the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerStatus {
    /// It succeeded, or there was nothing to do.
    Applied,
    /// It failed, or was ended on request.
    Failed,
    /// It was running when the machine stopped, or its supervisor was killed.
    Interrupted,
}

/// Changes to the ledger. In the maps, `null` removes a name; names that are not mentioned stay.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct RecordRequest {
    /// Entries to add or replace.
    #[serde(default)]
    pub steps: Vec<StepEntry>,
    /// Keys of steps to remove.
    #[serde(default)]
    pub forget: Vec<String>,
    /// Changes to [`Ledger::files`].
    #[serde(default)]
    pub files: BTreeMap<String, Option<String>>,
    /// Changes to [`Ledger::env`].
    #[serde(default)]
    pub env: BTreeMap<String, Option<String>>,
    /// Changes to [`Ledger::marks`].
    #[serde(default)]
    pub marks: BTreeMap<String, Option<String>>,
}

/// The ledger as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerReply {
    /// The content; empty if nothing was ever recorded.
    pub ledger: Ledger,
    /// The step that is running at this moment.
    pub running: Option<Running>,
}

/// A step that is being carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The digest of its inputs.
    pub digest: String,
    /// When it was started, in seconds since 1970.
    pub since: u64,
}

fn yes() -> bool {
    true
}
