//! Starting machines that exist, as they are: nothing in them is brought to what is declared.

use super::stop::each_after_its_needs;
use super::{World, ready};
use crate::event::{Context, Event, Outcome};
use crate::model::Result;
use crate::model::machine::Init;
use crate::provider::Operation;
use std::collections::BTreeSet;

/// Starts these machines, those that others need first, and waits until each is ready.
pub fn start(world: &World, names: &BTreeSet<String>, context: &Context) -> Result<()> {
    context.emit(Event::Begin { machines: names.iter().cloned().collect() });
    each_after_its_needs(world, names, Outcome::Ready, context, &|name| one(world, name, context))
}

fn one(world: &World, name: &str, context: &Context) -> Result<()> {
    let provider = world.provider_of(name, None)?;
    let identity = &world.identity;
    context.emit(Event::Doing { machine: Some(name.to_owned()), what: "starting".to_owned() });
    provider.apply(identity, Operation::StartMachine(name), context)?;
    let Some(machine) = world.stack.machines.get(name) else { return Ok(()) };
    provider.reach(identity, name, context)?;
    if machine.is_box() && machine.init == Init::Systemd {
        context.emit(Event::Doing { machine: Some(name.to_owned()), what: "booting".to_owned() });
        let transport = provider.connect(identity, name)?;
        ready::booted(name, false, None, (provider, identity), transport.as_ref(), context)?;
    }
    match &machine.ready {
        Some(ready) => ready::wait(machine, ready, None, provider, identity, context),
        None => Ok(()),
    }
}
