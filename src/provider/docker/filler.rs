//! Fills a volume through a container that is made from a machine's own image, never started, and removed at once.
//!
//! Archives cannot be put through a read-only mount, so what machines only read comes in this way.

use super::client::Client;
use super::errors::{Answer, Explain, is_conflict, optional};
use super::labels::{self, Kind};
use super::removal;
use super::transport::upload;
use crate::event::Context;
use crate::model::Result;
use crate::model::error::Attempt;
use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, Mount};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use std::time::Duration;

/// Where the volume is seen in the filler.
pub(super) const TARGET: &str = "/envup";

/// Time between two looks at another filler.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// One file to put somewhere.
pub(super) struct Entry<'a> {
    /// Where, relative to the directory the archive is unpacked in.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) bytes: &'a [u8],
}

/// How filling went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// It is filled.
    Done,
    /// Another process was filling it; it is done, or its leftovers are gone.
    ByAnother,
}

/// An archive of some files, owned by root.
pub(super) fn archive(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        let path = entry.path.trim_start_matches('/');
        builder
            .append_data(&mut header, path, entry.bytes)
            .attempt(|| format!("cannot put {path} into an archive"))?;
    }
    builder.into_inner().attempt(|| "cannot finish an archive")
}

/// A container that only gives a way to what is mounted in it.
pub(super) fn never_run(image: &str, name: &str, mounts: Vec<Mount>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        // An image without a command could not be used without one.
        entrypoint: Some(vec!["/never-started".to_owned()]),
        labels: Some(labels::shared(Kind::Filler, name)),
        host_config: Some(HostConfig {
            mounts: Some(mounts),
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Puts an archive into the volume of `mount`, which must be mounted writable at [`TARGET`]; the mount makes the volume
/// when it is not there. Another filler of the same volume that takes longer than `patience` was left behind.
pub(super) fn fill(
    client: &Client,
    image: &str,
    mount: Mount,
    archive: Vec<u8>,
    patience: Duration,
    context: &Context,
) -> Result<Filled> {
    let name = name_for(mount.source.as_deref().unwrap_or_default());
    let query = CreateContainerOptionsBuilder::default().name(&name).build();
    let body = never_run(image, &name, vec![mount]);
    let made = client.block(client.docker.create_container(Some(query), body))?;
    if let Err(error) = &made
        && is_conflict(error)
    {
        wait_for_other(client, &name, patience, context)?;
        return Ok(Filled::ByAnother);
    }
    // By its id: a killed run's call that still waits in the engine speaks of another one of its name.
    let id = made.explain(|| format!("cannot make a container to fill {name}"))?.id;
    let put = client.block(upload(client, &id, &mut archive.as_slice(), TARGET))?;
    remove(client, &id)?;
    put.map(|()| Filled::Done)
}

/// Waits until another process's filler is gone; one that stays was left behind by a killed run and is removed.
fn wait_for_other(client: &Client, name: &str, patience: Duration, context: &Context) -> Result<()> {
    let patience = context.within(patience);
    loop {
        let looked = client.block(client.docker.inspect_container(name, None))?;
        let found = optional(looked).explain(|| format!("cannot look at container {name}"))?;
        let Some(id) = found.map(|found| found.id.unwrap_or_else(|| name.to_owned())) else { return Ok(()) };
        if patience.sleep(LOOK_AGAIN, "waiting for another `env` to fill a volume").is_err() {
            context.check("waiting for another `env` to fill a volume")?;
            return remove(client, &id);
        }
    }
}

pub(super) fn name_for(volume: &str) -> String {
    format!("{volume}.filler")
}

/// Removes the filler of a volume that a killed run left behind, when there is one and it is ours.
pub(super) async fn clear(docker: &Docker, volume: &str) -> Answer<()> {
    let name = name_for(volume);
    let Some(found) = optional(docker.inspect_container(&name, None).await)? else { return Ok(()) };
    let labels = found.config.and_then(|config| config.labels);
    if labels::name(labels.as_ref()) == Some(&name) {
        removal::remove(docker, &found.id.unwrap_or(name)).await?;
    }
    Ok(())
}

fn remove(client: &Client, id: &str) -> Result<()> {
    client.block(removal::remove(&client.docker, id))?.explain(|| format!("cannot remove container {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_relative_paths_and_modes() {
        let bytes = archive(&[Entry { path: "/etc/app.conf".into(), mode: 0o640, bytes: b"on" }]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("etc/app.conf"));
        assert_eq!((entry.header().mode().unwrap(), entry.header().uid().unwrap()), (0o640, 0));
    }
}
