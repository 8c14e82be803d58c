//! Taking machines and volumes back to a snapshot.
//!
//! A machine is made anew, as the Envfile declares it now, on the disk that was kept; its secrets come from where they always
//! come from. What was kept is looked at before anything is taken away. Whoever is interrupted restores again: the snapshot stays
//! as it is.

use super::baseline::take_baselines;
use super::machine::new_machine;
use super::snapshots::{Subject, called, find, keeper_named, kept_parts};
use super::start::start;
use super::{World, observe, stop, things};
use crate::event::{Context, Event};
use crate::model::observed::Observed;
use crate::model::snapshot::{KeptPart, KeptSnapshot, PartKind};
use crate::model::{Error, Result};
use crate::provider::{Operation, Provider};
use std::collections::BTreeSet;

/// Takes these machines, all of the snapshot when there are none, and their volumes back to how they were. Those that ran then
/// are started.
pub fn restore_snapshot(
    world: &World,
    name: &str,
    machines: &BTreeSet<String>,
    context: &Context,
) -> Result<KeptSnapshot> {
    let mut snapshot = find(world, name)?;
    let observed = observe(world)?.observed;
    let subject = subject(world, &snapshot, machines, &observed)?;
    let parts: Vec<KeptPart> =
        kept_parts(world)?.into_iter().filter(|kept| is_meant(kept, &snapshot, &subject)).collect();
    for kept in &parts {
        verify(world, kept, context)?;
    }
    let there: BTreeSet<String> =
        subject.machines.iter().filter(|name| observed.machine(name).is_some()).cloned().collect();
    if !there.is_empty() {
        stop(world, &there, context)?;
    }
    for machine in &there {
        let provider = world.provider_of(machine, observed.machine(machine))?;
        provider.apply(&world.identity, Operation::RemoveMachine(machine), context)?;
    }
    let (disks, data): (Vec<&KeptPart>, Vec<&KeptPart>) =
        parts.iter().partition(|kept| kept.part.kind == PartKind::Machine);
    for kept in data {
        restore_volume(world, kept, context)?;
    }
    for kept in &disks {
        restore_machine(world, kept, context)?;
    }
    let after = observe(world)?.observed;
    let new = settle(world, &observed, &after, &subject.machines)?;
    let running = disks.iter().filter(|kept| kept.part.running).map(|kept| kept.part.name.clone());
    start(world, &running.collect(), context)?;
    if !new.is_empty() {
        take_baselines(world, &observe(world)?, &new.into_iter().collect(), context);
    }
    snapshot.machines = subject.machines.into_iter().collect();
    snapshot.volumes = subject.volumes.into_iter().collect();
    Ok(snapshot)
}

/// The machines that are meant, which must be in the snapshot and in the Envfile, with their volumes that are in it.
fn subject(
    world: &World,
    snapshot: &KeptSnapshot,
    machines: &BTreeSet<String>,
    observed: &Observed,
) -> Result<Subject> {
    let wanted =
        if machines.is_empty() { snapshot.machines.iter().cloned().collect() } else { machines.clone() };
    for machine in &wanted {
        if !snapshot.machines.contains(machine) {
            return Err(Error::usage(format!("{machine} is not in the snapshot {}", snapshot.name))
                .hint(format!("{} are", snapshot.machines.join(", "))));
        }
        if !world.stack.machines.contains_key(machine) {
            return Err(Error::usage(format!("{machine} is not in the Envfile any more"))
                .hint("name the machines that are to be restored"));
        }
        if observed.machine(machine).is_some_and(|found| found.construction.is_some()) {
            return Err(Error::failed(format!("{machine} is still being made")).hint("`env up` ends that"));
        }
    }
    let mut subject = Subject::with_volumes(world, wanted, observed)?;
    // One that was declared later is none of the snapshot's business.
    subject.volumes.retain(|volume| snapshot.volumes.contains(volume));
    Ok(subject)
}

fn is_meant(kept: &KeptPart, snapshot: &KeptSnapshot, subject: &Subject) -> bool {
    let part = &kept.part;
    let names = match part.kind {
        PartKind::Machine => &subject.machines,
        PartKind::Volume => &subject.volumes,
    };
    part.snapshot == snapshot.name
        && part.begun / 1_000_000_000 == snapshot.created
        && names.contains(&part.name)
}

fn verify(world: &World, kept: &KeptPart, context: &Context) -> Result<()> {
    let what = format!("verifying {}", called(&kept.part));
    context.check(&what)?;
    context.emit(Event::Doing { machine: None, what });
    keeper_named(world, kept.provider)?
        .verify(&world.identity, &kept.part, context)
        .map_err(|error| error.context(format!("cannot restore {}; nothing was changed", called(&kept.part))))
}

fn restore_volume(world: &World, kept: &KeptPart, context: &Context) -> Result<()> {
    let name = &kept.part.name;
    let volume = world.stack.volumes.get(name);
    let volume =
        volume.ok_or_else(|| Error::failed(format!("the volume {name} is not declared any more")))?;
    context.emit(Event::Doing { machine: None, what: format!("restoring {}", called(&kept.part)) });
    let provider = world.providers.get(kept.provider)?;
    for operation in [Operation::RemoveVolume(name), Operation::CreateVolume(volume)] {
        provider.apply(&world.identity, operation, context)?;
    }
    keeper_named(world, kept.provider)?.restore_volume(&world.identity, &kept.part, volume, context)
}

fn restore_machine(world: &World, kept: &KeptPart, context: &Context) -> Result<()> {
    let name = &kept.part.name;
    let machine = world.stack.machines.get(name);
    let machine = machine.ok_or_else(|| Error::failed(format!("{name} is not declared any more")))?;
    let call = |provider: &dyn Provider, operation: Operation<'_>| {
        provider.apply(&world.identity, operation, context)
    };
    things::ensure_networks(world, machine, &call)?;
    context.emit(Event::Doing { machine: Some(name.clone()), what: "restoring its disk".to_owned() });
    // What it was made from the provider knows better than the Envfile of today.
    let new = new_machine(world, machine, "")?;
    keeper_named(world, kept.provider)?.restore_machine(&world.identity, &kept.part, &new, context)
}

/// What is known of the machines before goes on to hold for those that stand in their place; gives those of which nothing was.
fn settle(
    world: &World,
    before: &Observed,
    after: &Observed,
    names: &BTreeSet<String>,
) -> Result<Vec<String>> {
    let mut new = Vec::new();
    for name in names {
        let Some(is) = after.machine(name) else { continue };
        match before.machine(name) {
            Some(was) => {
                world.project.ledgers().forget(&was.engine_id)?;
                world.project.baselines().hand_on(&was.engine_id, &is.engine_id)?;
            }
            None => new.push(name.clone()),
        }
    }
    Ok(new)
}
