//! Baselines: the fingerprints of the machines that an `up` changed, or an earlier one that was killed, taken at its end, all at once.
//!
//! A baseline that cannot be taken fails no `up`: the machine is up, and `env drift` says that it has none.

use super::existing::is_existing;
use super::fingerprint::{known_as, look};
use super::nodes::node_names;
use super::{View, World};
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::observed::{Observed, ObservedMachine, State};
use envup_agent::Level;
use std::collections::BTreeSet;

/// Whether no `up` that made or changed this machine of ours has ever come to its end: it has no baseline.
pub fn is_unfinished(world: &World, observed: &Observed, name: &str) -> bool {
    let has_none = |machine: &ObservedMachine| !world.project.baselines().is_kept(&machine.engine_id);
    !is_existing(world, name) && observed.machine(name).is_some_and(has_none)
}

/// Takes the baselines of those of these machines that run.
pub fn take_baselines(world: &World, view: &View, names: &BTreeSet<String>, context: &Context) {
    let machines = view.observed.machines.iter();
    let running =
        |machine: &&ObservedMachine| machine.state == State::Running && names.contains(&machine.name);
    std::thread::scope(|scope| {
        for machine in machines.filter(running) {
            scope.spawn(|| {
                if let Err(error) = take_baseline(world, machine, context) {
                    let text =
                        format!("{} has no baseline, so its drift cannot be told: {error}", machine.name);
                    context.emit(Event::Note { text });
                }
            });
        }
    });
}

/// Takes the fingerprints that later ones are compared with, of all nodes of a machine.
pub fn take_baseline(world: &World, machine: &ObservedMachine, context: &Context) -> Result<()> {
    let baselines = world.project.baselines();
    for node in node_names(world, machine) {
        let (name, taken) = (known_as(machine, &node), look(world, machine, &node, Level::Fast, context)?);
        let cache = taken.cache.map_or_else(|| baselines.latest_cache(&name), Ok)?;
        baselines.save(&name, &taken.text, &cache)?;
    }
    Ok(())
}
