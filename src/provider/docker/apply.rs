//! Carries out one operation.

use super::client::Client;
use super::errors::{Explain, explain, is_ambiguous, optional};
use super::labels::{self, Kind};
use super::{agent_volume, create, files, networks, options, ports, removal, snapshots, volumes};
use crate::event::Context;
use crate::model::id::Identity;
use crate::model::{Error, Result};
use crate::provider::NewMachine;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{StartContainerOptions, StopContainerOptionsBuilder, WaitContainerOptions};
use futures_util::StreamExt;
use std::pin::pin;
use std::time::Duration;

/// Starts a machine; one that is frozen goes on, one that runs is left alone.
pub(super) fn start(client: &Client, identity: &Identity, name: &str, context: &Context) -> Result<()> {
    let container = identity.machine(name);
    agent_volume::ensure(client, &container, context)?;
    let docker = &client.docker;
    let start = || client.block(docker.start_container(&container, None::<StartContainerOptions>));
    let mut started = start()?;
    if started.as_ref().is_err_and(is_ambiguous) {
        client
            .block(networks::drop_doubles_of(docker, identity, name))?
            .explain(|| format!("cannot tell the networks of machine {name} apart"))?;
        started = start()?;
    }
    let Err(error) = started else { return Ok(()) };
    let ours = explain(&error, format!("cannot start machine {name}"));
    if ours.causes.iter().any(|cause| cause.contains("paused")) {
        return client.block(docker.unpause_container(&container))?.explain(|| ours.message);
    }
    Err(ports::explain_taken(client, ours))
}

/// Stops a machine: asks its process to end, waits for the grace, kills it. One that is not there is stopped.
pub(super) fn stop(client: &Client, identity: &Identity, name: &str, grace: Option<Duration>) -> Result<()> {
    if !create::is_there(client, identity, name)? {
        return Ok(());
    }
    let mut options = StopContainerOptionsBuilder::default();
    if let Some(grace) = grace {
        options = options.t(i32::try_from(grace.as_secs_f64().ceil() as i64).unwrap_or(i32::MAX));
    }
    let stopped =
        client.block(client.docker.stop_container(&identity.machine(name), Some(options.build())))?;
    optional(stopped).map(|_| ()).explain(|| format!("cannot stop machine {name}"))
}

/// Removes a machine, however it stands, with its own volumes. Volumes of the stack stay, and so does somebody else's
/// container of that name.
pub(super) fn remove(client: &Client, identity: &Identity, name: &str) -> Result<()> {
    let cannot = || format!("cannot remove machine {name}");
    let container = identity.machine(name);
    let found = create::labels_of(client, identity, name)?;
    if labels::belongs(found.as_ref(), &container, identity, Kind::Machine, name) {
        client.block(removal::remove(&client.docker, &container))?.explain(cannot)?;
        if snapshots::stood_for(found.as_ref()) {
            // Perhaps it was the last that needed a snapshot that was let go.
            client.block(snapshots::sweep(client))?.explain(cannot)?;
        }
    }
    create::clear_unfinished(client, identity, name)?;
    client.block(async {
        let (secrets, configs) = tokio::join!(
            volumes::remove_kind(client, identity, Kind::Secrets, name),
            volumes::remove_kind(client, identity, Kind::Configs, name),
        );
        secrets.and(configs)
    })?
}

/// Waits until a machine's process has ended, and gives its code.
pub(super) fn wait(client: &Client, container: &str, name: &str, context: &Context) -> Result<i64> {
    client.wait(context, &format!("waiting for machine {name} to end"), async {
        let mut answers = pin!(client.docker.wait_container(container, None::<WaitContainerOptions>));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            // Another code than 0 comes as an error.
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(explain(&error, format!("cannot wait for machine {name}"))),
            None => Err(Error::failed(format!("docker stopped waiting for machine {name}"))),
        }
    })
}

/// Brings fields of a living machine to what is declared.
pub(super) fn update(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    fields: &[&str],
    context: &Context,
) -> Result<()> {
    let machine = new.machine;
    let container = identity.machine(&machine.name);
    let limits: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| matches!(*field, "memory" | "cpus" | "pids" | "restart"))
        .collect();
    if !limits.is_empty() {
        let body = limits_body(new, &limits);
        client
            .block(client.docker.update_container(&container, body))?
            .explain(|| format!("cannot change {} of machine {}", limits.join(", "), machine.name))?;
    }
    for network in fields.iter().filter_map(|field| field.strip_prefix("network.")) {
        networks::update(client, identity, new, network)?;
    }
    if fields.iter().any(|field| field.starts_with("secret.")) {
        files::fill_secrets(client, identity, new, context)?;
    }
    if fields.iter().any(|field| field.starts_with("config.")) {
        let configs: Vec<_> = files::in_root(new).collect();
        files::put(client, &container, &configs, context)?;
    }
    Ok(())
}

/// The limits to set. For the engine 0 means "as it was", so lifting most limits is -1.
fn limits_body(new: &NewMachine<'_>, fields: &[&str]) -> ContainerUpdateBody {
    let machine = new.machine;
    let mut body = ContainerUpdateBody::default();
    for field in fields {
        match *field {
            "memory" => {
                // Engines refuse to lift this limit; one that no machine reaches is the same.
                let memory = machine.memory.map_or(options::NO_LIMIT, |size| size.0 as i64);
                body.memory = Some(memory);
                // As much swap again, as when a machine is made with a limit: the old value may be in the way.
                body.memory_swap = Some(memory.saturating_mul(2));
            }
            "cpus" => {
                body.cpu_period = Some(options::CPU_PERIOD);
                body.cpu_quota = Some(machine.cpus.map_or(-1, options::cpu_quota));
            }
            "pids" => body.pids_limit = Some(machine.pids.unwrap_or(-1)),
            _ => body.restart_policy = Some(options::restart_policy(machine.restart)),
        }
    }
    body
}
