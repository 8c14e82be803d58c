//! Taking what is there for what should be: new baselines of machines that run.

use super::baseline::take_baseline;
use super::{World, observe};
use crate::event::Context;
use crate::model::observed::State;
use crate::model::{Error, Result};
use std::collections::BTreeSet;

/// Takes new baselines of these machines (of all that run when none is named) but for some, and gives their names.
pub fn accept(
    world: &World,
    machines: &BTreeSet<String>,
    except: &BTreeSet<String>,
    context: &Context,
) -> Result<Vec<String>> {
    let observed = observe(world)?.observed;
    let mut accepted = Vec::new();
    for machine in &observed.machines {
        let declared = world.stack.machines.contains_key(&machine.name);
        let named = machines.contains(&machine.name);
        if !declared || except.contains(&machine.name) || !(named || machines.is_empty()) {
            continue;
        }
        match machine.state {
            State::Running => {
                context.check("taking baselines")?;
                take_baseline(world, machine, context)?;
                accepted.push(machine.name.clone());
            }
            state if named => {
                return Err(Error::failed(format!(
                    "cannot take a baseline of {}: it is {state}",
                    machine.name
                ))
                .hint(format!("`env up {}` starts it", machine.name)));
            }
            _ => {}
        }
    }
    Ok(accepted)
}
