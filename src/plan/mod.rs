//! Planning: what is declared, what exists, what was applied, and from these what has to be done.
//!
//! Pure functions: no I/O, no clock, no environment. Execution (`engine::up`) has no choices left: every action says
//! which fields to change, whether to start, and which steps to run.

mod desired;
mod diff;
pub mod layers;
mod order;
mod reason;
mod together;

pub use desired::{Desired, DesiredMachine, DesiredStep, DesiredThing, Known};
pub use diff::diff;
pub use order::{dependencies_first, needed_by};
pub use reason::{AFTER_ANOTHER, RUNS_ALWAYS, WITH_ANOTHER, asked_for, steps_to_run};
pub use together::Together;

use crate::model::action::{Reason, Target, Verb};
use layers::LayerUse;

/// Everything that has to be done to bring a stack to what is declared, in the order of the Envfile's dependencies:
/// networks, volumes, machines, then what goes away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// One for every thing, also for those that are kept.
    pub actions: Vec<Action>,
    /// Machines of ours that the Envfile no longer names and that nobody asked to remove.
    pub orphans: Vec<String>,
    /// Steps that run over several machines, in order.
    pub together: Vec<Together>,
}

/// What has to be done to one machine, network or volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What kind of thing.
    pub target: Target,
    /// Its name in the stack.
    pub name: String,
    /// The provider that does it.
    pub provider: String,
    /// What happens to it; the most drastic thing when there are several.
    pub verb: Verb,
    /// Why, with old and new values.
    pub reasons: Vec<Reason>,
    /// What a machine is made from, and by what: `debian/12 on docker`. Of a thing that several providers have a part of, whose part.
    pub source: String,
    /// Machines only: whether people keep work in it, so that replacing it needs consent.
    pub is_box: bool,
    /// Fields to change on the living thing, for `update`.
    pub update: Vec<String>,
    /// Whether it has to be started after all changes.
    pub start: bool,
    /// Keys of the steps to run, in order.
    pub steps: Vec<String>,
    /// What layers are to do for a machine that is made; `None` for one that has none.
    pub layer: Option<LayerUse>,
}

impl Action {
    /// Keys of the steps that are left to run on top of the layer that there is.
    pub fn steps_left(&self) -> impl Iterator<Item = &String> {
        let covered = self.layer.iter().flat_map(|layer| &layer.covered).collect::<Vec<_>>();
        self.steps.iter().filter(move |key| !covered.contains(key))
    }
}

impl Plan {
    /// Whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.changes() == 0
    }

    /// How many things are not kept.
    pub fn changes(&self) -> usize {
        self.actions.iter().filter(|action| action.verb != Verb::Keep).count()
    }

    /// The action about a thing.
    pub fn action(&self, target: Target, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.target == target && action.name == name)
    }

    /// The actions on one kind of thing.
    pub fn of(&self, target: Target) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(move |action| action.target == target)
    }

    /// Box machines that would be replaced: people keep work in them.
    pub fn replaced_boxes(&self) -> Vec<&Action> {
        let replaced = |action: &&Action| action.verb == Verb::Replace && action.is_box;
        self.of(Target::Machine).filter(replaced).collect()
    }
}
