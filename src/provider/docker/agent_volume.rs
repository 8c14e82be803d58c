//! The agent's volume: made and filled once on each engine, mounted read-only in every machine. This host's own certificate
//! authorities lie beside it.

use super::authorities;
use super::client::Client;
use super::errors::{Explain, optional};
use super::filler::{self, Entry, Filled};
use super::labels::{self, Kind};
use super::options::Options;
use crate::event::Context;
use crate::model::Result;
use crate::model::digest::{Digester, short};
use crate::transport::agent::{AGENT, AGENT_DIGEST, AGENT_DIRECTORY};
use bollard::models::{Mount, MountType, MountVolumeOptions};
use bollard::query_parameters::{ContainerArchiveInfoOptionsBuilder, InspectContainerOptions};
use std::cell::LazyCell;
use std::sync::PoisonError;
use std::time::Duration;

/// The agent's file in it.
const FILE: &str = "envup-agent";

/// How long another process may take to fill it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where it is mounted.
pub(super) const MOUNT: &str = AGENT_DIRECTORY;

/// The volume's name: it holds the digest, so that machines made by an older `env`, or before this host trusted others, keep
/// what they had.
pub(super) fn name() -> String {
    let mut digester = Digester::new("agent volume/1");
    digester.part(AGENT_DIGEST.as_str());
    for entry in authorities::entries() {
        digester.part(entry.path).part(entry.bytes);
    }
    format!("envup-agent-{}", short(&digester.finish()))
}

/// The mount, with the labels that the volume gets when the engine makes it.
pub(super) fn mount(target: &str, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            labels: Some(labels::shared(Kind::Agent, &name())),
            ..MountVolumeOptions::default()
        }),
        ..Mount::default()
    }
}

/// Adds the agent to a machine.
pub(super) fn add_mount(options: &mut Options) {
    options.host.mounts.get_or_insert_default().push(mount(MOUNT, true));
}

/// Makes sure that the agent is in its volume, before a machine that uses it starts.
///
/// The truth is asked once in a process: is the file there, as long as it must be? Two processes do not disturb each
/// other: filling goes on under a container name that only one can have, and the other waits and looks again.
pub(super) fn ensure(client: &Client, container: &str, context: &Context) -> Result<()> {
    let mut is_there = client.agent_is_there.lock().unwrap_or_else(PoisonError::into_inner);
    let archive = LazyCell::new(|| filler::archive(&entries()));
    while !*is_there && !is_filled(client, container)? {
        let image = image_of(client, container)?;
        let mount = mount(filler::TARGET, false);
        match filler::fill(client, &image, mount, archive.clone()?, PATIENCE, context)? {
            Filled::Done => *is_there = true,
            Filled::ByAnother => {}
        }
    }
    *is_there = true;
    Ok(())
}

/// What goes in. Last an empty file of the volume's own name: where it is, everything is.
fn entries() -> Vec<Entry<'static>> {
    let mut entries = authorities::entries();
    entries.push(Entry { path: FILE.to_owned(), mode: 0o755, bytes: AGENT });
    entries.push(Entry { path: name(), mode: 0o644, bytes: b"" });
    entries
}

fn is_filled(client: &Client, container: &str) -> Result<bool> {
    let mark = format!("{MOUNT}/{}", name());
    let options = ContainerArchiveInfoOptionsBuilder::default().path(&mark).build();
    let answer = client.block(client.docker.get_container_archive_info(container, Some(options)))?;
    Ok(optional(answer).explain(|| "cannot look for the agent")?.is_some())
}

fn image_of(client: &Client, container: &str) -> Result<String> {
    let found = client
        .block(client.docker.inspect_container(container, None::<InspectContainerOptions>))?
        .explain(|| "cannot look at the machine that needs the agent")?;
    Ok(found.image.unwrap_or_default())
}
