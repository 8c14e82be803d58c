//! What exists of a stack: the engines' own report, overlaid with the machines' ledgers.

use super::World;
use super::existing::is_existing;
use super::steps::CONTENTS_MARK;
use crate::event::Context;
use crate::model::machine::Machine;
use crate::model::observed::{Observed, ObservedMachine, State};
use crate::model::{Error, Kind, Result};
use crate::provider::{Provider, Scope};
use crate::state::LedgerCopy;
use envup_agent::{Ledger, STATE_DIRS};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::thread::ScopedJoinHandle;

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
        let ledgers = ledgers_of(world, provider, &mut observed.machines, blank)?;
        for (machine, ledger) in observed.machines.iter_mut().zip(ledgers) {
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

/// The ledgers of machines, in their order; machines that have to be asked are asked all at once.
fn ledgers_of(
    world: &World,
    provider: &dyn Provider,
    machines: &mut [ObservedMachine],
    blank: &BTreeSet<&str>,
) -> Result<Vec<Option<Ledger>>> {
    let is_existing = provider.capabilities().existing;
    let known = |machine: &ObservedMachine| match blank.contains(machine.name.as_str()) {
        true => Some(Ledger::default()),
        false => known_ledger(world, machine).filter(|_| !is_existing),
    };
    let ask = |machine: &mut ObservedMachine| match is_existing {
        true => Ok(Some(ledger_of_host(world, provider, machine))),
        false => ledger(world, provider, machine),
    };
    let ask = &ask;
    std::thread::scope(|scope| {
        let begin = |machine| scope.spawn(move || ask(machine));
        let begun: Vec<_> =
            machines.iter_mut().map(|machine| known(machine).ok_or_else(|| begin(machine))).collect();
        let crashed = |_| Err(Error::failed("reading a ledger ended with a crash of ours"));
        let end = |asked: ScopedJoinHandle<'_, _>| asked.join().unwrap_or_else(crashed);
        begun.into_iter().map(|one| one.map_or_else(end, |known| Ok(Some(known)))).collect()
    })
}

/// Whether a provider may have something of the stack.
fn matters(world: &World, provider: &dyn Provider) -> bool {
    let name = provider.name();
    !provider.capabilities().optional
        || world.uses(name)
        || world.project.remembers_provider(&world.identity.name, name)
}

/// What is known of the machine's ledger without asking it: our copy saves a call.
fn known_ledger(world: &World, machine: &ObservedMachine) -> Option<Ledger> {
    match may_have_ledger(world, machine) {
        true => world.project.ledgers().load(&machine.engine_id).map(|copy| copy.ledger),
        false => Some(Ledger::default()),
    }
}

/// The ledger in the machine. `None` when it cannot be asked now: what was done in it is not known then, and not that nothing was.
fn ledger(world: &World, provider: &dyn Provider, machine: &ObservedMachine) -> Result<Option<Ledger>> {
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
