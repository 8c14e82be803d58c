//! The fingerprints of a stack's machines, taken at once. A machine that is several hosts has a node for each of them.

use super::World;
use super::fingerprint::fingerprint;
use crate::event::Context;
use crate::model::drift::Level;
use crate::model::machine::Machine;
use crate::model::observed::{Observed, ObservedMachine, State};
use crate::model::{Error, Result};
use crate::transport::fingerprint::Taken;
use std::collections::BTreeMap;

/// One machine, or one of the hosts that play its role.
#[derive(Debug)]
pub struct Node {
    /// `web`, or `web@web2.example.org` when there are several.
    pub name: String,
    /// Its fingerprint, or why there is none.
    pub taken: Result<Taken>,
}

/// The fingerprints of those of these machines that run and are declared, by machine.
pub fn fingerprints(
    world: &World,
    observed: &Observed,
    is_chosen: &dyn Fn(&str) -> bool,
    level: Level,
    context: &Context,
) -> BTreeMap<String, Vec<Node>> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (machine, name) in running(world, observed, is_chosen) {
            let node = name.clone();
            let thread = scope.spawn(move || fingerprint(world, machine, &node, level, context));
            threads.push((machine.name.clone(), name, thread));
        }
        let mut nodes: BTreeMap<String, Vec<Node>> = BTreeMap::new();
        for (machine, name, thread) in threads {
            let crashed = |_| Err(Error::failed("taking the fingerprint ended with a crash of ours"));
            let taken = thread.join().unwrap_or_else(crashed);
            nodes.entry(machine).or_default().push(Node { name, taken });
        }
        nodes
    })
}

/// The nodes of those of these machines that run and are declared, by their names.
pub fn running<'o>(
    world: &'o World,
    observed: &'o Observed,
    is_chosen: &'o dyn Fn(&str) -> bool,
) -> impl Iterator<Item = (&'o ObservedMachine, String)> {
    let machines = observed.machines.iter();
    let running = machines.filter(|machine| machine.state == State::Running && is_chosen(&machine.name));
    running.flat_map(|machine| node_names(world, machine).into_iter().map(move |node| (machine, node)))
}

/// What the nodes of a machine are called; none for a machine that the Envfile does not declare.
pub fn node_names(world: &World, machine: &ObservedMachine) -> Vec<String> {
    world.stack.machines.get(&machine.name).map(Machine::nodes).unwrap_or_default()
}
