//! Machines that need not have booted before their next steps run and others go on: those that were provisioned before and say
//! themselves when they can be used. Who keeps others waiting with a slow service then is nobody but the `up` itself: it ends when
//! everything has started, and only then a machine is ready and its baseline taken.

use super::baseline::take_baselines;
use super::layers::Start;
use super::machine::Work;
use super::up::{MachineResult, outcome_of, tell_end};
use super::{View, World, ready};
use crate::event::Context;
use crate::model::Result;
use crate::model::machine::Init;
use crate::model::ready::{Ready, Requirement};
use std::collections::BTreeSet;

impl Work<'_> {
    /// What is enough instead of a whole boot, where somebody would wait for that.
    pub(super) fn instead_of_boot(&self, from: &Start) -> Option<&Ready> {
        let was_provisioned = from.layer.is_some() || self.action.start && !self.has_no_ledger();
        // A line of the log is seen from outside only.
        let is_asked_inside = |ready: &&Ready| {
            let mut requirements = ready.requirements.iter();
            requirements.len() > 0 && !requirements.any(|one| matches!(one, Requirement::Log(_)))
        };
        let boots = self.machine.is_box() && self.machine.init == Init::Systemd;
        let ready = self.machine.ready.as_ref().filter(is_asked_inside)?;
        (boots && was_provisioned && self.is_waited_for(from)).then_some(ready)
    }

    fn is_waited_for(&self, from: &Start) -> bool {
        let name = &self.machine.name;
        let mut others = self.world.stack.machines.values();
        self.action.steps.iter().any(|step| !from.covered.contains(step))
            || self.planned.plan.together.iter().any(|step| step.machines.contains(name))
            || others.any(|other| other.depends_on.contains_key(name))
    }
}

/// Takes the baselines of the machines in `changed`, each once it has booted; who does not come so far has failed.
pub fn finish(
    world: &World,
    view: &View,
    results: &mut [MachineResult],
    changed: &BTreeSet<String>,
    context: &Context,
) {
    let baselines = |names: &BTreeSet<String>| take_baselines(world, view, names, context);
    let is_late = |result: &&MachineResult| result.booting_since.is_some();
    let late: BTreeSet<String> = results.iter().filter(is_late).map(|result| result.name.clone()).collect();
    std::thread::scope(|scope| {
        for result in results {
            let Some(began) = result.booting_since else { continue };
            scope.spawn(move || {
                if let Err(error) = boot_at_last(world, &result.name, context) {
                    result.outcome = outcome_of(&error);
                    result.error = Some(error);
                }
                result.took = began.elapsed();
                tell_end(result, context);
                if result.error.is_none() && changed.contains(&result.name) {
                    baselines(&[result.name.clone()].into());
                }
            });
        }
        baselines(&changed.difference(&late).cloned().collect());
    });
}

fn boot_at_last(world: &World, name: &str, context: &Context) -> Result<()> {
    let provider = world.provider_of(name, None)?;
    let transport = provider.connect(&world.identity, name)?;
    ready::booted(name, false, None, (provider, &world.identity), transport.as_ref(), context)
}
