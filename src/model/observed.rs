//! What exists in the engines, as they themselves report it.

use super::fields::Fields;
use super::id::ProjectId;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Everything of ours that one observation found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// In the order of their names.
    pub machines: Vec<ObservedMachine>,
    /// In the order of their names.
    pub networks: Vec<ObservedThing>,
    /// In the order of their names.
    pub volumes: Vec<ObservedThing>,
}

/// Which stack a thing belongs to, read from its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// Identity of the checkout.
    pub id: ProjectId,
    /// The stack's full name: `shop`, `shop.test`.
    pub name: String,
    /// Where the Envfile was when the thing was made.
    pub directory: String,
    /// The environment it was made for.
    pub environment: String,
}

/// A machine that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedMachine {
    /// Name in the stack.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The provider that runs it.
    pub provider: String,
    /// The engine's own id: another one means another machine.
    pub engine_id: String,
    /// The engine's own name for it.
    pub engine_name: String,
    /// When it was made, in nanoseconds of the engine's Unix time.
    pub created: Option<i64>,
    /// What it does now.
    pub state: State,
    /// Code with which process 1 ended.
    pub exit_code: Option<i64>,
    /// When process 1 started last, as the engine writes it: changes with each start.
    pub started: Option<String>,
    /// Whether it was made from a box.
    pub is_box: bool,
    /// What it was made from, for people.
    pub source: String,
    /// While the layers that it is to start from are made in it: the key of what that began with.
    pub construction: Option<String>,
    /// What plans compare.
    pub fields: Fields,
    /// Its address on the first network.
    pub address: Option<String>,
    /// An address at which this host is certain to reach this machine and no other.
    pub direct: Option<IpAddr>,
    /// Ports published now.
    pub ports: Vec<PublishedPort>,
}

/// A port published now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct PublishedPort {
    /// Port in the machine with its protocol: `80/tcp`.
    pub guest: String,
    /// Port on the host.
    pub host: u16,
    /// Address on the host.
    pub host_ip: String,
}

/// What a machine does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does not exist.
    Missing,
    /// It exists and does not run.
    Stopped,
    /// It runs.
    Running,
    /// A one-shot machine that ended with code 0.
    Completed,
    /// It is frozen.
    Paused,
    /// It ended with another code, or a step in it failed.
    Failed,
    /// It exists and cannot be reached.
    Unreachable,
}

/// Codes of a process that was ended by a signal that asks or forces it to: 128 + SIGINT, SIGKILL, SIGTERM.
const ENDED_FROM_OUTSIDE: [i64; 3] = [130, 137, 143];

impl State {
    /// Whether the machine is switched on: it has to be stopped before it is off.
    pub fn is_on(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// What a machine whose process ended with this code does.
    pub fn after(code: i64) -> Self {
        match code {
            0 => Self::Completed,
            code if ENDED_FROM_OUTSIDE.contains(&code) => Self::Stopped,
            _ => Self::Failed,
        }
    }
}

/// A network or volume that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedThing {
    /// Name in the stack.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// The provider that has it.
    pub provider: String,
    /// The machine it belongs to and goes with, for volumes made for one machine.
    pub machine: Option<String>,
    /// The engine's own name for it.
    pub engine_name: String,
    /// What plans compare.
    pub fields: Fields,
}

impl Observed {
    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Option<&ObservedMachine> {
        self.machines.iter().find(|machine| machine.name == name)
    }
}

/// Digests of the contents put into a machine: `config.NAME`, `secret.NAME`.
pub type Contents = BTreeMap<String, String>;

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "missing",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
        })
    }
}
