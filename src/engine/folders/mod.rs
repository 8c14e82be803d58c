//! Folders of this host in machines that have a kernel of their own: rsync copies them there, over `envup exec`. What is deleted here is
//! deleted there; what is changed there comes back from nowhere, and the next copy overwrites it.
//!
//! Machines that share this host's kernel see the folders themselves, by their provider.

mod rsync;
mod watch;

pub use watch::watch_folders;

use super::World;
use super::prepare::with_workshop;
use crate::event::{Context, Event};
use crate::model::machine::{Folder, Machine};
use crate::model::{Error, Result};
use crate::provision::Workshop;
use std::collections::BTreeSet;

/// A folder that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<'a> {
    /// The machine.
    pub machine: &'a str,
    /// What was copied.
    pub folder: &'a Folder,
}

/// Copies the folders of these machines, which must run.
pub fn send_folders<'a>(
    world: &'a World,
    machines: &BTreeSet<String>,
    on_sent: &mut dyn FnMut(Sent<'a>) -> Result<()>,
    context: &Context,
) -> Result<()> {
    with_workshop(world, |workshop| {
        for (machine, folder) in copied(world, machines)? {
            rsync::run(machine, folder, workshop, context)?;
            on_sent(Sent { machine: &machine.name, folder })?;
        }
        Ok(())
    })
}

/// Copies all folders of a machine that runs, when its provider does not show them to it.
pub(super) fn send(
    world: &World,
    machine: &Machine,
    workshop: &Workshop<'_>,
    context: &Context,
) -> Result<()> {
    if !are_copied(world, machine)? {
        return Ok(());
    }
    for folder in &machine.sync {
        let what = format!("copying {} to {}", workshop.shown(&folder.host.to_string_lossy()), folder.guest);
        context.emit(Event::Doing { machine: Some(machine.name.clone()), what });
        rsync::run(machine, folder, workshop, context)?;
    }
    Ok(())
}

/// Whether a machine has folders, and they are copied.
pub(super) fn are_copied(world: &World, machine: &Machine) -> Result<bool> {
    Ok(!machine.sync.is_empty() && world.providers.get(&machine.provider)?.capabilities().copies_folders)
}

/// All folders of these machines that are copied; fails when there are none.
fn copied<'a>(world: &'a World, machines: &BTreeSet<String>) -> Result<Vec<(&'a Machine, &'a Folder)>> {
    let mut found = Vec::new();
    let chosen = world.stack.machines.values();
    for machine in chosen.filter(|machine| machines.contains(&machine.name)) {
        if are_copied(world, machine)? {
            found.extend(machine.sync.iter().map(|folder| (machine, folder)));
        }
    }
    if found.is_empty() {
        return Err(Error::usage("none of these machines has folders that are copied")
            .hint("folders of VMs are, by `sync` in the Envfile; containers see theirs as they are"));
    }
    Ok(found)
}
