//! What a new machine starts from: the longest layer of its chain, which is made first where it is missing.
//!
//! Only a box that boots an init has layers: an image machine runs its own program, which may need the very things that a
//! layer must not see, and what is slow about its image belongs into its Dockerfile, which the engine keeps already.

use super::construction::Construction;
use super::machine::Work;
use super::{World, desired, steps};
use crate::event::Event;
use crate::model::Result;
use crate::model::action::{Target, Verb};
use crate::model::digest::sha256;
use crate::model::layer::Layer;
use crate::model::machine::{Init, Machine};
use crate::plan::layers::{Chain, chain};
use crate::plan::{Desired, DesiredMachine, Plan};
use crate::provider::{Layers, Operation};
use crate::state::{LayerRecord, now};
use crate::transport::authorities::AUTHORITIES;
use std::collections::BTreeMap;

/// What a new machine starts from, on top of its image.
#[derive(Debug, Default)]
pub struct Start {
    /// The key of the layer; `None` for the image alone.
    pub layer: Option<String>,
    /// Keys of the steps that are in the layer.
    pub covered: Vec<String>,
    /// Steps that ran to make it.
    pub ran: Vec<steps::Ran>,
}

/// Finds what this machine starts from, or makes it. Nothing of the machine is there afterwards.
pub fn start(work: &Work<'_>, image: &str) -> Result<Start> {
    let wanted = match work.provider.layers().filter(|_| work.action.layer.is_some()) {
        Some(layers) => {
            let machine = desired::describe(work.world, work.machine, image)?;
            chain_of(work.world, &machine).map(|chain| (layers, chain))
        }
        None => None,
    };
    let Some((layers, chain)) = wanted else {
        abandon(work)?;
        return Ok(Start::default());
    };
    let wanted = &chain.wanted().key;
    let mut start = longest(work, layers, &chain)?;
    if start.layer.as_ref() != Some(wanted) {
        let command = format!("env up of {}", work.world.stack.name);
        start = work.board.in_turn(wanted, || {
            let _lock = work.world.layers.lock(wanted, &command, work.context)?;
            // Somebody else may have made it while we waited.
            let start = longest(work, layers, &chain)?;
            if start.layer.as_ref() == Some(wanted) {
                abandon(work)?;
                return Ok(start);
            }
            Construction { work, layers, chain: &chain, image }.make(start)
        })?;
    } else {
        abandon(work)?;
    }
    if let Some(key) = &start.layer {
        let steps = &start.covered;
        // Only an aid to choose what goes when room is short.
        let _ = work.world.layers.used(key, || record(work.machine, steps, None));
    }
    Ok(start)
}

/// How many steps, in words.
pub fn steps(count: usize) -> String {
    if count == 1 { "1 step".to_owned() } else { format!("{count} steps") }
}

/// Says in the plan what layers do for machines that are made. The image of one may not be known yet, nor what happens to
/// layers until then; each provider is asked once, and only where it matters.
pub fn foresee(world: &World, desired: &Desired, plan: &mut Plan) {
    let mut kept: BTreeMap<&str, Vec<Layer>> = BTreeMap::new();
    let is_made = |action: &&mut crate::plan::Action| {
        action.target == Target::Machine && matches!(action.verb, Verb::Create | Verb::Replace)
    };
    for action in plan.actions.iter_mut().filter(is_made) {
        let machine = world.stack.machines.get(&action.name).filter(|machine| has_layers(world, machine));
        let Some((machine, declared)) = machine.zip(desired.machines.get(&action.name)) else { continue };
        let layers = world.providers.get(&machine.provider).ok().and_then(|provider| provider.layers());
        let Some((layers, chain)) = layers.zip(chain_of(world, declared)) else { continue };
        // Without an answer it is as if there were none: that is seen when the machine is made.
        let kept = kept.entry(&machine.provider).or_insert_with(|| layers.list().unwrap_or_default());
        action.layer = Some(chain.foreseen(kept, &world.stack.layers, now()));
    }
}

fn has_layers(world: &World, machine: &Machine) -> bool {
    machine.is_box()
        && matches!(machine.init, Init::Systemd | Init::Rc)
        && !machine.read_only
        && !desired::is_one_shot(world, &machine.name)
}

/// The chain of a machine, without what is known to hold secrets.
fn chain_of(world: &World, machine: &DesiredMachine) -> Option<Chain> {
    let placed = AUTHORITIES.as_ref().map_or_else(String::new, |found| sha256(found.added.as_bytes()));
    let chain = chain(machine, &placed)?;
    let known = world.layers.read();
    let is_refused = |key: &String| {
        let since = known.refused.get(key);
        since.is_some_and(|since| now().saturating_sub(*since) <= world.stack.layers.max_age.as_secs())
    };
    let refused = chain.links.iter().find(|link| is_refused(&link.key)).map(|link| link.key.clone());
    match refused {
        Some(key) => chain.before(&key),
        None => Some(chain),
    }
}

fn longest(work: &Work<'_>, layers: &dyn Layers, chain: &Chain) -> Result<Start> {
    let kept = work.board.call(|| layers.list())?;
    let found = chain.longest(&kept, &work.world.stack.layers, now());
    Ok(found.map_or_else(Start::default, |(covered, key)| from(chain, key, covered)))
}

/// Starting from this layer, which covers so many steps.
pub fn from(chain: &Chain, key: &str, covered: usize) -> Start {
    let covered = chain.links[..covered].iter().map(|link| link.step.clone()).collect();
    Start { layer: Some(key.to_owned()), covered, ran: Vec::new() }
}

/// Removes what was under construction: it is not needed any more, or no way leads on from it.
pub fn abandon(work: &Work<'_>) -> Result<()> {
    match work.observed().filter(|observed| observed.construction.is_some()) {
        Some(_) => work.call(Operation::RemoveMachine(&work.machine.name)),
        None => Ok(()),
    }
}

/// What is recorded of a layer; `kept` is what its provider says of it.
pub fn record(machine: &Machine, covered: &[String], kept: Option<&Layer>) -> LayerRecord {
    let steps = machine.provision.iter().filter(|step| covered.contains(&step.key()));
    LayerRecord {
        created: kept.map_or_else(now, |layer| layer.created),
        used: now(),
        size: kept.map_or(0, |layer| layer.size),
        provider: machine.provider.clone(),
        base: machine.source_name(),
        steps: steps.map(|step| step.name.clone()).collect(),
    }
}

/// Tells what somebody should know and that stops nothing.
pub fn note(work: &Work<'_>, text: String) {
    work.context.emit(Event::Note { text });
}
