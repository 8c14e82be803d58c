//! Plans: what is declared, for which files of this host are read, against what was observed.

use super::observe::{View, observe};
use super::{World, desired, existing, images, layers};
use crate::model::Result;
use crate::model::action::Target;
use crate::model::observed::Observed;
use crate::plan::{self, Desired, Known, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan should do beyond what the Envfile says.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Only these machines and those they need; empty for all.
    pub machines: BTreeSet<String>,
    /// Remove machines that the Envfile no longer names.
    pub remove_orphans: bool,
    /// Replace these machines even when they are as declared.
    pub rebuild: BTreeSet<String>,
    /// Run these steps, whatever the ledger says: machine to step keys.
    pub run_steps: BTreeMap<String, BTreeSet<String>>,
    /// Run no other steps in machines that are there.
    pub only_those: bool,
    /// Neither make nor use layers, whatever the Envfile says.
    pub no_layers: bool,
}

/// What has to be done, and what it was planned from.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What existed.
    pub view: View,
    /// Names of the machines' images, as far as they are known.
    pub(super) images: BTreeMap<String, String>,
}

/// Observes the stack and plans.
pub fn plan(world: &World, options: &PlanOptions) -> Result<Planned> {
    let view = observe(world)?;
    let declared = Declared::of(world, &view.observed)?;
    plan_of(world, declared, view, options)
}

/// The declared side of a plan, for which files of this host are read.
pub(super) struct Declared {
    desired: Desired,
    /// Names of the machines' images, as far as they are known.
    images: BTreeMap<String, String>,
}

impl Declared {
    pub(super) fn of(world: &World, observed: &Observed) -> Result<Self> {
        let images = images::all(world, observed)?;
        Ok(Self { desired: desired::desired(world, &images)?, images })
    }
}

/// Plans from what is declared and what was observed.
pub(super) fn plan_of(
    world: &World,
    declared: Declared,
    view: View,
    options: &PlanOptions,
) -> Result<Planned> {
    let Declared { mut desired, images } = declared;
    let needs = desired.machines.iter().map(|(name, machine)| {
        let needs = machine.depends_on.keys().chain(partners(world, name)).map(String::as_str);
        (name.as_str(), needs.collect::<BTreeSet<_>>())
    });
    if !options.machines.is_empty() {
        let needs: BTreeMap<&str, BTreeSet<&str>> = needs.collect();
        let wanted: BTreeSet<String> = plan::needed_by(options.machines.iter().map(String::as_str), &needs)
            .into_iter()
            .map(str::to_owned)
            .collect();
        desired.machines.retain(|name, _| wanted.contains(name));
    }
    let capabilities = world.all_providers()?.into_iter();
    let known = Known {
        ledgers: view.ledgers.clone(),
        capabilities: capabilities
            .map(|provider| (provider.name().to_owned(), provider.capabilities().clone()))
            .collect(),
        remove_orphans: options.remove_orphans,
        rebuild: existing::ours(world, &options.rebuild)?,
        run_steps: options.run_steps.clone(),
        only_those: options.only_those,
    };
    let mut plan = plan::diff(&desired, &view.observed, &known)?;
    // Machines that were left out on purpose are no orphans.
    plan.orphans.retain(|name| !world.stack.machines.contains_key(name));
    plan.actions.retain(|action| {
        action.target != Target::Machine
            || desired.machines.contains_key(&action.name)
            || !world.stack.machines.contains_key(&action.name)
    });
    if world.stack.layers.enabled && !options.no_layers {
        layers::foresee(world, &desired, &mut plan);
    }
    Ok(Planned { plan, view, images })
}

/// The machines that have a step together with this one: it is not as declared before that has run over all of them.
fn partners<'a>(world: &'a World, machine: &'a str) -> impl Iterator<Item = &'a String> {
    let together =
        world.stack.provision.iter().filter(move |step| step.machines.iter().any(|one| one == machine));
    together.flat_map(|step| &step.machines)
}
