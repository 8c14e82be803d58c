//! What `env drift` found: the differences of every machine, and what nobody can tell.

use super::{Comparison, Difference, Matrix, Rules};
use crate::model::drift::Severity;
use crate::model::stack::Stack;
use serde::Serialize;

/// What `against` says when machines are compared with their own baselines.
pub const BASELINE: &str = "baseline";

/// The drift of a stack.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The stack's name.
    pub project: String,
    /// The variant of the stack.
    pub environment: String,
    /// What the machines are compared with, for people: `baseline`, the name of an environment.
    pub against: String,
    /// In the order of the plan.
    pub machines: Vec<MachineDrift>,
    /// What is to be said of the project's own rules: those that hold no more.
    pub notes: Vec<String>,
}

/// The drift of one machine.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MachineDrift {
    /// Its name; for networks and volumes with the word before it.
    pub machine: String,
    /// What is known of the side it is compared with: how many hosts, how old. Empty when there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Whether it is one of several hosts over there that is not like most of them; then `before` is what most have.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outlier: bool,
    /// Whether everything could be read on both sides.
    pub complete: bool,
    /// How long its steps took the last time, in seconds: what making it anew costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_took: Option<f64>,
    /// What differs, hidden by a rule or not.
    pub differences: Vec<Difference>,
    /// What nobody can tell, and why.
    pub unknown: Vec<String>,
}

/// `env drift --json`, without its version.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    project: &'a str,
    environment: &'a str,
    against: &'a str,
    complete: bool,
    in_sync: bool,
    fail_on: Severity,
    machines: &'a [MachineDrift],
    notes: &'a [String],
}

impl MachineDrift {
    /// A machine of which nothing is known to differ yet.
    pub fn new(machine: impl Into<String>) -> Self {
        Self { machine: machine.into(), complete: true, ..Self::default() }
    }

    /// Says that something of the machine is not known, and why.
    pub fn cannot_tell(&mut self, why: impl Into<String>) {
        self.complete = false;
        self.unknown.push(why.into());
    }

    /// Adds what a comparison of fingerprints found.
    pub fn add(&mut self, comparison: Comparison) {
        self.complete &= comparison.complete;
        let unread = comparison.unread.iter().map(ToString::to_string);
        let incomparable = comparison.incomparable.iter().map(ToString::to_string);
        self.unknown.extend(unread.chain(incomparable));
        self.differences.extend(comparison.differences);
    }

    /// Adds what else was found of the same machine.
    pub fn join(&mut self, other: Self) {
        self.complete &= other.complete;
        self.differences.extend(other.differences);
        self.unknown.extend(other.unknown);
        self.steps_took = self.steps_took.or(other.steps_took);
    }

    /// What no rule hides.
    pub fn shown(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.rule.is_none())
    }
}

impl Report {
    /// The report of a stack whose differences the rules have marked.
    pub fn new(stack: &Stack, against: &str, machines: Vec<MachineDrift>, rules: &Rules<'_>) -> Self {
        let expired = rules.expired().iter().map(|rule| {
            let until = rule.until.as_deref().unwrap_or_default();
            format!("the rule \"{}\" of [drift] held until {until}: what it hid is told again", rule.reason)
        });
        Self {
            project: stack.name.clone(),
            environment: stack.environment.clone(),
            against: against.to_owned(),
            notes: expired.collect(),
            machines,
        }
    }

    /// Whether everything could be read; otherwise nothing is said about the whole.
    pub fn is_complete(&self) -> bool {
        self.machines.iter().all(|machine| machine.complete)
    }

    /// Whether something differs that is this bad or worse.
    pub fn fails(&self, severity: Severity) -> bool {
        let mut shown = self.machines.iter().flat_map(MachineDrift::shown);
        shown.any(|difference| difference.severity >= severity)
    }

    /// As programs read it; `fail_on` is the mildest difference that counts.
    pub fn document(&self, fail_on: Severity) -> Document<'_> {
        let complete = self.is_complete();
        Document {
            project: &self.project,
            environment: &self.environment,
            against: &self.against,
            complete,
            in_sync: complete && !self.fails(fail_on),
            fail_on,
            machines: &self.machines,
            notes: &self.notes,
        }
    }
}

/// Environments side by side, for all machines of a stack.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MatrixReport {
    /// The stack's name.
    pub project: String,
    /// By name.
    pub machines: Vec<MachineMatrix>,
}

/// One machine in several environments.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MachineMatrix {
    /// Its name.
    pub machine: String,
    /// Whether everything could be read everywhere.
    pub complete: bool,
    /// What differs.
    #[serde(flatten)]
    pub matrix: Matrix,
}

impl MatrixReport {
    /// Whether everything could be read everywhere.
    pub fn is_complete(&self) -> bool {
        self.machines.iter().all(|machine| machine.complete)
    }

    /// Whether something differs that is this bad or worse.
    pub fn fails(&self, severity: Severity) -> bool {
        self.machines.iter().flat_map(|machine| &machine.matrix.rows).any(|row| row.severity >= severity)
    }
}
