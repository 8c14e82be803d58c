//! The Docker provider: machines are containers. The only place that speaks to an engine's interface.
//!
//! Nothing is read and no connection is made before the first call that needs it.

mod agent_volume;
mod apply;
mod authorities;
mod boot;
mod build;
mod client;
mod create;
mod credentials;
mod data;
mod endpoint;
mod errors;
mod export;
mod fields;
mod files;
mod filler;
#[cfg(test)]
mod golden;
mod images;
mod labels;
mod layers;
mod logs;
mod network_removal;
mod networks;
mod observe;
mod options;
mod ports;
mod proxies;
mod prune;
mod removal;
mod sending;
mod sharing;
mod snapshots;
mod transport;
mod unstarted;
mod version;
mod volumes;

pub use super::Surroundings;

use super::{
    BoxFiles, Capabilities, Layers, LogLine, LogOptions, NewMachine, Operation, Provider, Scope, Snapshots,
};
use crate::event::Context;
use crate::model::fields::Fields;
use crate::model::id::{Identity, ProjectId};
use crate::model::layer::Layer;
use crate::model::machine::{Build, Machine};
use crate::model::observed::{Contents, Observed};
use crate::model::snapshot::{KeptPart, Part};
use crate::model::stack::{Network, Stack, Volume};
use crate::model::{Error, Result};
use crate::state::Directories;
use crate::transport::Transport;
use client::Client;
use std::io::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use transport::DockerTransport;

/// As the Envfile names it.
const NAME: &str = "docker";

/// The provider for the engine that the docker command would use in these surroundings; see [`Make`](super::Make).
pub fn make(surroundings: &Surroundings, _: &Directories) -> Box<dyn Provider> {
    Box::new(DockerProvider::new(surroundings.clone()))
}

/// Runs machines as containers of a Docker engine.
pub struct DockerProvider {
    surroundings: Surroundings,
    client: Mutex<Option<Arc<Client>>>,
    capabilities: Capabilities,
}

impl DockerProvider {
    /// A provider for the engine that the docker command would use in these surroundings. Touches nothing yet.
    pub fn new(surroundings: Surroundings) -> Self {
        let capabilities = Capabilities {
            update: &["memory", "cpus", "pids", "restart", "network."],
            update_box: &["env.", "config.", "secret."],
            networks_later: true,
            ..Capabilities::NONE
        };
        Self { surroundings, client: Mutex::default(), capabilities }
    }

    fn client(&self) -> Result<Arc<Client>> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        match &*client {
            Some(client) => Ok(client.clone()),
            None => {
                let new = Arc::new(Client::connect(&self.surroundings)?);
                *client = Some(new.clone());
                Ok(new)
            }
        }
    }
}

impl Provider for DockerProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        self.client().map(|_| ())
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn describe(&self, stack: &Stack, machine: &Machine, image: &str, contents: &Contents) -> Result<Fields> {
        // Whose machine it is shows in no field.
        let identity = nobody();
        let new = NewMachine {
            machine,
            environment: &stack.environment,
            image,
            stands_for: None,
            layer: None,
            construction: None,
            networks: stack.networks.values().collect(),
            places: stack
                .networks
                .keys()
                .filter(|name| stack.is_shared(name))
                .map(|name| (name.as_str(), None))
                .collect(),
            volumes: stack.volumes.values().collect(),
            files: Vec::new(),
            contents: contents.clone(),
        };
        Ok(fields::of_options(&identity, image, &options::options(&identity, &new)))
    }

    fn describe_network(&self, network: &Network, ground: Option<&str>) -> Fields {
        networks::describe(network, ground)
    }

    fn describe_volume(&self, volume: &Volume) -> Fields {
        volumes::describe(volume)
    }

    fn observe(&self, scope: Scope<'_>) -> Result<Observed> {
        observe::observe(&*self.client()?, scope)
    }

    fn apply(&self, identity: &Identity, operation: Operation<'_>, context: &Context) -> Result<()> {
        let client = &*self.client()?;
        match operation {
            Operation::PullImage { reference, platform } => {
                images::pull(client, &self.surroundings, reference, platform, context)
            }
            Operation::BuildImage { reference, build, platform } => {
                let image = build::Wanted { identity, reference, build, platform };
                build::build(client, &self.surroundings, &image, context)
            }
            Operation::ImportBox { reference, files: BoxFiles::Archive(archive) } => {
                images::import(client, reference, archive, context)
            }
            Operation::ImportBox { reference, .. } => {
                Err(Error::failed(format!("docker makes nothing of the VM disk {reference}")))
            }
            Operation::CreateNetwork { network, ground } => {
                networks::create(client, identity, network, ground)
            }
            Operation::RemoveNetwork(name) => network_removal::remove(client, identity, name),
            Operation::CreateVolume(volume) => volumes::create(client, identity, volume),
            Operation::RemoveVolume(name) => volumes::remove(client, identity, name),
            Operation::CreateMachine(new) => {
                let proxies = proxies::proxies(&self.surroundings, &client.endpoint);
                create::create(client, identity, new, &proxies, context)
            }
            Operation::StartMachine(name) => apply::start(client, identity, name, context),
            Operation::StopMachine { name, grace } => apply::stop(client, identity, name, grace),
            Operation::UpdateMachine { machine, fields } => {
                apply::update(client, identity, machine, fields, context)
            }
            Operation::RemoveMachine(name) => apply::remove(client, identity, name),
            Operation::Prune => prune::prune(client, context),
        }
    }

    fn export_build(
        &self,
        reference: &str,
        build: &Build,
        sink: &mut dyn Write,
        context: &Context,
    ) -> Result<()> {
        let client = &*self.client()?;
        // Nobody's: it is gone before anybody could own it.
        let identity = nobody();
        let image = build::Wanted { identity: &identity, reference, build, platform: None };
        build::build(client, &self.surroundings, &image, context)?;
        let exported = export::export(client, reference, sink, context);
        exported.and(export::remove_image(client, reference))
    }

    fn layers(&self) -> Option<&dyn Layers> {
        Some(self)
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn wait(&self, identity: &Identity, name: &str, context: &Context) -> Result<i64> {
        apply::wait(&*self.client()?, &identity.machine(name), name, context)
    }

    fn connect(&self, identity: &Identity, name: &str) -> Result<Box<dyn Transport>> {
        let container = identity.machine(name);
        Ok(Box::new(DockerTransport { client: self.client()?, container, machine: name.to_owned() }))
    }

    fn direct_address(&self, identity: &Identity, name: &str) -> Result<Option<IpAddr>> {
        observe::direct_address(&*self.client()?, &identity.machine(name), name)
    }

    fn logs(
        &self,
        identity: &Identity,
        name: &str,
        options: &LogOptions,
        sink: &mut dyn FnMut(LogLine) -> Result<()>,
        context: &Context,
    ) -> Result<()> {
        logs::logs(&*self.client()?, &identity.machine(name), name, options, sink, context)
    }
}

impl Layers for DockerProvider {
    fn save(&self, identity: &Identity, machine: &str, key: &str, context: &Context) -> Result<()> {
        layers::save(&*self.client()?, identity, machine, key, context)
    }

    fn list(&self) -> Result<Vec<Layer>> {
        layers::list(&*self.client()?)
    }

    fn remove(&self, key: &str) -> Result<bool> {
        layers::remove(&*self.client()?, key)
    }
}

impl Snapshots for DockerProvider {
    fn save(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
        snapshots::save(&*self.client()?, identity, part, context)
    }

    fn list(&self, identity: &Identity) -> Result<Vec<KeptPart>> {
        snapshots::list(&*self.client()?, identity)
    }

    fn verify(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
        snapshots::verify(&*self.client()?, identity, part, context)
    }

    fn restore_machine(
        &self,
        identity: &Identity,
        part: &Part,
        new: &NewMachine<'_>,
        context: &Context,
    ) -> Result<()> {
        let client = &*self.client()?;
        let proxies = proxies::proxies(&self.surroundings, &client.endpoint);
        snapshots::restore_machine(client, identity, part, new, &proxies, context)
    }

    fn restore_volume(
        &self,
        identity: &Identity,
        part: &Part,
        volume: &Volume,
        context: &Context,
    ) -> Result<()> {
        snapshots::restore_volume(&*self.client()?, identity, part, volume, context)
    }

    fn remove(&self, identity: &Identity, part: &Part) -> Result<()> {
        snapshots::remove(&*self.client()?, identity, part)
    }
}

/// For what belongs to no stack.
fn nobody() -> Identity {
    Identity { id: ProjectId("0".repeat(12)), name: String::new(), directory: String::new() }
}
