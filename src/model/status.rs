//! How stacks stand, as `env status` and `env list` report it; serialised, these are their JSON documents.

use super::observed::{PublishedPort, State};
use serde::Serialize;

/// How one stack stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackStatus {
    /// The stack's name.
    pub project: String,
    /// The environment it was loaded for.
    pub environment: String,
    /// In the order of their names.
    pub machines: Vec<MachineStatus>,
}

/// How one machine stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MachineStatus {
    /// Name in the stack.
    pub name: String,
    /// The provider that runs it.
    pub provider: String,
    /// What it does now.
    pub state: State,
    /// Code with which process 1 ended.
    pub exit_code: Option<i64>,
    /// Whether its requirements hold; one that has none is ready when it runs.
    pub ready: bool,
    /// Its address on the first network.
    pub address: Option<String>,
    /// Ports published now.
    pub ports: Vec<PublishedPort>,
    /// How its steps stand.
    pub steps: StepCounts,
}

/// How a machine's steps stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StepCounts {
    /// They succeeded with the inputs of today.
    pub applied: usize,
    /// The next `up` runs them.
    pub pending: usize,
    /// They failed when they last ran.
    pub failed: usize,
}

/// One stack of this host, as the engines know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedStack {
    /// The stack's full name: `shop`, `shop.test`.
    pub project: String,
    /// Identity of the checkout.
    pub id: String,
    /// The environment it was made for.
    pub environment: String,
    /// Where its Envfile was when it was made.
    pub directory: String,
    /// Whether that directory is still there.
    pub directory_exists: bool,
    /// The providers that run its machines.
    pub providers: Vec<String>,
    /// How many machines it has.
    pub machines: usize,
    /// How many of them run.
    pub running: usize,
    /// How many volumes it has.
    pub volumes: usize,
}
