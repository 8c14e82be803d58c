//! What exists of a stack: the engines' own report, overlaid with the machines' ledgers.

use super::World;
use super::existing::is_existing;
use super::steps::CONTENTS_MARK;
use crate::event::Context;
use crate::model::machine::Machine;
use crate::model::observed::{Observed, ObservedMachine, State};
use crate::model::{Kind, Result};
use crate::provider::{Provider, Scope};
use crate::state::LedgerCopy;
use envup_agent::{Ledger, STATE_DIRS};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// What exists.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// As the engines report it, with what was changed in living box machines.
    pub observed: Observed,
    /// By machine; machines that never had a step or a change have an empty one, those that cannot be asked now have none.
    pub ledgers: BTreeMap<String, Ledger>,
}

/// Observes the stack with every provider that may have something of it.
pub fn observe(world: &World) -> Result<View> {
    observe_beside(world, &BTreeSet::new())
}

/// The same after machines were made in which nothing was applied: nobody has to go into them to know that their ledgers are empty.
pub fn observe_beside(world: &World, blank: &BTreeSet<&str>) -> Result<View> {
    let mut view = View::default();
    for provider in world.all_providers()? {
        let mut observed = match provider.observe(Scope::Stack(&world.identity)) {
            // Nobody ever made anything of this stack there.
            Err(error) if error.kind == Kind::Unavailable && !matters(world, provider) => continue,
            observed => observed?,
        };
        for machine in &mut observed.machines {
            let ledger = if blank.contains(machine.name.as_str()) {
                Some(Ledger::default())
            } else if provider.capabilities().existing {
                Some(ledger_of_host(world, provider, machine))
            } else {
                ledger(world, provider, machine)?
            };
            if let Some(ledger) = ledger {
                overlay(machine, &ledger);
                view.ledgers.insert(machine.name.clone(), ledger);
            }
        }
        view.observed.machines.append(&mut observed.machines);
        view.observed.networks.append(&mut observed.networks);
        view.observed.volumes.append(&mut observed.volumes);
    }
    Ok(view)
}

/// Whether a provider may have something of the stack.
fn matters(world: &World, provider: &dyn Provider) -> bool {
    let name = provider.name();
    !provider.capabilities().optional
        || world.uses(name)
        || world.project.remembers_provider(&world.identity.name, name)
}

/// The machine's ledger: our copy, which saves a call, or else the one in the machine. `None` when it cannot be asked now: what was
/// done in it is not known then, and not that nothing was.
fn ledger(world: &World, provider: &dyn Provider, machine: &ObservedMachine) -> Result<Option<Ledger>> {
    if !may_have_ledger(world, machine) {
        return Ok(Some(Ledger::default()));
    }
    if let Some(copy) = world.project.ledgers().load(&machine.engine_id) {
        return Ok(Some(copy.ledger));
    }
    match read_ledger(world, provider, machine) {
        Err(error) if error.kind == Kind::Incomplete => Ok(None),
        read => Ok(Some(read?.unwrap_or_default())),
    }
}

/// The ledger that lies on a host, which others may have written too: our copy would not do. One that cannot be reached is
/// known to be so from now on; one that takes no changes is not asked.
fn ledger_of_host(world: &World, provider: &dyn Provider, machine: &mut ObservedMachine) -> Ledger {
    let declared = world.stack.machines.get(&machine.name);
    if !declared.is_some_and(|declared| has_steps(world, declared)) {
        return Ledger::default();
    }
    let reached = provider.reach(&world.identity, &machine.name, &Context::silent());
    match reached.and_then(|()| read_ledger(world, provider, machine)) {
        Ok(ledger) => ledger.unwrap_or_default(),
        Err(_) => {
            machine.state = State::Unreachable;
            Ledger::default()
        }
    }
}

/// Whether anything was ever applied in it: otherwise asking would only cost time.
fn may_have_ledger(world: &World, machine: &ObservedMachine) -> bool {
    let declared = world.stack.machines.get(&machine.name);
    machine.is_box || declared.is_some_and(|declared| has_steps(world, declared))
}

fn has_steps(world: &World, machine: &Machine) -> bool {
    world.stack.steps_of(machine).next().is_some()
}

/// Keeps our copies of the ledgers that were seen. Only for who holds the stack's lock: what others read meanwhile may be
/// out of date when they would write it.
pub fn keep_ledgers(world: &World, view: &View) {
    let copies = world.project.ledgers();
    let is_ours = |machine: &&ObservedMachine| !is_existing(world, &machine.name);
    for machine in view.observed.machines.iter().filter(is_ours) {
        if !may_have_ledger(world, machine) {
            continue;
        }
        let Some(ledger) = view.ledgers.get(&machine.name) else { continue };
        if copies.load(&machine.engine_id).is_none_or(|copy| copy.ledger != *ledger) {
            let copy = LedgerCopy { started: machine.started.clone(), ledger: ledger.clone() };
            // Only a cache: a checkout that cannot be written is brought up all the same.
            let _ = copies.save(&machine.engine_id, &copy);
        }
    }
}

/// Reads the ledger out of a machine, running or not; `None` when it has none. One that cannot be reached is an error of kind
/// `Incomplete`.
pub(super) fn read_ledger(
    world: &World,
    provider: &dyn Provider,
    machine: &ObservedMachine,
) -> Result<Option<Ledger>> {
    let transport = provider.connect(&world.identity, &machine.name)?;
    let path = format!("{}/ledger.json", STATE_DIRS[0]);
    let mut archive = Vec::new();
    match transport.get(&path, &mut archive, &Context::silent()) {
        Err(error) if error.kind == Kind::Incomplete => return Err(error),
        Err(_) => return Ok(None),
        Ok(()) => {}
    }
    let mut text = String::new();
    let mut entries = tar::Archive::new(archive.as_slice());
    let first = entries.entries().ok().and_then(|mut entries| entries.next());
    let Some(Ok(mut entry)) = first else { return Ok(None) };
    // A ledger that cannot be read is no ledger: its steps run again, which is safe.
    Ok(entry.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok()))
}

/// Puts on top what was changed in a living box machine since it was made.
fn overlay(machine: &mut ObservedMachine, ledger: &Ledger) {
    if !machine.is_box {
        return;
    }
    for (name, value) in &ledger.env {
        machine.fields.set(format!("env.{name}"), value);
    }
    if ledger.marks.contains_key(CONTENTS_MARK) {
        machine.fields.0.retain(|name, _| !name.starts_with("config.") && !name.starts_with("secret."));
    }
    for (name, digest) in &ledger.files {
        machine.fields.set(name.clone(), digest);
    }
}
