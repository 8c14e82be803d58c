//! The world of the fake engine: its things, and what each operation does to them.

use super::fields::{network_field, of_machine, of_network, of_volume};
use super::layers::Kept;
use super::snapshots::KeptState;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::observed::{Observed, ObservedMachine, ObservedThing, Owner, State};
use crate::model::stack::Network;
use crate::model::{Error, Result};
use crate::provider::{NewMachine, Operation};
use envup_agent::{Ledger, Running};
use std::collections::{BTreeMap, BTreeSet};

/// Everything there is, and what tests wish to happen.
#[derive(Default)]
pub struct World {
    /// Its name in Envfiles.
    pub provider: &'static str,
    /// Whether machines of others can join its networks.
    pub is_ground: bool,
    pub observed: Observed,
    pub operations: Vec<String>,
    /// Descriptions of operations that fail.
    pub failing: BTreeSet<String>,
    /// Machines whose process 1 ends, and its code.
    pub ends: BTreeMap<String, i64>,
    /// Machines whose requirements do not hold.
    pub unready: BTreeSet<String>,
    /// What is on the disks of machines, by engine id.
    pub disks: BTreeMap<String, Disk>,
    /// Layers, in the order in which they were made; `None` when it keeps none.
    pub layers: Option<Vec<Kept>>,
    /// Whether machines may be made before their networks.
    pub networks_later: bool,
    /// Whether machines start from the disks of boxes.
    pub starts_from_disks: bool,
    /// What is on volumes.
    pub data: BTreeMap<String, String>,
    /// What is kept in snapshots.
    pub kept: Vec<KeptState>,
    serial: usize,
}

/// What is on the disk of a machine.
#[derive(Clone, Default)]
pub struct Disk {
    pub ledger: Ledger,
    /// All that steps wrote: their scripts.
    pub written: String,
    /// The layer that it began with.
    pub layer: Option<String>,
    /// A step that goes on though nobody waits for it.
    pub running: Option<Running>,
}

impl World {
    /// The empty world of a provider.
    pub fn of(provider: &'static str) -> Self {
        Self { provider, ..Self::default() }
    }

    /// Carries out one operation.
    pub fn apply(&mut self, identity: &Identity, operation: Operation<'_>) -> Result<()> {
        let observed = &mut self.observed;
        match operation {
            Operation::PullImage { .. }
            | Operation::BuildImage { .. }
            | Operation::ImportBox { .. }
            | Operation::Prune => {}
            Operation::CreateNetwork { network, ground } => {
                let fields = of_network(network, ground.map(|ground| ground.provider));
                add(&mut observed.networks, thing(identity, self.provider, &network.name, fields));
            }
            Operation::CreateVolume(volume) => {
                add(&mut observed.volumes, thing(identity, self.provider, &volume.name, of_volume(volume)));
            }
            Operation::RemoveNetwork(name) => {
                observed.networks.retain(|network| network.name != name);
                // Its machines leave it.
                for machine in &mut observed.machines {
                    machine.fields.0.remove(&network_field(name));
                }
            }
            Operation::RemoveVolume(name) => {
                observed.volumes.retain(|volume| volume.name != name);
                self.data.remove(name);
            }
            Operation::CreateMachine(new) => self.create(identity, new)?,
            Operation::StartMachine(name) => self.start(name)?,
            Operation::StopMachine { name, .. } => self.stop(name),
            Operation::UpdateMachine { machine, fields } => self.update(machine, fields)?,
            Operation::RemoveMachine(name) => observed.machines.retain(|machine| machine.name != name),
        }
        Ok(())
    }

    /// Lets process 1 of running machines end, where a test wishes that.
    pub fn let_processes_end(&mut self) {
        for machine in self.observed.machines.iter_mut().filter(|machine| machine.state == State::Running) {
            if let Some(code) = self.ends.get(&machine.name) {
                machine.state = State::after(*code);
                machine.exit_code = Some(*code);
            }
        }
    }

    /// The disk of a machine that exists.
    pub fn disk(&mut self, machine: &str) -> Result<&mut Disk> {
        let id = self.existing(machine)?.engine_id.clone();
        Ok(self.disks.entry(id).or_default())
    }

    /// A machine that exists.
    pub fn existing(&mut self, name: &str) -> Result<&mut ObservedMachine> {
        let found = self.observed.machines.iter_mut().find(|machine| machine.name == name);
        found.ok_or_else(|| Error::failed(format!("no such machine: {name}")))
    }

    fn create(&mut self, identity: &Identity, new: &NewMachine<'_>) -> Result<()> {
        let observed = &mut self.observed;
        if observed.machine(&new.machine.name).is_some() {
            return Ok(());
        }
        let here = |network: &&&Network| network.external.is_none() && !self.networks_later;
        for network in new.networks.iter().filter(here) {
            exists(&observed.networks, "network", &network.name)?;
        }
        for volume in new.volumes.iter().filter(|volume| volume.external.is_none()) {
            exists(&observed.volumes, "volume", &volume.name)?;
        }
        let disk = new.layer.map(|key| self.disk_of_layer(key)).transpose()?.unwrap_or_default();
        self.serial += 1;
        self.disks.insert(engine_id(self.serial), disk);
        let observed = &mut self.observed;
        let fields = of_machine(new.machine, new.image, &new.contents);
        observed.machines.push(machine(identity, new, fields, (self.provider, self.serial)));
        observed.machines.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(())
    }

    fn start(&mut self, name: &str) -> Result<()> {
        self.serial += 1;
        let serial = self.serial;
        let machine = self.existing(name)?;
        if machine.state != State::Running {
            machine.state = State::Running;
            machine.exit_code = None;
            machine.started = Some(format!("start {serial}"));
        }
        Ok(())
    }

    fn stop(&mut self, name: &str) {
        for machine in self.observed.machines.iter_mut().filter(|machine| machine.name == name) {
            if machine.state == State::Running {
                machine.state = State::Stopped;
                machine.exit_code = Some(0);
            }
        }
    }

    fn update(&mut self, new: &NewMachine<'_>, fields: &[&str]) -> Result<()> {
        for network in &new.networks {
            if fields.contains(&network_field(&network.name).as_str()) && network.external.is_none() {
                exists(&self.observed.networks, "network", &network.name)?;
            }
        }
        let wanted = of_machine(new.machine, new.image, &new.contents);
        let machine = self.existing(&new.machine.name)?;
        for field in fields {
            if field.starts_with("config.") || field.starts_with("secret.") {
                // They are labels, and labels stay as they were when the machine was made.
                continue;
            }
            match wanted.get(field) {
                Some(value) => machine.fields.set(*field, value),
                None => _ = machine.fields.0.remove(*field),
            }
        }
        Ok(())
    }
}

fn engine_id(serial: usize) -> String {
    format!("fake-{serial}")
}

fn exists(things: &[ObservedThing], kind: &str, name: &str) -> Result<()> {
    let found = things.iter().any(|thing| thing.name == name);
    if found { Ok(()) } else { Err(Error::failed(format!("no such {kind}: {name}"))) }
}

fn add(things: &mut Vec<ObservedThing>, new: ObservedThing) {
    if !things.iter().any(|thing| thing.name == new.name) {
        things.push(new);
        things.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

fn owner(identity: &Identity, environment: &str) -> Owner {
    Owner {
        id: identity.id.clone(),
        name: identity.name.clone(),
        directory: identity.directory.clone(),
        environment: environment.to_owned(),
    }
}

fn thing(identity: &Identity, provider: &str, name: &str, fields: Fields) -> ObservedThing {
    ObservedThing {
        name: name.to_owned(),
        owner: owner(identity, "dev"),
        provider: provider.to_owned(),
        machine: None,
        engine_name: identity.network(name),
        fields,
    }
}

fn machine(
    identity: &Identity,
    new: &NewMachine<'_>,
    fields: Fields,
    (provider, serial): (&str, usize),
) -> ObservedMachine {
    ObservedMachine {
        name: new.machine.name.clone(),
        owner: owner(identity, new.environment),
        provider: provider.to_owned(),
        engine_id: engine_id(serial),
        engine_name: identity.machine(&new.machine.name),
        created: Some(0),
        state: State::Stopped,
        exit_code: None,
        started: None,
        is_box: new.machine.is_box(),
        source: new.machine.source_name(),
        construction: new.construction.map(str::to_owned),
        fields,
        address: None,
        direct: None,
        ports: Vec::new(),
    }
}
