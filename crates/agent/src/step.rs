//! Running one step: the request and its answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One step to carry out.
#[derive(Clone, Serialize, Deserialize)]
pub struct StepRequest {
    /// Identifies the step within its machine for as long as the Envfile names it.
    pub key: String,
    /// For people.
    pub name: String,
    /// The digest of all inputs; kept in the ledger.
    pub digest: String,
    /// What to execute.
    pub run: Run,
    /// Environment variables, on top of PATH, HOME, USER and LANG.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The working directory; without it the user's home.
    #[serde(default)]
    pub cwd: Option<String>,
    /// `user`, `user:group`, `uid` or `uid:gid`; without it the agent's own user.
    #[serde(default)]
    pub user: Option<String>,
    /// A script that exits 0 when everything is as wanted already; then the step is not run.
    #[serde(default)]
    pub check: Option<String>,
    /// What the exit codes mean.
    #[serde(default)]
    pub codes: ExitCodes,
    /// Keys of steps that were applied on top of this one's old result: the ledger forgets them before this one runs, so that
    /// they run again even when nobody is left to ask for it.
    #[serde(default)]
    pub forget: Vec<String>,
    /// What to do when another step is running.
    #[serde(default)]
    pub on_busy: OnBusy,
}

/// Exit codes that mean success; every other one means that the step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitCodes {
    /// The step changed the machine, or cannot tell.
    pub changed: Vec<i32>,
    /// The step found everything as it should be.
    pub unchanged: Vec<i32>,
}

impl ExitCodes {
    /// The outcome of a step that ended by itself with this code.
    pub fn outcome(&self, code: i32) -> StepStatus {
        if self.unchanged.contains(&code) {
            StepStatus::Unchanged
        } else if self.changed.contains(&code) {
            StepStatus::Changed
        } else {
            StepStatus::Failed
        }
    }
}

impl Default for ExitCodes {
    fn default() -> Self {
        Self { changed: vec![0], unchanged: Vec::new() }
    }
}

/// What a step executes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// A script that travels with the request.
    Script(Script),
    /// A program of the machine and its arguments.
    Argv(Vec<String>),
}

/// A script and how to run it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Script {
    /// The text. Its `#!` line is honoured; without one `/bin/sh -e` runs it.
    pub content: String,
    /// The arguments of the script.
    #[serde(default)]
    pub args: Vec<String>,
    /// The program (and its options) that runs the script, whatever its `#!` line says; empty for none.
    #[serde(default)]
    pub interpreter: Vec<String>,
}

/// What to do when another step holds the machine's lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBusy {
    /// Wait for it. If it is the very same step (key and digest), its result is ours.
    #[default]
    Wait,
    /// End it, then run ours.
    End,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReply {
    /// The outcome in one word.
    pub status: StepStatus,
    /// The exit code, if the step exited.
    pub exit_code: Option<i32>,
    /// The signal that ended the step, if one did.
    pub signal: Option<i32>,
    /// How long it ran.
    pub seconds: f64,
    /// True if an earlier caller had started this very step and we only waited for it.
    pub attached: bool,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It ran and succeeded.
    Changed,
    /// Its check, or its exit code, said that there is nothing to do.
    Unchanged,
    /// It could not be started, or failed, or was ended.
    Failed,
}
