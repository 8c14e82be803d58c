//! What a plan is made from: the declared side, and what is known of the machines besides their fields.

use crate::model::capabilities::Capabilities;
use crate::model::fields::Fields;
use crate::model::machine::Condition;
use crate::model::step::RunPolicy;
use envup_agent::Ledger;
use std::collections::{BTreeMap, BTreeSet};

/// The stack as the engines would report it when everything is as declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// By name.
    pub machines: BTreeMap<String, DesiredMachine>,
    /// Keys of the steps over several machines, in order.
    pub stack_steps: Vec<String>,
    /// By name and provider; without those that are not ours. One that machines of several providers join is there for each.
    pub networks: BTreeMap<(String, String), DesiredThing>,
    /// By name and provider; without those that are not ours.
    pub volumes: BTreeMap<(String, String), DesiredThing>,
}

/// A machine as declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DesiredMachine {
    /// The provider that runs it.
    pub provider: String,
    /// What it is made from, for people.
    pub source: String,
    /// Whether it is made from a box.
    pub is_box: bool,
    /// Whether its work is done when it ended with code 0: another machine waits for that.
    pub one_shot: bool,
    /// What the provider will report.
    pub fields: Fields,
    /// Its steps in order.
    pub steps: Vec<DesiredStep>,
    /// Machines that must have come so far first.
    pub depends_on: BTreeMap<String, Condition>,
}

/// A step as declared, with the digest of all it depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredStep {
    /// Identity in the ledger.
    pub key: String,
    /// For people.
    pub name: String,
    /// Digest of definition and inputs.
    pub digest: String,
    /// When it runs.
    pub run: RunPolicy,
    /// Whether it may be part of a layer.
    pub layer: bool,
    /// Whether it only copies files.
    pub copies: bool,
    /// Whether what it does may depend on the name of the machine: a role is chosen by it, a certificate made for it.
    pub named: bool,
}

/// A network or volume as declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DesiredThing {
    /// What the provider will report.
    pub fields: Fields,
    /// Networks only: the provider whose network of this name it lies on.
    pub ground: Option<String>,
}

/// What is known besides what the engines report.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Ledgers of existing machines, by machine.
    pub ledgers: BTreeMap<String, Ledger>,
    /// What the providers can change on living machines, by provider.
    pub capabilities: BTreeMap<String, Capabilities>,
    /// Remove what is ours and no longer declared.
    pub remove_orphans: bool,
    /// Replace these machines even though they are as declared.
    pub rebuild: BTreeSet<String>,
    /// Run these steps, whatever the ledger says: machine to step keys.
    pub run_steps: BTreeMap<String, BTreeSet<String>>,
    /// Run no other steps in machines that are there.
    pub only_those: bool,
}
