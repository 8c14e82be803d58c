//! What an Envfile does to this host beyond running its own machines, as a user agrees to it.
//!
//! What belongs to the list is [`model::access`](crate::model::access)'s business, except for the recipes that come with a checkout, which
//! only the store finds; asking and recording are the callers'.

use super::World;
use crate::model::Result;
use crate::model::access::{HostAccess, consent_digest, host_access};
use crate::model::machine::Source;
use crate::provision::provisioner;

/// How much of the digest names a list: 128 bits, so that nobody can make another list of the same name.
const LENGTH: usize = 32;

/// Everything that needs consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touches {
    /// One sentence each, in a fixed order.
    pub items: Vec<String>,
    /// Names exactly this list, whatever the sentences; consent is bound to it.
    pub digest: String,
}

/// What this stack does to the host.
pub fn touches(world: &World) -> Result<Touches> {
    let mut accesses = host_access(&world.stack);
    accesses.extend(recipes(world)?);
    accesses.extend(programs(world)?);
    accesses.sort();
    let mut digest = consent_digest(&accesses);
    digest.truncate(LENGTH);
    Ok(Touches { items: accesses.into_iter().map(|access| access.what).collect(), digest })
}

/// What steps run on this host.
fn programs(world: &World) -> Result<Vec<HostAccess>> {
    let stack = &world.stack;
    let own = stack.machines.values().filter(|machine| machine.takes_changes());
    let own =
        own.flat_map(|machine| machine.provision.iter().map(|step| (Some(machine.name.as_str()), step)));
    let of_stack = stack.provision.iter().map(|several| (None, &several.step));
    let mut found = Vec::new();
    for (machine, step) in own.chain(of_stack) {
        if let Some(host) = provisioner(&step.tool).on_host(step)? {
            let path = host.program.strip_prefix(&stack.directory).unwrap_or(&host.program);
            let who = machine.unwrap_or("the stack");
            found.push(HostAccess {
                machine: machine.map(str::to_owned),
                key: machine.map_or("provision".to_owned(), |machine| format!("machine.{machine}.provision")),
                what: format!("{who} runs {} with {} on this host", path.display(), host.tool),
                value: host.digest,
            });
        }
    }
    Ok(found)
}

/// Scripts of a box's recipe run on the host while it is built; one that the checkout brings along may do anything.
fn recipes(world: &World) -> Result<Vec<HostAccess>> {
    let mut found = Vec::new();
    for machine in world.stack.machines.values() {
        let Source::Box(source) = &machine.source else { continue };
        if let Some(recipe) = world.boxes.recipe_of_checkout(source)? {
            found.push(HostAccess {
                machine: Some(machine.name.clone()),
                key: format!("machine.{}.box", machine.name),
                what: format!(
                    "{} starts from {}, whose recipe in this checkout runs scripts on this host",
                    machine.name,
                    recipe.name()
                ),
                value: recipe.digest,
            });
        }
    }
    Ok(found)
}
