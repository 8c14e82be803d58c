//! Snapshots of a stack: taking one while its machines are stopped, and what is kept.

use super::start::start;
use super::{World, existing, observe, stop, things};
use crate::event::{Cancel, Context, Event};
use crate::model::id::why_bad_name;
use crate::model::observed::{Observed, State};
use crate::model::snapshot::{KeptPart, KeptSnapshot, Part, PartKind, snapshots};
use crate::model::{Error, Result};
use crate::provider::Snapshots;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// Keeps the disks of these machines, of all when there are none, and what is on their volumes. Machines that run are stopped
/// meanwhile, and started again also when it fails.
pub fn save_snapshot(
    world: &World,
    name: &str,
    machines: &BTreeSet<String>,
    context: &Context,
) -> Result<KeptSnapshot> {
    if let Some(why) = why_bad_name(name) {
        return Err(Error::usage(format!("the name of a snapshot {why}: `{name}`")));
    }
    let observed = observe(world)?.observed;
    let subject = Subject::of(world, &observed, machines)?;
    if kept_snapshots(world)?.iter().any(|kept| kept.name == name && kept.complete) {
        return Err(Error::usage(format!("there is a snapshot {name} already"))
            .hint(format!("`env snapshot remove {name}` lets go of it, or take another name")));
    }
    // What a killed run left of one.
    remove_parts(world, |part| part.snapshot == name)?;
    let parts = subject.parts(name, &observed);
    let running: BTreeSet<String> =
        parts.iter().filter(|part| part.running).map(|part| part.name.clone()).collect();
    if !running.is_empty() {
        stop(world, &running, context)?;
    }
    let saved = parts.iter().try_for_each(|part| {
        let what = format!("keeping {}", called(part));
        context.check(&what)?;
        context.emit(Event::Doing { machine: None, what });
        keeper(world, &observed, part)?.save(&world.identity, part, context)
    });
    if saved.is_err() {
        let begun = parts.first().map_or(0, |part| part.begun);
        // The failure itself is what is told.
        let _ = remove_parts(world, |part| part.snapshot == name && part.begun == begun);
    }
    // Also when somebody interrupts: nobody asked for a stack that is down.
    let started = start(world, &running, &context.cancelled_by(Cancel::default()));
    saved.and(started)?;
    remember(world)?;
    find(world, name)
}

/// The snapshots of the stack, the oldest first.
pub fn kept_snapshots(world: &World) -> Result<Vec<KeptSnapshot>> {
    Ok(snapshots(&kept_parts(world)?))
}

/// Lets go of a snapshot, also of what a killed run left of one.
pub fn remove_snapshot(world: &World, name: &str) -> Result<()> {
    match remove_parts(world, |part| part.snapshot == name)? {
        0 => Err(unknown(world, name)),
        _ => remember(world),
    }
}

/// Lets go of all snapshots of the stack; gives their names.
pub fn remove_all_snapshots(world: &World) -> Result<BTreeSet<String>> {
    let names = kept_parts(world)?.into_iter().map(|kept| kept.part.snapshot).collect();
    remove_parts(world, |_| true)?;
    remember(world)?;
    Ok(names)
}

fn remember(world: &World) -> Result<()> {
    let names: Vec<String> = kept_snapshots(world)?.into_iter().map(|kept| kept.name).collect();
    world.project.remember_snapshots(&world.identity.name, &names)
}

/// A snapshot of this name that is complete.
pub fn find(world: &World, name: &str) -> Result<KeptSnapshot> {
    let mut named: Vec<KeptSnapshot> = kept_snapshots(world)?;
    named.retain(|kept| kept.name == name);
    let Some(any) = named.first().cloned() else { return Err(unknown(world, name)) };
    named.into_iter().find(|kept| kept.complete).ok_or_else(|| {
        let there = [any.machines, any.volumes].concat().join(", ");
        Error::failed(format!("the snapshot {name} is not complete: only {there} is there"))
            .hint(format!("it was being made, or removed, when that was ended; `env snapshot remove {name}`"))
    })
}

/// All parts that are kept of the stack.
pub fn kept_parts(world: &World) -> Result<Vec<KeptPart>> {
    let mut parts = Vec::new();
    for (_, snapshots) in keepers(world)? {
        parts.append(&mut snapshots.list(&world.identity)?);
    }
    Ok(parts)
}

/// What a part is of, for people.
pub fn called(part: &Part) -> String {
    match part.kind {
        PartKind::Machine => format!("the disk of {}", part.name),
        PartKind::Volume => format!("the data on {}", part.name),
    }
}

/// Machines, and the volumes that they and no others use.
pub struct Subject {
    pub machines: BTreeSet<String>,
    pub volumes: BTreeSet<String>,
}

impl Subject {
    /// These machines as far as they exist, or all.
    pub fn of(world: &World, observed: &Observed, machines: &BTreeSet<String>) -> Result<Self> {
        let there = |name: &&String| observed.machine(name).is_some_and(|found| found.construction.is_none());
        let declared: BTreeSet<String> = world.stack.machines.keys().filter(there).cloned().collect();
        let wanted = if machines.is_empty() { declared.clone() } else { machines.clone() };
        if let Some(name) = wanted.iter().find(|name| !declared.contains(*name)) {
            return Err(Error::usage(format!("{name} does not exist as the Envfile declares it"))
                .hint("`env up` makes it"));
        }
        let machines = existing::ours(world, &wanted)?;
        if machines.is_empty() {
            return Err(Error::failed("no machine is there").hint("`env up` makes them"));
        }
        Self::with_volumes(world, machines, observed)
    }

    /// These machines with their volumes. One that another machine uses too would be taken away under its feet.
    pub fn with_volumes(world: &World, machines: BTreeSet<String>, observed: &Observed) -> Result<Self> {
        let volumes: BTreeSet<String> =
            machines.iter().flat_map(|name| mounted(world, name)).cloned().collect();
        let others = observed.machines.iter().map(|machine| &machine.name);
        for other in others.filter(|name| !machines.contains(*name)) {
            if let Some(volume) = mounted(world, other).find(|name| volumes.contains(*name)) {
                return Err(Error::usage(format!("{other} uses the volume {volume} too"))
                    .hint(format!("name {other} besides, or no machine for the whole stack")));
            }
        }
        Ok(Self { machines, volumes })
    }

    fn parts(&self, snapshot: &str, observed: &Observed) -> Vec<Part> {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let begun = u64::try_from(begun).unwrap_or(u64::MAX);
        let parts = self.machines.len() + self.volumes.len();
        let part = |kind, name: &String| Part {
            snapshot: snapshot.to_owned(),
            begun,
            parts,
            kind,
            name: name.clone(),
            running: kind == PartKind::Machine
                && observed.machine(name).is_some_and(|found| found.state == State::Running),
        };
        let machines = self.machines.iter().map(|name| part(PartKind::Machine, name));
        machines.chain(self.volumes.iter().map(|name| part(PartKind::Volume, name))).collect()
    }
}

/// The volumes of the stack itself that a machine uses.
fn mounted<'w>(world: &'w World, machine: &str) -> impl Iterator<Item = &'w String> {
    let declared = world.stack.machines.get(machine).into_iter();
    let names = declared.flat_map(|machine| &machine.volumes).filter_map(|mount| mount.volume.as_ref());
    names.filter(|name| world.stack.volumes.get(*name).is_none_or(|volume| volume.external.is_none()))
}

/// What keeps a part: the provider that has the machine or volume.
fn keeper<'w>(world: &'w World, observed: &Observed, part: &Part) -> Result<&'w dyn Snapshots> {
    let provider = match part.kind {
        PartKind::Machine => world.provider_of(&part.name, observed.machine(&part.name))?,
        PartKind::Volume => {
            let found = observed.volumes.iter().find(|volume| volume.name == part.name);
            match found {
                Some(volume) => world.providers.get(&volume.provider)?,
                None => things::maker_of_volume(world, &part.name)?,
            }
        }
    };
    provider.snapshots().ok_or_else(|| {
        Error::usage(format!("{} keeps no snapshots of {}", provider.name(), called(part)))
            .hint("name the machines that a snapshot is to be taken of")
    })
}

/// The provider that keeps a part.
pub fn keeper_named<'w>(world: &'w World, name: &str) -> Result<&'w dyn Snapshots> {
    let found = keepers(world)?.into_iter().find(|(provider, _)| *provider == name);
    found.map(|(_, snapshots)| snapshots).ok_or_else(|| Error::failed(format!("{name} keeps no snapshots")))
}

fn keepers(world: &World) -> Result<Vec<(&'static str, &dyn Snapshots)>> {
    let providers = world.providers.of(&world.stack)?.into_iter();
    let usable = providers.filter(|provider| {
        // Where nothing of the stack was ever made, nothing is kept.
        !provider.capabilities().optional || world.uses(provider.name()) || provider.check().is_ok()
    });
    Ok(usable.filter_map(|provider| Some((provider.name(), provider.snapshots()?))).collect())
}

fn remove_parts(world: &World, which: impl Fn(&Part) -> bool) -> Result<usize> {
    let mut removed = 0;
    for (_, snapshots) in keepers(world)? {
        for kept in snapshots.list(&world.identity)?.iter().filter(|kept| which(&kept.part)) {
            snapshots.remove(&world.identity, &kept.part)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn unknown(world: &World, name: &str) -> Error {
    let known = kept_snapshots(world).unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|kept| kept.name.as_str()).collect();
    let error = Error::usage(format!("{} has no snapshot {name}", world.stack.name));
    match names.is_empty() {
        true => error.hint("`env snapshot save NAME` takes one"),
        false => error.hint(format!("it has {}", names.join(", "))),
    }
}
