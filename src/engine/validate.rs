//! Looking for what is wrong with the steps of a stack, without asking any engine.

use crate::model::Result;
use crate::model::stack::Stack;
use crate::provision::provisioner;

/// Fails with the first step that cannot work: files that are missing, data that their tool would not understand.
pub fn validate_steps(stack: &Stack) -> Result<()> {
    let machines = stack.machines.values().filter(|machine| machine.takes_changes());
    let own = machines.flat_map(|machine| &machine.provision);
    let of_stack = stack.provision.iter().map(|step| &step.step);
    own.chain(of_stack).try_for_each(|step| provisioner(&step.tool).validate(step))
}
