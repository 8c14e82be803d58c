//! A provider whose machines exist only in memory, for tests of plan and engine.
//!
//! It behaves as an engine does where plans depend on it: what is missing cannot be joined or started, what is there already
//! is taken as it is, and labels of a living machine stay. Clones share one world.

mod agent;
mod fields;
mod ground;
mod layers;
mod snapshots;
mod world;

use super::{Grounds, Layers, LogLine, LogOptions, Operation, Provider, Scope, Snapshots};
use crate::event::Context;
use crate::model::capabilities::Capabilities;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::machine::Machine;
use crate::model::observed::{Contents, Observed};
use crate::model::stack::{Network, Stack, Volume};
use crate::model::{Error, Result};
use crate::transport::Transport;
use agent::AgentTransport;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use world::World;

/// Called before an operation, with its description.
type Watcher = dyn Fn(&str) + Send + Sync;

/// Keeps a world in memory and the operations it was asked for.
#[derive(Clone)]
pub struct FakeProvider {
    world: Arc<Mutex<World>>,
    watcher: Arc<Mutex<Option<Arc<Watcher>>>>,
}

static CAPABILITIES: Capabilities = Capabilities {
    update: &["memory", "cpus", "pids", "restart", "network."],
    update_off: &["disk"],
    update_box: &["env.", "config.", "secret."],
    ..Capabilities::NONE
};

static CAPABILITIES_OF_DISKS: Capabilities =
    Capabilities { disks: true, hands_on_authorities: true, ..CAPABILITIES };

static CAPABILITIES_LATER: Capabilities = Capabilities { networks_later: true, ..CAPABILITIES };

impl FakeProvider {
    /// An empty world, which calls itself docker as most Envfiles do.
    pub fn new() -> Self {
        Self::named("docker")
    }

    /// An empty world that Envfiles call by this name.
    pub fn named(name: &'static str) -> Self {
        Self { world: Arc::new(Mutex::new(World::of(name))), watcher: Arc::default() }
    }

    /// The same, whose networks machines of others can join.
    pub fn ground(name: &'static str) -> Self {
        let provider = Self::named(name);
        provider.world().is_ground = true;
        provider
    }

    /// What it was asked for so far, such as `create machine web`, `run step 1 in web`.
    pub fn operations(&self) -> Vec<String> {
        self.world().operations.clone()
    }

    /// Makes every operation whose description is this one fail.
    pub fn fail(&self, operation: &str) {
        self.world().failing.insert(operation.to_owned());
    }

    /// Lets all operations succeed again.
    pub fn mend(&self) {
        self.world().failing.clear();
    }

    /// From now on process 1 of this machine ends with this code soon after each start.
    pub fn ends(&self, machine: &str, code: i64) {
        self.world().ends.insert(machine.to_owned(), code);
    }

    /// Whether the requirements of this machine hold when they are probed; they do unless said otherwise.
    pub fn set_ready(&self, machine: &str, ready: bool) {
        let mut world = self.world();
        if ready {
            world.unready.remove(machine)
        } else {
            world.unready.insert(machine.to_owned())
        };
    }

    /// From now on it says, and it is so, that a machine can be made before its network.
    pub fn set_networks_later(&self) {
        self.world().networks_later = true;
    }

    /// From now on its machines start from the disks of boxes, as VMs do.
    pub fn set_starts_from_disks(&self) {
        self.world().starts_from_disks = true;
    }

    /// Calls `watcher` before each operation, with its description.
    pub fn watch(&self, watcher: impl Fn(&str) + Send + Sync + 'static) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(watcher));
    }

    /// Writes what is on a volume, as a machine would.
    pub fn write(&self, volume: &str, data: &str) {
        self.world().data.insert(volume.to_owned(), data.to_owned());
    }

    /// What is on a volume.
    pub fn read(&self, volume: &str) -> String {
        self.world().data.get(volume).cloned().unwrap_or_default()
    }

    /// Changes the world from outside, as a user with the engine's own tools would.
    pub fn change(&self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.world().observed);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells who watches.
    fn tell(&self, description: &str) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watcher) = watcher {
            watcher(description);
        }
    }

    /// Notes what is asked for; fails when that was wished.
    fn begin(&self, description: &str, context: &Context) -> Result<()> {
        context.check(&format!("asking to {description}"))?;
        self.tell(description);
        let mut world = self.world();
        world.operations.push(description.to_owned());
        if world.failing.contains(description) {
            return Err(Error::failed(format!("cannot {description}: the fake was told to fail")));
        }
        Ok(())
    }
}

impl Default for FakeProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for FakeProvider {
    fn name(&self) -> &'static str {
        self.world().provider
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> &Capabilities {
        let world = self.world();
        match () {
            () if world.networks_later => &CAPABILITIES_LATER,
            () if world.starts_from_disks => &CAPABILITIES_OF_DISKS,
            () => &CAPABILITIES,
        }
    }

    fn describe(
        &self,
        _stack: &Stack,
        machine: &Machine,
        image: &str,
        contents: &Contents,
    ) -> Result<Fields> {
        Ok(fields::of_machine(machine, image, contents))
    }

    fn describe_network(&self, network: &Network, ground: Option<&str>) -> Fields {
        fields::of_network(network, ground)
    }

    fn describe_volume(&self, volume: &Volume) -> Fields {
        fields::of_volume(volume)
    }

    fn observe(&self, _scope: Scope<'_>) -> Result<Observed> {
        let mut world = self.world();
        world.let_processes_end();
        Ok(world.observed.clone())
    }

    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()> {
        self.begin(&fields::description(&operation), context)?;
        self.world().apply(identity, operation)
    }

    fn grounds(&self) -> Option<&dyn Grounds> {
        self.world().is_ground.then_some(self)
    }

    fn layers(&self) -> Option<&dyn Layers> {
        self.world().layers.is_some().then_some(self)
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn connect(&self, _identity: &Identity, name: &str) -> Result<Box<dyn Transport>> {
        Ok(Box::new(AgentTransport::new(self.clone(), name)))
    }

    fn wait(&self, _identity: &Identity, name: &str, context: &Context) -> Result<i64> {
        context.check(&format!("waiting for the end of {name}"))?;
        let mut world = self.world();
        // Who is waited for is a job, and jobs end.
        world.ends.entry(name.to_owned()).or_insert(0);
        world.let_processes_end();
        let ended = world.observed.machine(name).and_then(|machine| machine.exit_code);
        ended.ok_or_else(|| Error::failed(format!("machine {name} was never started")))
    }

    fn logs(
        &self,
        _identity: &Identity,
        name: &str,
        _options: &LogOptions,
        sink: &mut dyn FnMut(LogLine) -> Result<()>,
        _context: &Context,
    ) -> Result<()> {
        sink(LogLine { time: 0, stderr: false, text: format!("{name} says hello") })
    }
}
