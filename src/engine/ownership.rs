//! The host's user owns what machines write into `sync` folders: what root of a machine made there is handed to the folder's
//! owner, who could not change or delete it otherwise.
//!
//! Settled after every command of ours and before a machine goes, not while services run. Looking is this host's business and
//! costs no call to an engine; only a machine can do the handing over, because `env` is not root. Where engines map users
//! nothing belongs to root here, and nothing is done.

use super::{World, folders, observe};
use crate::event::{Context, Event};
use crate::model::machine::{Folder, Machine};
use crate::model::observed::{Observed, ObservedMachine, State};
use crate::model::{Kind, Result};
use crate::transport::agent;
use envup_agent::{OwnRequest, Reply, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Settles the folders of one machine after a command in it; what does not work is a note.
pub fn settle(world: &World, machine: &str, context: &Context) {
    let Some(machine) = world.stack.machines.get(machine).filter(|machine| sees_folders(world, machine))
    else {
        return;
    };
    let mut seen = Seen::default();
    if machine.sync.iter().any(|folder| seen.youngest(machine, folder).is_some()) {
        let settled = observe(world).map(|view| view.observed);
        tell(
            machine,
            settled.and_then(|observed| one(world, machine, &observed, &mut seen, context)),
            context,
        );
    }
}

/// Settles the folders of all machines that were just seen to run.
pub fn settle_all(world: &World, observed: &Observed, context: &Context) {
    let mut seen = Seen::default();
    for machine in world.stack.machines.values().filter(|machine| sees_folders(world, machine)) {
        tell(machine, one(world, machine, observed, &mut seen, context), context);
    }
}

/// A machine with copies of them writes into no folder of this host.
fn sees_folders(world: &World, machine: &Machine) -> bool {
    folders::are_copied(world, machine).is_ok_and(|are_copied| !are_copied)
}

fn tell(machine: &Machine, settled: Result<()>, context: &Context) {
    // Who interrupts knows that not all was done.
    if let Some(error) = settled.err().filter(|error| error.kind != Kind::Interrupted) {
        let text = format!("what {} wrote into its folders still belongs to root: {error}", machine.name);
        context.emit(Event::Note { text });
    }
}

fn one<'a>(
    world: &World,
    machine: &'a Machine,
    observed: &Observed,
    seen: &mut Seen<'a>,
    context: &Context,
) -> Result<()> {
    let is_running = |observed: &&ObservedMachine| observed.state == State::Running;
    let Some(running) = observed.machine(&machine.name).filter(is_running) else { return Ok(()) };
    let Some(created) = running.created else { return Ok(()) };
    for folder in &machine.sync {
        if seen.youngest(machine, folder).is_some_and(|time| time >= created) {
            let transport =
                world.provider_of(&machine.name, Some(running))?.connect(&world.identity, &machine.name)?;
            let request = Request::Own(OwnRequest { folder: folder.guest.clone(), since: created });
            match agent::call(transport.as_ref(), request, &mut |_| {}, context)? {
                Reply::Own(reply) if reply.refused > 0 => {
                    let text = format!(
                        "{} things below {} still belong to root: {} may not give them away",
                        reply.refused,
                        folder.host.display(),
                        machine.name
                    );
                    context.emit(Event::Note { text });
                }
                Reply::Own(_) => {}
                other => return Err(agent::unexpected(&other)),
            }
        }
    }
    Ok(())
}

/// What was found in folders of this host, apart from places below them: several machines often have the same one.
#[derive(Default)]
struct Seen<'a>(BTreeMap<(&'a Path, BTreeSet<PathBuf>), Option<i64>>);

impl<'a> Seen<'a> {
    /// When what belongs to root in a folder of somebody else changed last, in nanoseconds of Unix time; `None` when nothing does.
    fn youngest(&mut self, machine: &Machine, folder: &'a Folder) -> Option<i64> {
        if folder.read_only {
            return None;
        }
        let key = (folder.host.as_path(), covered(machine, folder));
        let (host, covered) = (key.0, key.1.clone());
        *self.0.entry(key).or_insert_with(|| youngest_of_root(host, &covered))
    }
}

/// Where the machine has mounted something else: for these the engine made empty directories of root's in the folder, which
/// the machine cannot see.
fn covered(machine: &Machine, folder: &Folder) -> BTreeSet<PathBuf> {
    let volumes = machine.volumes.iter().map(|mount| &mount.path);
    let others = machine.sync.iter().map(|other| &other.guest).chain(machine.tmpfs.keys());
    let below =
        |path: &String| Path::new(path).strip_prefix(&folder.guest).ok().map(|rest| folder.host.join(rest));
    volumes.chain(others).filter_map(below).collect()
}

fn youngest_of_root(folder: &Path, covered: &BTreeSet<PathBuf>) -> Option<i64> {
    if folder.metadata().ok()?.uid() == 0 {
        return None;
    }
    let entries = walkdir::WalkDir::new(folder).same_file_system(true).into_iter();
    let seen = entries.filter_entry(|entry| entry.depth() == 0 || !covered.contains(entry.path())).flatten();
    let found = seen.filter_map(|entry| entry.metadata().ok());
    found.filter(|found| found.uid() == 0).map(|found| changed(&found)).max()
}

fn changed(found: &Metadata) -> i64 {
    found.ctime().saturating_mul(1_000_000_000).saturating_add(found.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::chown;

    #[test]
    fn only_what_belongs_to_root_in_a_folder_of_somebody_else_counts() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("log")).unwrap();
        let path = place.path().join("log/today");
        fs::write(&path, "x").unwrap();
        let give = |user| {
            for path in [&path, &place.path().join("log"), place.path()] {
                chown(path, Some(user), Some(user)).unwrap();
            }
        };
        give(0);
        let look = |folder: &Path| youngest_of_root(folder, &BTreeSet::new());
        assert_eq!(look(place.path()), None, "its own");
        give(1000);
        assert_eq!(look(place.path()), None, "nothing of root");
        chown(&path, Some(0), Some(0)).unwrap();
        assert_eq!(look(place.path()), Some(changed(&path.metadata().unwrap())));
        assert_eq!(youngest_of_root(place.path(), &[path].into()), None, "something else is mounted there");
        assert_eq!(look(&place.path().join("none")), None, "not there");
    }
}
