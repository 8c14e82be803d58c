//! Makes a machine: the container, and beside it a volume with its secrets, then its files, its networks, and last its name.
//!
//! A machine gets its name when it is complete: where files have to be put into its own disk or into that volume, it is made
//! under another name first. So a machine that is found is whole, whenever `env` was killed.

use super::boot::{self, Engine};
use super::client::Client;
use super::errors::{Explain, explain, is_conflict, optional, refuses_security_option};
use super::labels::{self, Kind, Labels};
use super::options::{self, Options};
use super::removal::{self, LOOK_AGAIN};
use super::{agent_volume, authorities, files, networks};
use crate::event::Context;
use crate::model::id::Identity;
use crate::model::machine::Init;
use crate::model::{Error, Result};
use crate::provider::NewMachine;
use bollard::models::{ContainerConfig, ContainerCreateBody, EndpointSettings, NetworkingConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, RenameContainerOptionsBuilder,
};
use std::collections::HashMap;

/// How often at most a name that is taken is tried again: a killed run's call makes its machine for some seconds at most.
const TRIES: usize = 200;

/// Makes a machine, not yet started; the one that is there already is taken.
pub(super) fn create(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    proxies: &[(String, String)],
    context: &Context,
) -> Result<()> {
    let machine = new.machine;
    let name = identity.machine(&machine.name);
    let mut options = options::options(identity, new);
    boot::add(machine, &mut options);
    // What the Envfile says comes first.
    proxies.iter().for_each(|(name, value)| options.set_missing(name, value));
    authorities::add(client, new, &mut options)?;
    relabel_folders(client, &mut options)?;
    files::add_volumes(client, identity, new, &mut options, context)?;
    agent_volume::add_mount(&mut options);
    options.config.labels = Some(options::machine_labels(identity, new, &options.notes));

    let in_root: Vec<_> = files::in_root(new).collect();
    let is_whole_at_once = in_root.is_empty() && !files::has_secrets(new);
    let first_name = if is_whole_at_once { name.clone() } else { format!("{name}.new") };
    let (made, filled) = std::thread::scope(|scope| {
        // Beside each other: the engine takes its time to fill a volume of the machine from a layer.
        let filling = scope.spawn(|| files::fill_secrets(client, identity, new, context));
        let made = boot_and_make(client, identity, new, &first_name, options);
        (made, filling.join().unwrap_or_else(|_| Err(Error::failed("filling a volume ended with a crash"))))
    });
    // By its id from here on: a call of a killed run that still waits in the engine speaks of another one of its name.
    let id = match made? {
        Made::Now(id) => id,
        Made::Before => return filled,
        Made::Refused(error) => return Err(error),
    };
    filled?;
    if !is_whole_at_once {
        if !in_root.is_empty() {
            files::put(client, &id, &in_root, context)?;
        }
        let rename = RenameContainerOptionsBuilder::default().name(&name).build();
        let cannot = || format!("cannot give machine {} its name", machine.name);
        match client.block(client.docker.rename_container(&id, rename))? {
            // The machine of a killed run got it, by a call that was still under way.
            Err(error) if is_conflict(&error) && is_there(client, identity, &machine.name)? => {
                client.block(removal::remove(&client.docker, &id))?.explain(cannot)?;
            }
            answer => answer.explain(cannot)?,
        }
    }
    Ok(())
}

/// What came of making a container.
enum Made {
    /// It is there now, with this id.
    Now(String),
    /// It was there already.
    Before,
    /// The engine does not know a security option that it was asked for.
    Refused(Error),
}

/// Makes the container in the first way to boot it that the engine accepts.
fn boot_and_make(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    name: &str,
    options: Options,
) -> Result<Made> {
    if new.machine.init != Init::Systemd {
        return make(client, identity, new, name, options);
    }
    let engine = Engine::of(client.facts()?, &client.endpoint);
    let mut refused = Made::Refused(Error::failed("docker offers no way to boot systemd"));
    for recipe in boot::recipes(&engine, &identity.machine(&new.machine.name)) {
        let mut options = options.clone();
        boot::follow(&recipe, &mut options.host);
        match make(client, identity, new, name, options)? {
            refusal @ Made::Refused(_) => refused = refusal,
            made => return Ok(made),
        }
    }
    Ok(refused)
}

/// Makes the container.
fn make(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    name: &str,
    mut options: Options,
) -> Result<Made> {
    let machine = &new.machine.name;
    let mut later: HashMap<String, EndpointSettings> = std::mem::take(&mut options.networks);
    let first = options.host.network_mode.clone().unwrap_or_default();
    if client.joins_many_networks() {
        options.networks = std::mem::take(&mut later);
    } else if let Some(endpoint) = later.remove(&first) {
        options.networks.insert(first, endpoint);
    }
    let body = body(options);
    let cannot = || format!("cannot create machine {machine}");
    let mut made = create_call(client, new, name, body.clone())?;
    for _ in 0..TRIES {
        if !made.as_ref().is_err_and(is_conflict) {
            break;
        }
        if is_there(client, identity, machine)? {
            return Ok(Made::Before);
        }
        // A half-made one of ours is in the way; anything else is not ours to remove. One that a killed run's call is making just
        // now has the name before it can be seen.
        match clear_unfinished(client, identity, machine)? {
            Some(false) => break,
            Some(true) => {}
            None => client.block(async { tokio::time::sleep(LOOK_AGAIN).await })?,
        }
        made = create_call(client, new, name, body.clone())?;
    }
    let id = match made {
        Ok(answer) => answer.id,
        Err(error) => {
            let ours = explain(&error, cannot());
            return match &error {
                error if refuses_security_option(error) => Ok(Made::Refused(ours)),
                error if is_conflict(error) => {
                    Err(ours.hint(format!("`docker rm {name}` removes it, when nobody needs it")))
                }
                _ => Err(ours),
            };
        }
    };
    client
        .block(async {
            for (network, endpoint) in later {
                networks::join(&client.docker, &id, &network, endpoint).await?;
            }
            Ok(())
        })?
        .explain(cannot)?;
    Ok(Made::Now(id))
}

fn create_call(
    client: &Client,
    new: &NewMachine<'_>,
    name: &str,
    body: ContainerCreateBody,
) -> Result<super::errors::Answer<bollard::models::ContainerCreateResponse>> {
    let mut query = CreateContainerOptionsBuilder::default().name(name);
    if let Some(platform) = &new.machine.platform {
        query = query.platform(platform);
    }
    client.block(client.docker.create_container(Some(query.build()), body))
}

/// Whether the machine exists and is ours; somebody else's of that name is an error.
pub(super) fn is_there(client: &Client, identity: &Identity, machine: &str) -> Result<bool> {
    let name = identity.machine(machine);
    match is_ours(client, identity, machine)? {
        Some(false) => Err(Error::failed(format!("container {name} exists and is not ours")).hint(format!(
            "rename it with `docker rename {name} NEW`, or use another `name` in the Envfile"
        ))),
        ours => Ok(ours.is_some()),
    }
}

/// Whether what has the machine's name is ours; `None` when nothing has.
pub(super) fn is_ours(client: &Client, identity: &Identity, machine: &str) -> Result<Option<bool>> {
    let labels = labels_of(client, identity, machine)?;
    let name = identity.machine(machine);
    Ok(labels.map(|labels| labels::belongs(Some(&labels), &name, identity, Kind::Machine, machine)))
}

/// The labels of what has the machine's name; `None` when nothing has.
pub(super) fn labels_of(client: &Client, identity: &Identity, machine: &str) -> Result<Option<Labels>> {
    let name = identity.machine(machine);
    let looked = client.block(client.docker.inspect_container(&name, None::<InspectContainerOptions>))?;
    let found = optional(looked).explain(|| format!("cannot look at machine {machine}"))?;
    Ok(found.map(|found| found.config.and_then(|config| config.labels).unwrap_or_default()))
}

/// Removes what a killed run left of a machine that has not got its name yet; `Some(false)` when somebody else has what would be its
/// name until then, `None` when nobody has.
pub(super) fn clear_unfinished(client: &Client, identity: &Identity, machine: &str) -> Result<Option<bool>> {
    let name = identity.machine(machine);
    let unfinished = format!("{name}.new");
    client.block(async {
        let cannot = || format!("cannot remove what is left of machine {machine}");
        let looked = client.docker.inspect_container(&unfinished, None::<InspectContainerOptions>).await;
        let Some(found) = optional(looked).explain(cannot)? else { return Ok(None) };
        let labels = found.config.and_then(|config| config.labels);
        // Its labels are those of the finished machine.
        let is_ours = labels::belongs(labels.as_ref(), &name, identity, Kind::Machine, machine);
        if is_ours {
            // By id: whoever made it may be giving it its name just now.
            removal::remove(&client.docker, &found.id.unwrap_or(unfinished)).await.explain(cannot)?;
        }
        Ok(Some(is_ours))
    })?
}

/// Where SELinux confines machines, folders of the host get a label that they may use. Only the older form of a mount
/// can ask for it.
fn relabel_folders(client: &Client, options: &mut Options) -> Result<()> {
    use bollard::models::MountType;
    let mounts = options.host.mounts.take().unwrap_or_default();
    let is_folder = |mount: &bollard::models::Mount| mount.typ == Some(MountType::BIND);
    let (folders, others): (Vec<_>, Vec<_>) = mounts.into_iter().partition(is_folder);
    if folders.is_empty() || !client.facts()?.has_security("selinux") {
        options.host.mounts = Some(folders.into_iter().chain(others).collect());
        return Ok(());
    }
    let binds = options.host.binds.get_or_insert_default();
    for folder in folders {
        let (source, target) = (folder.source.unwrap_or_default(), folder.target.unwrap_or_default());
        let mode = if folder.read_only == Some(true) { "ro,z" } else { "z" };
        binds.push(format!("{source}:{target}:{mode}"));
    }
    options.host.mounts = Some(others);
    Ok(())
}

fn body(options: Options) -> ContainerCreateBody {
    let ContainerConfig {
        hostname,
        user,
        exposed_ports,
        env,
        cmd,
        image,
        working_dir,
        entrypoint,
        labels,
        stop_signal,
        stop_timeout,
        ..
    } = options.config;
    ContainerCreateBody {
        hostname,
        user,
        exposed_ports,
        env,
        cmd,
        image,
        working_dir,
        entrypoint,
        labels,
        stop_signal,
        stop_timeout,
        host_config: Some(options.host),
        networking_config: Some(NetworkingConfig { endpoints_config: Some(options.networks) }),
        ..ContainerCreateBody::default()
    }
}
