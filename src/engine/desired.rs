//! The declared side of a plan: what the engines would report if everything were as the Envfile says.

use super::{World, contents, things};
use crate::model::Result;
use crate::model::machine::{Condition, Machine};
use crate::model::observed::{ObservedMachine, State};
use crate::model::stack::StackStep;
use crate::model::step::Tool;
use crate::plan::{Desired, DesiredMachine, DesiredStep, DesiredThing};
use crate::provision::provisioner;
use std::collections::BTreeMap;

/// Describes the whole stack; `images` are the names of the machines' images.
pub fn desired(world: &World, images: &BTreeMap<String, String>) -> Result<Desired> {
    let stack = &world.stack;
    let stack_steps = stack.provision.iter().map(StackStep::key).collect();
    let mut desired = Desired { stack_steps, ..Desired::default() };
    for machine in stack.machines.values() {
        let image = images.get(&machine.name).map_or("", String::as_str);
        desired.machines.insert(machine.name.clone(), describe(world, machine, image)?);
    }
    if world.provider_of_things()?.capabilities().existing {
        return Ok(desired);
    }
    for network in stack.networks.values().filter(|network| network.external.is_none()) {
        let makers = things::makers_of_network(world, &network.name)?;
        let first = makers.first().map(|provider| provider.name());
        for provider in makers {
            let ground = first.filter(|first| *first != provider.name());
            let fields = provider.describe_network(network, ground);
            let key = (network.name.clone(), provider.name().to_owned());
            desired.networks.insert(key, DesiredThing { fields, ground: ground.map(str::to_owned) });
        }
    }
    for volume in stack.volumes.values().filter(|volume| volume.external.is_none()) {
        let provider = things::maker_of_volume(world, &volume.name)?;
        let fields = provider.describe_volume(volume);
        let key = (volume.name.clone(), provider.name().to_owned());
        desired.volumes.insert(key, DesiredThing { fields, ground: None });
    }
    Ok(desired)
}

/// One machine that starts from this image.
pub fn describe(world: &World, machine: &Machine, image: &str) -> Result<DesiredMachine> {
    let provider = world.providers.get(&machine.provider)?;
    let (_, digests) = contents::contents(world, machine)?;
    let mut fields = provider.describe(&world.stack, machine, image, &digests)?;
    if machine.is_box() {
        for (name, value) in &machine.env {
            fields.set(format!("env.{name}"), value);
        }
    }
    let mut steps = Vec::new();
    let stack_keys: Vec<String> = world.stack.provision.iter().map(StackStep::key).collect();
    for (key, step) in world.stack.steps_of(machine) {
        let provisioner = provisioner(&step.tool);
        provisioner.validate(step)?;
        let digest = provisioner.inputs(step)?;
        let copies = matches!(step.tool, Tool::File(_));
        let named = !matches!(step.tool, Tool::File(_) | Tool::Install(_));
        // What needs other machines is no part of one.
        let layer = step.layer && !stack_keys.contains(&key);
        steps.push(DesiredStep { key, name: step.name.clone(), digest, run: step.run, layer, copies, named });
    }
    Ok(DesiredMachine {
        provider: machine.provider.clone(),
        source: machine.source_name(),
        is_box: machine.is_box(),
        one_shot: is_one_shot(world, &machine.name),
        fields,
        steps,
        depends_on: machine.depends_on.clone(),
    })
}

/// Whether some machine waits for this one to have completed.
pub fn is_one_shot(world: &World, name: &str) -> bool {
    let waits = |machine: &Machine| machine.depends_on.get(name) == Some(&Condition::Completed);
    world.stack.machines.values().any(waits)
}

/// Whether a machine has ended well, and another one waited for just that: then it is as it should be, and nothing runs.
pub fn has_done_its_work(world: &World, observed: &ObservedMachine) -> bool {
    matches!(observed.state, State::Stopped | State::Completed)
        && observed.exit_code == Some(0)
        && is_one_shot(world, &observed.name)
}
