//! A provider whose machines exist only in memory, for tests of plan and engine.

use super::{LogLine, LogOptions, NewMachine, Operation, Provider, Scope};
use crate::event::Context;
use crate::model::capabilities::Capabilities;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::machine::Machine;
use crate::model::observed::{Contents, Observed, ObservedMachine, ObservedThing, Owner, State};
use crate::model::stack::{Network, Stack, Volume};
use crate::model::{Error, Result};
use crate::transport::Transport;
use crate::transport::fake::FakeTransport;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps a world in memory and the operations it was asked for.
pub struct FakeProvider {
    world: Mutex<World>,
    transport: FakeTransport,
    capabilities: Capabilities,
}

#[derive(Default)]
struct World {
    observed: Observed,
    operations: Vec<String>,
    failing: Vec<String>,
    serial: usize,
}

impl FakeProvider {
    /// An empty world; commands in its machines are answered by `transport`.
    pub fn new(transport: FakeTransport) -> Self {
        let capabilities = Capabilities {
            update: &["memory", "cpus", "pids", "restart", "network."],
            update_box: &["env.", "config.", "secret."],
        };
        Self { world: Mutex::default(), transport, capabilities }
    }

    /// The operations it was asked for so far, such as `create machine web`.
    pub fn operations(&self) -> Vec<String> {
        self.world().operations.clone()
    }

    /// Makes every operation whose description is this one fail.
    pub fn fail(&self, operation: &str) {
        self.world().failing.push(operation.to_owned());
    }

    /// Changes the world from outside, as a user with the engine's own tools would.
    pub fn change(&self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.world().observed);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for FakeProvider {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn describe(
        &self,
        _stack: &Stack,
        machine: &Machine,
        image: &str,
        contents: &Contents,
    ) -> Result<Fields> {
        Ok(fields(machine, image, contents))
    }

    fn describe_network(&self, network: &Network) -> Fields {
        let mut fields = Fields::default();
        fields.set_some("subnet", network.subnet.as_ref());
        fields
    }

    fn describe_volume(&self, volume: &Volume) -> Fields {
        let mut fields = Fields::default();
        fields.set_some("driver", volume.driver.as_ref());
        fields
    }

    fn observe(&self, _scope: Scope<'_>) -> Result<Observed> {
        Ok(self.world().observed.clone())
    }

    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()> {
        let description = describe(&operation);
        context.check(&description)?;
        let mut world = self.world();
        world.operations.push(description.clone());
        if world.failing.contains(&description) {
            return Err(Error::failed(description));
        }
        world.serial += 1;
        let serial = world.serial;
        let observed = &mut world.observed;
        match operation {
            Operation::PullImage { .. }
            | Operation::BuildImage { .. }
            | Operation::ImportBox { .. }
            | Operation::Prune => {}
            Operation::CreateNetwork(network) => {
                let fields = self.describe_network(network);
                observed.networks.push(thing(identity, &network.name, fields));
            }
            Operation::CreateVolume(volume) => {
                let fields = self.describe_volume(volume);
                observed.volumes.push(thing(identity, &volume.name, fields));
            }
            Operation::RemoveNetwork(name) => observed.networks.retain(|network| network.name != name),
            Operation::RemoveVolume(name) => observed.volumes.retain(|volume| volume.name != name),
            Operation::CreateMachine(new) => {
                let fields = fields(new.machine, new.image, &new.contents);
                observed.machines.push(machine(identity, new, fields, serial));
            }
            Operation::StartMachine(name) => set_state(observed, name, State::Running),
            Operation::StopMachine { name, .. } => set_state(observed, name, State::Stopped),
            Operation::UpdateMachine { machine, .. } => {
                let fields = fields(machine.machine, machine.image, &machine.contents);
                for known in observed.machines.iter_mut().filter(|known| known.name == machine.machine.name) {
                    known.fields = fields.clone();
                }
            }
            Operation::RemoveMachine(name) => observed.machines.retain(|machine| machine.name != name),
        }
        Ok(())
    }

    fn connect(&self, _identity: &Identity, _name: &str) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.transport.clone()))
    }

    fn wait(&self, _identity: &Identity, name: &str, _context: &Context) -> Result<i64> {
        let mut world = self.world();
        set_state(&mut world.observed, name, State::Completed);
        for machine in world.observed.machines.iter_mut().filter(|machine| machine.name == name) {
            machine.exit_code = Some(0);
        }
        Ok(0)
    }

    fn logs(
        &self,
        _identity: &Identity,
        _name: &str,
        _options: &LogOptions,
        _sink: &mut dyn FnMut(LogLine) -> Result<()>,
        _context: &Context,
    ) -> Result<()> {
        Ok(())
    }
}

fn fields(machine: &Machine, image: &str, contents: &Contents) -> Fields {
    let mut fields = Fields::default();
    fields.set("image", image);
    fields.set_some("memory", machine.memory);
    fields.set_some("cpus", machine.cpus);
    fields.set_some("command", machine.command.as_ref().map(|command| command.join(" ")));
    for (name, value) in &machine.env {
        fields.set(format!("env.{name}"), value);
    }
    for name in machine.networks.keys() {
        fields.set(format!("network.{name}"), "joined");
    }
    for (name, digest) in contents {
        fields.set(name.clone(), digest);
    }
    fields
}

fn describe(operation: &Operation<'_>) -> String {
    match operation {
        Operation::PullImage { reference, .. } => format!("pull image {reference}"),
        Operation::BuildImage { reference, .. } => format!("build image {reference}"),
        Operation::ImportBox { reference, .. } => format!("import box {reference}"),
        Operation::CreateNetwork(network) => format!("create network {}", network.name),
        Operation::RemoveNetwork(name) => format!("remove network {name}"),
        Operation::CreateVolume(volume) => format!("create volume {}", volume.name),
        Operation::RemoveVolume(name) => format!("remove volume {name}"),
        Operation::CreateMachine(new) => format!("create machine {}", new.machine.name),
        Operation::StartMachine(name) => format!("start machine {name}"),
        Operation::StopMachine { name, .. } => format!("stop machine {name}"),
        Operation::UpdateMachine { machine, fields } => {
            format!("update machine {}: {}", machine.machine.name, fields.join(", "))
        }
        Operation::RemoveMachine(name) => format!("remove machine {name}"),
        Operation::Prune => "prune".to_owned(),
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

fn thing(identity: &Identity, name: &str, fields: Fields) -> ObservedThing {
    ObservedThing {
        name: name.to_owned(),
        owner: owner(identity, "dev"),
        machine: None,
        engine_name: identity.network(name),
        fields,
    }
}

fn machine(identity: &Identity, new: &NewMachine<'_>, fields: Fields, serial: usize) -> ObservedMachine {
    ObservedMachine {
        name: new.machine.name.clone(),
        owner: owner(identity, new.environment),
        provider: "docker".to_owned(),
        engine_id: format!("fake-{serial}"),
        engine_name: identity.machine(&new.machine.name),
        state: State::Stopped,
        exit_code: None,
        started: None,
        is_box: new.machine.is_box(),
        source: new.machine.source_name(),
        fields,
        address: None,
        ports: Vec::new(),
    }
}

fn set_state(observed: &mut Observed, name: &str, state: State) {
    for machine in observed.machines.iter_mut().filter(|machine| machine.name == name) {
        machine.state = state;
    }
}
