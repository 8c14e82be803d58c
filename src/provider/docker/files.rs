//! Secrets and configs of a machine: where they lie, and how they get there.
//!
//! Secrets lie in a volume of the machine that it can only read: a box's for root alone, because many users live in it;
//! an image machine's for everybody in it, because it is one program, and only the image knows the user it runs as.
//! Configs lie in the machine's own disk. Where that is read-only they lie in a volume too, and each is bound from there
//! to its place, which works with remote engines as well.

use super::client::Client;
use super::errors::Explain;
use super::fields::SECRETS;
use super::filler::{self, Entry, Filled};
use super::labels::{self, Kind};
use super::options::Options;
use super::transport::upload;
use super::{create, volumes};
use crate::event::Context;
use crate::model::Result;
use crate::model::id::Identity;
use crate::provider::{NewMachine, PlacedFile};
use bollard::models::{Mount, MountType, MountVolumeOptions, VolumeCreateRequest};
use std::time::Duration;

/// Permissions of configs.
const CONFIG_MODE: u32 = 0o644;

/// The files that lie in the machine's own disk.
pub(super) fn in_root<'a>(new: &'a NewMachine<'_>) -> impl Iterator<Item = &'a PlacedFile> {
    new.files.iter().filter(|file| !file.secret && !new.machine.read_only)
}

/// Whether the machine has secrets.
pub(super) fn has_secrets(new: &NewMachine<'_>) -> bool {
    new.files.iter().any(|file| file.secret)
}

/// Adds the volumes that hold files of the machine to its options, those with configs filled. Its secrets are another call.
pub(super) fn add_volumes(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    options: &mut Options,
    context: &Context,
) -> Result<()> {
    let mounts = options.host.mounts.get_or_insert_default();
    if has_secrets(new) {
        start_afresh(client, identity, Kind::Secrets, new)?;
        mounts.push(mount(identity, new, Kind::Secrets, SECRETS, true));
    }
    if new.machine.read_only && new.files.iter().any(|file| !file.secret) {
        start_afresh(client, identity, Kind::Configs, new)?;
        mounts.extend(bound_configs(client, identity, new, context)?);
    }
    Ok(())
}

/// Removes what a killed run may have left: a secret that is no longer declared must not come back.
fn start_afresh(client: &Client, identity: &Identity, kind: Kind, new: &NewMachine<'_>) -> Result<()> {
    let remove = || client.block(volumes::remove_kind(client, identity, kind, &new.machine.name));
    if remove()?.is_err() {
        create::clear_unfinished(client, identity, &new.machine.name)?;
        // In use means now that the machine is there already, and so are its files.
        let _ = remove()?;
    }
    Ok(())
}

/// Puts the machine's secrets, if it has any, into their volume; used for a living machine too.
pub(super) fn fill_secrets(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    context: &Context,
) -> Result<()> {
    if !has_secrets(new) {
        return Ok(());
    }
    let mode = if new.machine.is_box() { 0o400 } else { 0o444 };
    let secrets = new.files.iter().filter(|file| file.secret);
    let entries: Vec<Entry<'_>> = secrets
        .map(|file| {
            let path = file.path.strip_prefix(SECRETS).unwrap_or(&file.path).to_owned();
            Entry { path, mode, bytes: &file.content }
        })
        .collect();
    let mount = mount(identity, new, Kind::Secrets, filler::TARGET, false);
    fill(client, new, mount, &entries, context)
}

/// One read-only file mount for each config, out of a volume that holds them all.
fn bound_configs(
    client: &Client,
    identity: &Identity,
    new: &NewMachine<'_>,
    context: &Context,
) -> Result<Vec<Mount>> {
    let configs: Vec<&PlacedFile> = new.files.iter().filter(|file| !file.secret).collect();
    let named = |(index, file): (usize, &&PlacedFile)| (format!("{index}"), file.path.clone());
    let names: Vec<(String, String)> = configs.iter().enumerate().map(named).collect();
    let entries: Vec<Entry<'_>> = configs
        .iter()
        .zip(&names)
        .map(|(file, (name, _))| Entry { path: name.clone(), mode: CONFIG_MODE, bytes: &file.content })
        .collect();
    let request = VolumeCreateRequest {
        name: Some(Kind::Configs.engine_name(identity, &new.machine.name)),
        labels: Some(labels::common(identity, new.environment, Kind::Configs, &new.machine.name)),
        ..VolumeCreateRequest::default()
    };
    let volume = client
        .block(client.docker.create_volume(request))?
        .explain(|| format!("cannot make a volume for the configs of machine {}", new.machine.name))?;
    fill(client, new, mount(identity, new, Kind::Configs, filler::TARGET, false), &entries, context)?;
    let bound = names.into_iter().map(|(name, path)| Mount {
        typ: Some(MountType::BIND),
        source: Some(format!("{}/{name}", volume.mountpoint)),
        target: Some(path),
        read_only: Some(true),
        ..Mount::default()
    });
    Ok(bound.collect())
}

fn fill(
    client: &Client,
    new: &NewMachine<'_>,
    mount: Mount,
    entries: &[Entry<'_>],
    context: &Context,
) -> Result<()> {
    let archive = filler::archive(entries)?;
    // The stack is locked, so another filler is one that a killed run left behind.
    let patience = Duration::ZERO;
    while filler::fill(client, new.image, mount.clone(), archive.clone(), patience, context)?
        == Filled::ByAnother
    {}
    Ok(())
}

/// The mount of a volume that goes with the machine, with the labels it gets when the engine makes it.
fn mount(identity: &Identity, new: &NewMachine<'_>, kind: Kind, target: &str, read_only: bool) -> Mount {
    let machine = &new.machine.name;
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(kind.engine_name(identity, machine)),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            labels: Some(labels::common(identity, new.environment, kind, machine)),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    }
}

/// Puts configs into a machine's own disk, whether it runs or not.
pub(super) fn put(client: &Client, container: &str, files: &[&PlacedFile], context: &Context) -> Result<()> {
    let entries: Vec<Entry<'_>> = files
        .iter()
        .map(|file| Entry { path: file.path.clone(), mode: CONFIG_MODE, bytes: &file.content })
        .collect();
    let archive = filler::archive(&entries)?;
    client.wait(context, "copying configs", upload(client, container, &mut archive.as_slice(), "/"))
}
