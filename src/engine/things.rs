//! Who makes networks and volumes: the providers of the machines that use them. A network of several providers lies on the ground of
//! one of them, and its machines get their places there.

use super::World;
use crate::model::action::{Target, Verb};
use crate::model::machine::Machine;
use crate::model::observed::ObservedThing;
use crate::model::{Error, Result};
use crate::plan::Action;
use crate::provider::{Ground, Grounds, Operation, Place, Provider};
use std::collections::{BTreeMap, BTreeSet};

/// The providers that have a network of the stack, the one whose ground it is first.
pub fn makers_of_network<'a>(world: &'a World, name: &str) -> Result<Vec<&'a dyn Provider>> {
    let mut makers = makers(world, &world.stack.providers_in_network(name))?;
    makers.sort_by_key(|provider| provider.grounds().is_none());
    if let [first, second, ..] = makers.as_slice()
        && (first.grounds().is_none() || second.grounds().is_some())
    {
        return Err(Error::usage(format!(
            "machines of {} and {} cannot share network {name}",
            first.name(),
            second.name()
        ))
        .hint("give them networks of their own with `networks`"));
    }
    Ok(makers)
}

/// The provider that has a volume of the stack.
pub fn maker_of_volume<'a>(world: &'a World, name: &str) -> Result<&'a dyn Provider> {
    match makers(world, &world.stack.providers_of_volume(name))?.as_slice() {
        [one] => Ok(*one),
        several => {
            let names: Vec<&str> = several.iter().map(|provider| provider.name()).collect();
            Err(Error::usage(format!("machines of {} cannot share volume {name}", names.join(" and ")))
                .hint("a volume is one provider's: give each machine its own"))
        }
    }
}

/// What nobody uses yet the first provider of the stack makes.
fn makers<'a>(world: &'a World, users: &BTreeSet<&str>) -> Result<Vec<&'a dyn Provider>> {
    let makers: Vec<&dyn Provider> =
        users.iter().map(|name| world.providers.get(name)).collect::<Result<_>>()?;
    if makers.is_empty() { Ok(vec![world.provider_of_things()?]) } else { Ok(makers) }
}

/// Makes one network or volume, or makes it anew: all that its providers have to do for it.
pub fn make(
    world: &World,
    mut parts: Vec<&Action>,
    call: &dyn Fn(&dyn Provider, Operation<'_>) -> Result<()>,
) -> Result<()> {
    // What lies on another one's ground goes first and comes last.
    parts.sort_by_key(|action| !is_ground(world, &action.provider));
    let anew = |action: &&&Action| action.verb == Verb::Replace && action.target == Target::Network;
    for action in parts.iter().rev().filter(anew) {
        call(world.providers.get(&action.provider)?, Operation::RemoveNetwork(&action.name))?;
    }
    for action in parts {
        let provider = world.providers.get(&action.provider)?;
        if action.target == Target::Volume {
            let Some(volume) = world.stack.volumes.get(&action.name) else { continue };
            call(provider, Operation::CreateVolume(volume))?;
        } else {
            let Some(network) = world.stack.networks.get(&action.name) else { continue };
            let ground = ground_below(world, provider, &action.name)?;
            call(provider, Operation::CreateNetwork { network, ground: ground.as_ref() })?;
        }
    }
    Ok(())
}

/// Makes sure that the networks of a machine are there, whose providers take what is there already.
pub fn ensure_networks(
    world: &World,
    machine: &Machine,
    call: &dyn Fn(&dyn Provider, Operation<'_>) -> Result<()>,
) -> Result<()> {
    let declared = machine.networks.keys().filter_map(|name| world.stack.networks.get(name));
    for network in declared.filter(|network| network.external.is_none()) {
        for provider in makers_of_network(world, &network.name)? {
            let ground = ground_below(world, provider, &network.name)?;
            call(provider, Operation::CreateNetwork { network, ground: ground.as_ref() })?;
        }
    }
    Ok(())
}

/// Where a network lies that another provider makes.
fn ground_below(world: &World, provider: &dyn Provider, network: &str) -> Result<Option<Ground>> {
    let grounds = below(world, provider.name(), network)?;
    grounds.map(|grounds| grounds.ground(&world.identity, network)).transpose()
}

/// The places of a machine in the networks that lie on another provider's ground; networks must be there.
pub fn places<'a>(world: &World, machine: &'a Machine) -> Result<BTreeMap<&'a str, Option<Place>>> {
    let mut places = BTreeMap::new();
    for name in machine.networks.keys().filter(|name| world.stack.is_shared(name)) {
        if let Some(grounds) = below(world, &machine.provider, name)? {
            places.insert(name.as_str(), Some(grounds.admit(&world.identity, name, machine)?));
        }
    }
    Ok(places)
}

/// What a provider's part of a network lies on, when that is another provider's.
fn below<'a>(world: &'a World, provider: &str, network: &str) -> Result<Option<&'a dyn Grounds>> {
    let makers = makers_of_network(world, network)?;
    Ok(makers.first().filter(|first| first.name() != provider).and_then(|first| first.grounds()))
}

/// Has networks of other providers than its own forget a machine that is gone.
pub fn dismiss(world: &World, networks: &[ObservedThing], own: &str, machine: &str) -> Result<()> {
    let others: BTreeSet<&str> =
        networks.iter().map(|network| network.provider.as_str()).filter(|name| *name != own).collect();
    for other in others {
        if let Some(grounds) = world.providers.get(other)?.grounds() {
            grounds.dismiss(&world.identity, machine)?;
        }
    }
    Ok(())
}

/// Networks in the order in which they can be removed: what lies on another provider's ground goes first.
pub fn in_order_of_removal<'a, T>(
    world: &World,
    networks: impl Iterator<Item = &'a T>,
    provider: impl Fn(&T) -> &str,
) -> Vec<&'a T> {
    let mut networks: Vec<&T> = networks.collect();
    networks.sort_by_key(|network| is_ground(world, provider(network)));
    networks
}

fn is_ground(world: &World, provider: &str) -> bool {
    world.providers.get(provider).is_ok_and(|provider| provider.grounds().is_some())
}
