//! The fingerprint of a machine of the stack: one call of the agent, with what is known of its files from the last time.

use super::{World, box_files};
use crate::event::Context;
use crate::model::Result;
use crate::model::digest::sha256;
use crate::model::observed::ObservedMachine;
use crate::state::ProjectKey;
use crate::transport::fingerprint::{Taken, take};
use envup_agent::{FingerprintRequest, Level};

/// Takes the fingerprint of a machine that runs, or of one of the hosts that play its role: `node` is its name. Writes nothing
/// in the machine.
pub fn fingerprint(
    world: &World,
    machine: &ObservedMachine,
    node: &str,
    level: Level,
    context: &Context,
) -> Result<Taken> {
    let taken = look(world, machine, node, level, context)?;
    if let Some(cache) = &taken.cache {
        // Only makes the next one quick.
        let _ = world.project.baselines().save_latest_cache(&known_as(machine, node), cache);
    }
    Ok(taken)
}

/// The same without keeping anything of it. Without a cache the one that is kept is still good; one that was another's comes with it.
pub fn look(
    world: &World,
    machine: &ObservedMachine,
    node: &str,
    level: Level,
    context: &Context,
) -> Result<Taken> {
    let provider = world.providers.get(&machine.provider)?;
    let transport = provider.connect(&world.identity, node)?;
    let request = request(world, level)?;
    let (baselines, name) = (world.project.baselines(), known_as(machine, node));
    if baselines.has_cache(&name) {
        // What cannot be read only makes the fingerprint slow.
        let own = move || baselines.latest_cache(&name).unwrap_or_default();
        return take(transport.as_ref(), request, own, context);
    }
    let known = if node == machine.name { inherited(world, machine) } else { Vec::new() };
    let others = known.clone();
    let mut taken = take(transport.as_ref(), request, || others, context)?;
    taken.cache = taken.cache.or_else(|| Some(known).filter(|known| !known.is_empty()));
    box_files::remember(world, machine, taken.cache.as_deref().unwrap_or_default());
    Ok(taken)
}

/// What is known of the files of a machine that nobody looked at yet: those of the machine that was there before it, else of its box.
fn inherited(world: &World, machine: &ObservedMachine) -> Vec<u8> {
    let former = world.project.baselines().former_cache(&machine.engine_name).unwrap_or_default();
    if former.is_empty() { box_files::known(world, machine) } else { former }
}

/// Under what the files of a node are remembered.
pub fn known_as(machine: &ObservedMachine, node: &str) -> String {
    match node == machine.name {
        true => machine.engine_id.clone(),
        false => sha256(format!("{} {node}", machine.engine_id).as_bytes()),
    }
}

/// What is asked of every machine of the stack.
pub fn request(world: &World, level: Level) -> Result<FingerprintRequest> {
    Ok(FingerprintRequest {
        level,
        key: ProjectKey::of(&world.project)?.for_agent(),
        environment: world.stack.drift.environment.clone(),
        cache_bytes: 0,
        root: "/".to_owned(),
    })
}
