//! Baselines: the fingerprints that the machines which an `up` changed had when their own part of it was done. They are taken
//! beside the work on other machines, because engines are slow to start a command, and kept when it is known what still runs.
//!
//! A baseline that cannot be taken fails no `up`: the machine is up, and `env drift` says that it has none.

use super::fingerprint::{fingerprint, known_as, look};
use super::nodes::{Node, node_names};
use super::{Planned, View, World};
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::action::Verb;
use crate::model::observed::{ObservedMachine, State};
use crate::plan::Action;
use crate::transport::fingerprint::Taken;
use envup_agent::Level;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What the machines of a walk were, each at the end of its own work, by name: every node with its fingerprint.
#[derive(Default)]
pub struct Fresh(Mutex<BTreeMap<String, Vec<Node>>>);

impl Fresh {
    /// Takes the fingerprints of a machine that an action just brought to what it should be.
    pub fn take(&self, world: &World, planned: &Planned, action: &Action, context: &Context) {
        let Some(machine) = world.stack.machines.get(&action.name) else { return };
        let is_anew = matches!(action.verb, Verb::Create | Verb::Replace);
        let known = planned.view.observed.machine(&action.name).filter(|_| !is_anew);
        let node = |name: String| {
            let taken = match known {
                Some(known) => fingerprint(world, known, &name, Level::Fast, context),
                None => look(world, &machine.provider, &name, Level::Fast, &[], context),
            };
            Node { name, taken }
        };
        let nodes = machine.nodes().into_iter().map(node).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(machine.name.clone(), nodes);
    }

    /// Keeps the baselines of those that run; who died in the meantime gets none.
    pub fn keep(self, world: &World, view: &View, context: &Context) {
        let nodes = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        // At once, because each of them waits for the disk.
        std::thread::scope(|scope| {
            for (name, nodes) in nodes {
                let observed = view.observed.machine(&name);
                let running = observed.filter(|machine| machine.state == State::Running);
                let Some(machine) = running else { continue };
                scope.spawn(move || {
                    let save = |node: Node| save(world, machine, &node.name, node.taken?);
                    if let Err(error) = nodes.into_iter().try_for_each(save) {
                        let text = format!("{name} has no baseline, so its drift cannot be told: {error}");
                        context.emit(Event::Note { text });
                    }
                });
            }
        });
    }
}

/// Takes the fingerprints that later ones are compared with, of all nodes of a machine.
pub fn take_baseline(world: &World, machine: &ObservedMachine, context: &Context) -> Result<()> {
    for node in node_names(world, machine) {
        let taken = fingerprint(world, machine, &node, Level::Fast, context)?;
        save(world, machine, &node, taken)?;
    }
    Ok(())
}

fn save(world: &World, machine: &ObservedMachine, node: &str, taken: Taken) -> Result<()> {
    let baselines = world.project.baselines();
    let known_as = known_as(machine, node);
    let cache = match taken.cache {
        Some(cache) => cache,
        None => baselines.latest_cache(&known_as)?,
    };
    baselines.save(&known_as, &taken.text, &cache)
}
