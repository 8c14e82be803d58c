//! Stopping machines in the order in which nothing loses what it needs, and starting them again.

use super::{World, existing, observe};
use crate::event::{Context, Event, Outcome};
use crate::model::machine::Machine;
use crate::model::{Error, Result};
use crate::plan::dependencies_first;
use crate::provider::Operation;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Stops these machines, those that need others first. Machines that do not run are left as they are.
pub fn stop(world: &World, names: &BTreeSet<String>, context: &Context) -> Result<Vec<String>> {
    let view = observe(world)?;
    let running = |name: &str| view.observed.machine(name).is_some_and(|machine| machine.state.is_on());
    let ours = existing::ours(world, names)?;
    let chosen: BTreeSet<String> = ours.into_iter().filter(|name| running(name)).collect();
    context.emit(Event::Begin { machines: chosen.iter().cloned().collect() });
    each_after_its_users(world, &chosen, Outcome::Stopped, context, &|name| {
        context.emit(Event::Doing { machine: Some(name.to_owned()), what: "stopping".to_owned() });
        let operation = Operation::StopMachine { name, grace: grace(world, name) };
        world.provider_of(name, view.observed.machine(name))?.apply(&world.identity, operation, context)
    })?;
    Ok(chosen.into_iter().collect())
}

/// The grace that a machine's Envfile entry gives.
pub fn grace(world: &World, name: &str) -> Option<std::time::Duration> {
    world.stack.machines.get(name).and_then(|machine: &Machine| machine.stop_grace)
}

/// Does `work` on each machine once it was done on all machines that need it; those that are independent at once. Who
/// watches is told `outcome` of each for which it succeeded.
pub fn each_after_its_users(
    world: &World,
    names: &BTreeSet<String>,
    outcome: Outcome,
    context: &Context,
    work: &(dyn Fn(&str) -> Result<()> + Sync),
) -> Result<()> {
    in_waves(world, names, outcome, context, work, |name, open, needs| {
        !open.iter().any(|user| needs[user].contains(name))
    })
}

/// The same the other way round: on each once it was done on all machines that it needs.
pub fn each_after_its_needs(
    world: &World,
    names: &BTreeSet<String>,
    outcome: Outcome,
    context: &Context,
    work: &(dyn Fn(&str) -> Result<()> + Sync),
) -> Result<()> {
    in_waves(world, names, outcome, context, work, |name, open, needs| {
        !open.iter().any(|need| needs[name].contains(need))
    })
}

/// What each of these machines needs, of these machines.
type Needs<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Does `work` on all machines that are due among those still open, until none is open.
fn in_waves(
    world: &World,
    names: &BTreeSet<String>,
    outcome: Outcome,
    context: &Context,
    work: &(dyn Fn(&str) -> Result<()> + Sync),
    is_due: impl Fn(&str, &BTreeSet<&str>, &Needs<'_>) -> bool,
) -> Result<()> {
    let mut open: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let needs: Needs<'_> = open
        .iter()
        .map(|name| {
            let machine = world.stack.machines.get(*name);
            let direct = machine.into_iter().flat_map(|machine| machine.depends_on.keys());
            (*name, direct.map(String::as_str).filter(|need| names.contains(*need)).collect())
        })
        .collect();
    dependencies_first(&needs)?;
    let mut errors = Vec::new();
    while !open.is_empty() && errors.is_empty() {
        let wave: Vec<&str> = open.iter().copied().filter(|name| is_due(name, &open, &needs)).collect();
        context.check("going on with the next machines")?;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                wave.iter().map(|name| scope.spawn(|| one(name, outcome, context, work))).collect();
            for thread in threads {
                let crashed = || Err(Error::failed("a thread of ours crashed"));
                errors.extend(thread.join().unwrap_or_else(|_| crashed()).err());
            }
        });
        for name in wave {
            open.remove(name);
        }
    }
    errors.into_iter().next().map_or(Ok(()), Err)
}

fn one(
    name: &str,
    outcome: Outcome,
    context: &Context,
    work: &(dyn Fn(&str) -> Result<()> + Sync),
) -> Result<()> {
    let begin = Instant::now();
    let result = work(name);
    let (outcome, detail) = match &result {
        Ok(()) => (outcome, String::new()),
        Err(error) => (Outcome::Failed, error.message.clone()),
    };
    let seconds = begin.elapsed().as_secs_f64();
    context.emit(Event::End { machine: name.to_owned(), outcome, detail, seconds });
    result
}
