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
    let (taken, _) = look(world, machine, node, level, context)?;
    if let Some(cache) = &taken.cache {
        // Only makes the next one quick.
        let _ = world.project.baselines().save_latest_cache(&known_as(machine, node), cache);
    }
    Ok(taken)
}

/// The same without keeping anything of it; also gives what was known of the files before: still good where nothing newer comes.
pub fn look(
    world: &World,
    machine: &ObservedMachine,
    node: &str,
    level: Level,
    context: &Context,
) -> Result<(Taken, Vec<u8>)> {
    let provider = world.providers.get(&machine.provider)?;
    let transport = provider.connect(&world.identity, node)?;
    let request = request(world, level)?;
    // What cannot be read only makes the fingerprint slow.
    let own = world.project.baselines().latest_cache(&known_as(machine, node)).unwrap_or_default();
    let is_first = own.is_empty();
    let known = if is_first && node == machine.name { inherited(world, machine) } else { own };
    let taken = take(transport.as_ref(), request, &known, context)?;
    if is_first {
        box_files::remember(world, machine, taken.cache.as_deref().unwrap_or(&known));
    }
    Ok((taken, known))
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
        ends_with_input: false,
        root: "/".to_owned(),
    })
}
