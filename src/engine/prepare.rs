//! What has to be known of steps before anything is created: whether their tools are here and understand what they are given.
//!
//! Asked of steps that are due only, and after the user agreed: a tool may run what the Envfile names.

use super::{Planned, World, contents};
use crate::event::Context;
use crate::model::Result;
use crate::model::action::Target;
use crate::model::stack::Stack;
use crate::model::step::Step;
use crate::provision::{Workshop, provisioner};
use std::sync::Mutex;

/// Does some work with what tools of this host need.
pub fn with_workshop<T>(world: &World, work: impl FnOnce(&Workshop<'_>) -> T) -> T {
    let secret = |name: &str| contents::bytes("secret", name, world.stack.secrets.get(name));
    work(&Workshop {
        stack: &world.stack,
        program: &world.program,
        runtime: &world.runtime,
        kept: world.project.state_directory(),
        secret: &secret,
        answers: Mutex::default(),
    })
}

/// Asks the tools of all steps that are due and in no layer; the first complaint is the error.
pub fn prepare(planned: &Planned, workshop: &Workshop<'_>, context: &Context) -> Result<()> {
    for action in planned.plan.of(Target::Machine) {
        let due: Vec<&String> = action.steps_left().collect();
        for step in own_steps(workshop.stack, &action.name, &due) {
            provisioner(&step.tool).prepare(step, &[&action.name], workshop, context)?;
        }
    }
    for together in &planned.plan.together {
        let declared = workshop.stack.provision.iter().find(|several| several.key() == together.key);
        let machines: Vec<&str> = together.machines.iter().map(String::as_str).collect();
        if let Some(step) = declared.map(|several| &several.step) {
            provisioner(&step.tool).prepare(step, &machines, workshop, context)?;
        }
    }
    Ok(())
}

fn own_steps<'a>(stack: &'a Stack, machine: &str, keys: &'a [&String]) -> impl Iterator<Item = &'a Step> {
    let steps = stack.machines.get(machine).into_iter().flat_map(|machine| &machine.provision);
    steps.filter(|step| keys.contains(&&step.key()))
}
