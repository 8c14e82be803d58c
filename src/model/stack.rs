//! The stack: everything one Envfile declares, after interpolation and checks.

use super::drift::DriftSettings;
use super::id::DEFAULT_ENVIRONMENT;
use super::layer::LayerSettings;
use super::machine::Machine;
use super::step::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Name of the network that machines join when they name none.
pub const DEFAULT_NETWORK: &str = "default";

/// All machines, networks and volumes of one Envfile.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The Envfile's `name`, or its directory's.
    pub name: String,
    /// Named variant: `dev` unless said otherwise.
    pub environment: String,
    /// The environments that the Envfile declares, in its order; `dev` is only among them when it says more than the rest
    /// of the Envfile.
    pub environments: Vec<String>,
    /// The Envfile; absolute.
    pub file: PathBuf,
    /// Directory of the Envfile; absolute.
    pub directory: PathBuf,
    /// By name.
    pub machines: BTreeMap<String, Machine>,
    /// By name; `default` is there when a machine uses it.
    pub networks: BTreeMap<String, Network>,
    /// By name.
    pub volumes: BTreeMap<String, Volume>,
    /// By name.
    pub secrets: BTreeMap<String, Content>,
    /// By name.
    pub configs: BTreeMap<String, Content>,
    /// Steps that run once over several machines, after their own.
    pub provision: Vec<StackStep>,
    /// What counts as drift.
    pub drift: DriftSettings,
    /// How layers are kept.
    pub layers: LayerSettings,
}

impl Stack {
    /// What it is called on this host: `shop`, and in another environment than `dev` `shop.test`, because each environment
    /// has machines, networks and volumes of its own. No name of a stack has a dot, so that the two are never mixed up.
    pub fn full_name(&self) -> String {
        match self.environment.as_str() {
            DEFAULT_ENVIRONMENT => self.name.clone(),
            other => format!("{}.{other}", self.name),
        }
    }

    /// The steps that run in a machine, in order, with their keys in its ledger: its own, then those over several machines.
    pub fn steps_of<'a>(&'a self, machine: &'a Machine) -> impl Iterator<Item = (String, &'a Step)> {
        let own = machine.provision.iter().map(|step| (step.key(), step));
        let several = self.provision.iter().filter(|several| several.machines.contains(&machine.name));
        let takes_changes = machine.takes_changes();
        own.chain(several.map(|several| (several.key(), &several.step))).filter(move |_| takes_changes)
    }

    /// The providers of the machines that join a network.
    pub fn providers_in_network(&self, name: &str) -> BTreeSet<&str> {
        let joins = self.machines.values().filter(|machine| machine.networks.contains_key(name));
        joins.map(|machine| machine.provider.as_str()).collect()
    }

    /// The providers of the machines that mount a volume.
    pub fn providers_of_volume(&self, name: &str) -> BTreeSet<&str> {
        let mounts =
            |machine: &&Machine| machine.volumes.iter().any(|mount| mount.volume.as_deref() == Some(name));
        self.machines.values().filter(mounts).map(|machine| machine.provider.as_str()).collect()
    }

    /// Whether machines of several providers join a network of the stack.
    pub fn is_shared(&self, network: &str) -> bool {
        self.networks.get(network).is_some_and(|network| network.external.is_none())
            && self.providers_in_network(network).len() > 1
    }

    /// A stack whose Envfile is not at hand: nothing is known of it but who it is.
    pub fn undeclared(name: &str, environment: &str, directory: &Path) -> Self {
        Self {
            name: name.to_owned(),
            environment: environment.to_owned(),
            environments: Vec::new(),
            file: directory.join("Envfile"),
            directory: directory.to_owned(),
            machines: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            secrets: BTreeMap::new(),
            configs: BTreeMap::new(),
            provision: Vec::new(),
            drift: DriftSettings::default(),
            layers: LayerSettings::default(),
        }
    }
}

/// A network of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Name in the stack.
    pub name: String,
    /// The engine's driver, `bridge` when not given.
    pub driver: Option<String>,
    /// Address range, `10.5.0.0/24`.
    pub subnet: Option<String>,
    /// No way out of the host.
    pub internal: bool,
    /// Name of a network that is not ours and exists already.
    pub external: Option<String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume of the stack: data that outlives machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Name in the stack.
    pub name: String,
    /// The engine's driver, `local` when not given.
    pub driver: Option<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
    /// Name of a volume that is not ours and exists already.
    pub external: Option<String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
}

/// Where the bytes of a secret or config come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Written in the Envfile (configs only).
    Inline(String),
    /// A file; absolute.
    File(PathBuf),
    /// An environment variable of the host (secrets only), with its value when the stack was loaded.
    Environment {
        /// The variable's name.
        variable: String,
        /// Its value; `None` when it was not set.
        value: Option<Hidden>,
    },
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// A step over several machines.
#[derive(Debug, Clone, PartialEq)]
pub struct StackStep {
    /// The step itself.
    pub step: Step,
    /// The machines it runs over.
    pub machines: Vec<String>,
}

impl StackStep {
    /// Identity in the ledgers of its machines, beside the numbers of their own steps.
    pub fn key(&self) -> String {
        format!("stack-{}", self.step.index)
    }
}
