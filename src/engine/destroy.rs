//! Taking a stack away: machines, their networks, and volumes only when that was said.

use super::snapshots::{kept_snapshots, remove_all_snapshots};
use super::stop::{each_after_its_users, grace};
use super::{World, existing, observe, ownership, things};
use crate::event::{Context, Event, Outcome};
use crate::model::Result;
use crate::model::observed::{ObservedMachine, ObservedThing};
use crate::provider::Operation;
use std::collections::BTreeSet;

/// What to take away.
#[derive(Debug, Clone, Default)]
pub struct Destroy {
    /// Only these machines; otherwise the whole stack, also what left the Envfile.
    pub machines: Option<BTreeSet<String>>,
    /// The stack's volumes and the data on them too, and its snapshots.
    pub volumes: bool,
}

/// What was taken away, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Destroyed {
    /// Machines.
    pub machines: Vec<String>,
    /// Networks.
    pub networks: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Volumes that are still there.
    pub kept_volumes: Vec<String>,
    /// Snapshots.
    pub snapshots: Vec<String>,
    /// Snapshots that are still there.
    pub kept_snapshots: Vec<String>,
}

/// Takes machines away, those that need others first, and with the last machine the networks.
pub fn destroy(world: &World, options: &Destroy, context: &Context) -> Result<Destroyed> {
    let observed = observe(world)?.observed;
    let all: BTreeSet<String> = observed.machines.iter().map(|machine| machine.name.clone()).collect();
    let whole = options.machines.is_none();
    let meant = options.machines.as_ref().map_or_else(|| all.clone(), |machines| &all & machines);
    let chosen = existing::ours(world, &meant)?;
    // What goes away as a whole need not forget.
    let forgetful = if whole { &[][..] } else { &observed.networks };
    context.emit(Event::Begin { machines: chosen.iter().cloned().collect() });
    ownership::settle_all(world, &observed, context);
    each_after_its_users(world, &chosen, Outcome::Removed, context, &|name| {
        remove(world, name, observed.machine(name), forgetful, context)
    })?;
    for machine in observed.machines.iter().filter(|machine| chosen.contains(&machine.name)) {
        world.project.ledgers().forget(&machine.engine_id)?;
        world.project.baselines().forget(&machine.engine_id, &machine.engine_name)?;
    }
    let mut destroyed = Destroyed { machines: chosen.into_iter().collect(), ..Destroyed::default() };
    if whole {
        // What a kill left of a machine while it was made is no machine yet, and has to go all the same.
        let with_volumes = observed.volumes.iter().filter_map(|volume| volume.machine.as_ref());
        let half_made: BTreeSet<&String> = world.stack.machines.keys().chain(with_volumes).collect();
        for name in half_made.into_iter().filter(|name| !all.contains(*name)) {
            let provider = world.provider_of(name, None)?;
            provider.apply(&world.identity, Operation::RemoveMachine(name), context)?;
        }
        let networks = observed.networks.iter();
        for network in things::in_order_of_removal(world, networks, |network| &network.provider) {
            let provider = world.providers.get(&network.provider)?;
            provider.apply(&world.identity, Operation::RemoveNetwork(&network.name), context)?;
            destroyed.networks.push(network.name.clone());
        }
        // A network that several providers had parts of is one.
        destroyed.networks.sort();
        destroyed.networks.dedup();
    }
    for volume in observed.volumes.iter().filter(|volume| volume.machine.is_none()) {
        if options.volumes && whole {
            let provider = world.providers.get(&volume.provider)?;
            provider.apply(&world.identity, Operation::RemoveVolume(&volume.name), context)?;
            destroyed.volumes.push(volume.name.clone());
        } else {
            destroyed.kept_volumes.push(volume.name.clone());
        }
    }
    if options.volumes && whole {
        destroyed.snapshots = remove_all_snapshots(world)?.into_iter().collect();
    } else {
        destroyed.kept_snapshots = kept_snapshots(world)?.into_iter().map(|kept| kept.name).collect();
    }
    if whole && observed.volumes.is_empty() && destroyed.kept_snapshots.is_empty() {
        world.project.forget_providers(&world.identity.name)?;
    }
    Ok(destroyed)
}

/// Stops a machine, so that it can put its data in order, and removes it; these networks of the stack forget it.
pub fn remove(
    world: &World,
    name: &str,
    observed: Option<&ObservedMachine>,
    networks: &[ObservedThing],
    context: &Context,
) -> Result<()> {
    let provider = world.provider_of(name, observed)?;
    context.emit(Event::Doing { machine: Some(name.to_owned()), what: "stopping".to_owned() });
    provider.apply(&world.identity, Operation::StopMachine { name, grace: grace(world, name) }, context)?;
    context.emit(Event::Doing { machine: Some(name.to_owned()), what: "removing".to_owned() });
    provider.apply(&world.identity, Operation::RemoveMachine(name), context)?;
    things::dismiss(world, networks, provider.name(), name)
}
