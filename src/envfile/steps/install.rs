//! The steps that install what other steps of a machine need inside it.

use crate::model::machine::Machine;
use crate::model::stack::StackStep;
use crate::model::step::{RunPolicy, Step};
use std::collections::BTreeMap;

/// Puts a step before the first one that needs a tool inside the machine, unless that one says `install = false`. Without a
/// word, boxes get what they need; what somebody else made is left as it is.
pub(super) fn with_tools(steps: Vec<Step>, is_box: bool) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let needed = step.tool.needs().filter(|need| need.install.unwrap_or(is_box)).map(|need| need.tool);
        if let Some(tool) = needed {
            // Who needs it only when asked for by name installs it only then.
            let run = if step.run == RunPolicy::Never { RunPolicy::Never } else { RunPolicy::Changed };
            let install = Step::install(tool, run);
            match all.iter_mut().find(|earlier| earlier.key() == install.key()) {
                Some(earlier) if run == RunPolicy::Changed => earlier.run = run,
                Some(_) => {}
                None => all.push(install),
            }
        }
        all.push(step);
    }
    all
}

/// The same for steps over several machines: what they need comes after the machines' own steps.
pub(in crate::envfile) fn for_steps_of_stack(machines: &mut BTreeMap<String, Machine>, steps: &[StackStep]) {
    for several in steps {
        for machine in machines.values_mut().filter(|machine| several.machines.contains(&machine.name)) {
            let own = std::mem::take(&mut machine.provision);
            let count = own.len();
            let mut all =
                with_tools(own.into_iter().chain([several.step.clone()]).collect(), machine.is_box());
            // Only what it needs was to be added, not the step itself.
            all.pop();
            debug_assert!(all.len() <= count + 1);
            machine.provision = all;
        }
    }
}
