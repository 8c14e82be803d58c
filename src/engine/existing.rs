//! Machines that existed before us, and are never stopped, removed or made anew.

use super::World;
use crate::model::{Error, Result};
use std::collections::BTreeSet;

/// Whether a machine of the stack is such a one.
pub fn is_existing(world: &World, name: &str) -> bool {
    world.provider_of(name, None).is_ok_and(|provider| provider.capabilities().existing)
}

/// Those of these machines that are ours to stop, remove and make anew. Others are left out where there are some of ours too;
/// where there are none, nothing would be done, and that is an error.
pub fn ours(world: &World, names: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let (existing, ours): (BTreeSet<_>, BTreeSet<_>) =
        names.iter().cloned().partition(|name| is_existing(world, name));
    if ours.is_empty() && !existing.is_empty() {
        let names = existing.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::usage(format!(
            "{names} existed before this stack: hosts are never stopped, removed or made anew"
        ))
        .hint("hosts are looked at, and take steps when the Envfile says `changes = \"allowed\"`"));
    }
    Ok(ours)
}

/// The error for what would change a host that is only looked at.
pub fn takes_no_changes(name: &str) -> Error {
    Error::usage(format!("{name} is a host that is only looked at"))
        .hint("steps and files go there when its machine in the Envfile says `changes = \"allowed\"`")
}
