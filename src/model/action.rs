//! The verbs of a plan, one sign each, and why they are there.

use serde::Serialize;

/// What happens to a machine, network or volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is as declared.
    Keep,
    /// It does not exist yet.
    Create,
    /// It exists and is as declared but does not run.
    Start,
    /// It differs in what the engine can change on the living thing.
    Update,
    /// Only steps have to run.
    Provision,
    /// It differs in what only a new one can have.
    Replace,
    /// It is ours and no longer declared.
    Destroy,
}

impl Verb {
    /// The one sign that stands for it on the screen.
    pub fn sign(self) -> char {
        match self {
            Self::Keep => '=',
            Self::Create => '+',
            Self::Start => '▸',
            Self::Update => '~',
            Self::Provision => '»',
            Self::Replace => '↻',
            Self::Destroy => '-',
        }
    }

    /// As plans, JSON and help write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Start => "start",
            Self::Update => "update",
            Self::Provision => "provision",
            Self::Replace => "replace",
            Self::Destroy => "destroy",
        }
    }
}

/// What kind of thing an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A machine.
    Machine,
}

impl Target {
    /// As plans, JSON and help write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Machine => "machine",
        }
    }
}

/// One difference that makes an action necessary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The field, as [`Fields`](super::fields::Fields) names it, or `state`, `step.2`, `declared`.
    pub field: String,
    /// What is there now.
    pub before: Option<String>,
    /// What will be there.
    pub after: Option<String>,
}

impl Reason {
    /// A difference in a field.
    pub fn new(field: impl Into<String>, before: Option<&str>, after: Option<&str>) -> Self {
        Self { field: field.into(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }
}
