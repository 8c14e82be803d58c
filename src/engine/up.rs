//! Walking a plan: everything whose dependencies are done at once, a thread for each machine.

use super::baseline::is_unfinished;
use super::board::{Board, Stage};
use super::early::finish;
use super::machine::{Done, Work, board_name};
use super::observe::keep_ledgers;
use super::prepare::{prepare, with_workshop};
use super::{Planned, View, World, egress, observe, ownership, steps, things};
use crate::event::{Context, Event, Outcome};
use crate::model::action::{Target, Verb};
use crate::model::machine::Restart;
use crate::model::observed::State;
use crate::model::{Error, Kind, Result};
use crate::plan::Action;
use crate::provider::{Operation, Provider};
use crate::provision::Workshop;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What the walk may do.
#[derive(Debug, Clone, Default)]
pub struct UpOptions {
    /// Box machines may be replaced: somebody said so.
    pub replace: bool,
}

/// What a walk did.
#[derive(Debug)]
pub struct Report {
    /// One for every machine of the plan, in its order; then one for every network and volume that failed.
    pub machines: Vec<MachineResult>,
    /// How everything stands now.
    pub view: View,
    /// From begin to end.
    pub took: Duration,
}

/// What happened to one machine.
#[derive(Debug)]
pub struct MachineResult {
    /// Its name.
    pub name: String,
    /// What had to be done.
    pub verb: Verb,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<Error>,
    /// Steps that ran.
    pub steps: Vec<steps::Ran>,
    /// From begin to end.
    pub took: Duration,
    /// When the work on it began, while something in it may still be starting.
    pub(super) booting_since: Option<Instant>,
}

impl Report {
    /// The first failure; without one, an interruption. What was skipped because of them comes last.
    pub fn error(&self) -> Option<&Error> {
        let failed = self.machines.iter().find(|machine| machine.outcome == Outcome::Failed);
        let errors = || self.machines.iter().filter_map(|machine| machine.error.as_ref());
        failed
            .and_then(|machine| machine.error.as_ref())
            .or_else(|| errors().find(|error| error.kind == Kind::Interrupted))
            .or_else(|| errors().next())
    }
}

/// Carries the plan out. Failures of single machines are in the report; an error means that the walk did not begin.
pub fn up(world: &World, planned: &Planned, options: &UpOptions, context: &Context) -> Result<Report> {
    permitted(planned, options)?;
    remember_providers(world, planned)?;
    with_workshop(world, |workshop| {
        prepare(planned, workshop, context)?;
        walk(world, planned, workshop, context)
    })
}

fn walk(world: &World, planned: &Planned, workshop: &Workshop<'_>, context: &Context) -> Result<Report> {
    let begin = Instant::now();
    let machines: Vec<&Action> = planned.plan.of(Target::Machine).collect();
    context.emit(Event::Begin { machines: machines.iter().map(|action| action.name.clone()).collect() });
    let board = Board::new();
    let things: Vec<&Action> =
        planned.plan.actions.iter().filter(|action| action.target != Target::Machine).collect();
    let mut results = std::thread::scope(|scope| {
        let networks = world.stack.networks.keys().map(|name| (Target::Network, name));
        let volumes = world.stack.volumes.keys().map(|name| (Target::Volume, name));
        let mut due: BTreeMap<(Target, &String), Vec<&Action>> = BTreeMap::new();
        for action in things.into_iter().filter(|one| !matches!(one.verb, Verb::Keep | Verb::Destroy)) {
            due.entry((action.target, &action.name)).or_default().push(action);
        }
        for (target, name) in networks.chain(volumes).filter(|thing| !due.contains_key(thing)) {
            board.reached(&board_name(target, name), Stage::Ready);
        }
        let things: Vec<_> = due
            .into_values()
            .map(|parts| (parts[0], scope.spawn(|| make_thing(world, parts, &board, context))))
            .collect();
        let threads: Vec<_> = machines
            .iter()
            .map(|action| {
                let work = || one_machine(world, planned, action, &board, workshop, context);
                (*action, scope.spawn(work))
            })
            .collect();
        let mut results: Vec<MachineResult> = threads
            .into_iter()
            .map(|(action, thread)| thread.join().unwrap_or_else(|_| crashed(action)))
            .collect();
        for (action, thread) in things {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => results.push(result(action, Err(error), Duration::ZERO)),
                Err(_) => results.push(crashed(action)),
            }
        }
        results
    });
    let gone = planned.plan.of(Target::Network).filter(|action| action.verb == Verb::Destroy);
    for action in things::in_order_of_removal(world, gone, |action| &action.provider) {
        let remove = |provider: &dyn Provider| {
            provider.apply(&world.identity, Operation::RemoveNetwork(&action.name), context)
        };
        if let Err(error) = world.providers.get(&action.provider).and_then(remove) {
            results.push(result(action, Err(error), Duration::ZERO));
        }
    }
    let untouched = planned.plan.is_empty();
    let mut view = if untouched { planned.view.clone() } else { after(world, planned)? };
    keep_ledgers(world, &view);
    let changed = changed(world, planned, &results);
    finish(world, &view, &mut results, &changed, context);
    // Who ran and has no baseline even so may have ended meanwhile.
    let runs = |name: &str| view.observed.machine(name).is_some_and(|one| one.state == State::Running);
    if changed.iter().any(|name| runs(name) && is_unfinished(world, &view.observed, name)) {
        view.observed = observe::observe_beside(world, &BTreeSet::new())?.observed;
    }
    ownership::settle_all(world, &view.observed, context);
    let mut report = Report { machines: results, view, took: begin.elapsed() };
    if !untouched {
        find_dead(world, &mut report, context);
    }
    Ok(report)
}

/// Remembers, before anything is made, which providers have to be asked also when the Envfile names them no more.
fn remember_providers(world: &World, planned: &Planned) -> Result<()> {
    let made = planned.plan.of(Target::Machine).filter(|action| action.verb != Verb::Keep);
    for machine in made.filter_map(|action| world.stack.machines.get(&action.name)) {
        if !world.providers.get(&machine.provider)?.capabilities().existing {
            world.project.remember_provider(&world.identity.name, &machine.provider)?;
        }
    }
    Ok(())
}

/// Machines that are other than they were, now or since a run that was killed, and as they should be. One that was only started
/// is what it was: a new baseline would take all that has changed in it for right.
fn changed(world: &World, planned: &Planned, results: &[MachineResult]) -> BTreeSet<String> {
    let is_left = |name: &str| is_unfinished(world, &planned.view.observed, name);
    let is_new = |result: &&MachineResult| match result.verb {
        Verb::Keep => is_left(&result.name),
        Verb::Start => !result.steps.is_empty() || is_left(&result.name),
        _ => true,
    };
    let ready = results.iter().filter(|result| result.outcome == Outcome::Ready);
    ready.filter(is_new).map(|result| result.name.clone()).collect()
}

/// Refuses what needs somebody's word.
fn permitted(planned: &Planned, options: &UpOptions) -> Result<()> {
    let boxes = planned.plan.replaced_boxes();
    if !options.replace && !boxes.is_empty() {
        let why = |action: &&Action| {
            let fields: Vec<&str> = action.reasons.iter().map(|reason| reason.field.as_str()).collect();
            format!("{} ({})", action.name, fields.join(", "))
        };
        let names = boxes.iter().map(why).collect::<Vec<_>>().join(", ");
        return Err(Error::failed(format!(
            "{names} would be replaced, and whatever people keep in it would be lost"
        ))
        .hint("`env plan` shows why; the option `--replace` agrees to it"));
    }
    let replaced = |action: &&Action| action.verb == Verb::Replace;
    if let Some(action) = planned.plan.of(Target::Volume).find(replaced) {
        return Err(Error::failed(format!(
            "volume {} is declared differently, and changing it would lose its data",
            action.name
        ))
        .hint("`env plan` shows the difference; `env destroy --volumes` removes the data"));
    }
    Ok(())
}

/// Makes a network or volume, or makes it anew: all parts that its providers have of it.
fn make_thing(world: &World, parts: Vec<&Action>, board: &Board, context: &Context) -> Result<()> {
    let name = board_name(parts[0].target, &parts[0].name);
    let _watch = board.watch(&name);
    let call = |provider: &dyn Provider, operation: Operation<'_>| {
        board.call(|| provider.apply(&world.identity, operation, context))
    };
    let result = things::make(world, parts, &call);
    board.reached(&name, if result.is_ok() { Stage::Ready } else { Stage::Failed });
    result
}

fn one_machine(
    world: &World,
    planned: &Planned,
    action: &Action,
    board: &Board,
    workshop: &Workshop<'_>,
    context: &Context,
) -> MachineResult {
    let begin = Instant::now();
    let _watch = board.watch(&action.name);
    let done = match world.stack.machines.get(&action.name).filter(|_| action.verb != Verb::Destroy) {
        Some(machine) => world.providers.get(&machine.provider).and_then(|provider| {
            let work = Work { world, planned, action, machine, provider, board, workshop, context };
            work.run().map_err(|error| egress::suspect(error, provider, &world.identity, &action.name))
        }),
        None => {
            let observed = planned.view.observed.machine(&action.name);
            let networks = &planned.view.observed.networks;
            super::destroy::remove(world, &action.name, observed, networks, context).map(|()| Done {
                outcome: Outcome::Removed,
                steps: Vec::new(),
                is_booting: false,
            })
        }
    };
    if done.is_err() {
        board.reached(&action.name, Stage::Failed);
    }
    let is_booting = done.as_ref().is_ok_and(|done| done.is_booting);
    let booting_since = is_booting.then_some(begin);
    let result = MachineResult { booting_since, ..result(action, done, begin.elapsed()) };
    if !is_booting {
        tell_end(&result, context);
    }
    result
}

/// Tells how it ended with a machine.
pub(super) fn tell_end(result: &MachineResult, context: &Context) {
    context.emit(Event::End {
        machine: result.name.clone(),
        outcome: result.outcome,
        detail: detail(result),
        seconds: result.took.as_secs_f64(),
    });
}

fn result(action: &Action, done: Result<Done>, took: Duration) -> MachineResult {
    let (outcome, error, steps) = match done {
        Ok(done) => (done.outcome, None, done.steps),
        Err(error) => (outcome_of(&error), Some(error), Vec::new()),
    };
    MachineResult {
        name: action.name.clone(),
        verb: action.verb,
        outcome,
        error,
        steps,
        took,
        booting_since: None,
    }
}

/// How it ended with a machine that has come no further: whoever was interrupted, or waited for one that failed, has not failed.
pub(super) fn outcome_of(error: &Error) -> Outcome {
    match error.kind {
        Kind::Interrupted | Kind::Skipped => Outcome::Skipped,
        _ => Outcome::Failed,
    }
}

fn detail(result: &MachineResult) -> String {
    match &result.error {
        Some(error) if error.kind == Kind::Interrupted => "interrupted".to_owned(),
        Some(error) => error.message.clone(),
        None if result.steps.is_empty() => String::new(),
        None => {
            let names: Vec<&str> = result.steps.iter().map(|ran| ran.step.as_str()).collect();
            format!("provisioned {}", names.join(", "))
        }
    }
}

fn crashed(action: &Action) -> MachineResult {
    let error = Error::failed(format!("the work on {} ended with a crash of ours", action.name))
        .hint("please report it with what was printed above");
    result(action, Err(error), Duration::ZERO)
}

/// Observes again; ledgers that may have changed are read from their machines. One that cannot be asked now, and in which no step was
/// begun, is as it was: its copy is still there.
fn after(world: &World, planned: &Planned) -> Result<View> {
    let mut former = BTreeMap::new();
    for action in planned.plan.of(Target::Machine).filter(|action| action.verb != Verb::Keep) {
        if let Some(machine) = planned.view.observed.machine(&action.name) {
            former.extend(
                world.project.ledgers().load(&machine.engine_id).map(|copy| (&machine.engine_id, copy)),
            );
            world.project.ledgers().forget(&machine.engine_id)?;
            if matches!(action.verb, Verb::Replace | Verb::Destroy) {
                world.project.baselines().forget(&machine.engine_id, &machine.engine_name)?;
            }
        }
    }
    let made = planned.plan.of(Target::Machine).filter(|action| {
        let has_env =
            || world.stack.machines.get(&action.name).is_some_and(|machine| !machine.env.is_empty());
        matches!(action.verb, Verb::Create | Verb::Replace) && action.steps.is_empty() && !has_env()
    });
    let blank = made.map(|action| action.name.as_str()).collect();
    let mut view = observe::observe_beside(world, &blank)?;
    for machine in &view.observed.machines {
        if let Some(copy) = former.remove(&machine.engine_id)
            && !view.ledgers.contains_key(&machine.name)
        {
            view.ledgers.insert(machine.name.clone(), copy.ledger);
        }
    }
    Ok(view)
}

/// A machine that ended while others were brought up did not come up; one that ended well may be meant to end.
fn find_dead(world: &World, report: &mut Report, context: &Context) {
    for result in report.machines.iter_mut().filter(|result| result.outcome == Outcome::Ready) {
        let Some(machine) = report.view.observed.machine(&result.name) else { continue };
        let code = machine.exit_code.unwrap_or(0);
        let restarts = world.stack.machines.get(&result.name).is_some_and(|one| one.restart != Restart::No);
        if matches!(machine.state, State::Stopped | State::Completed) && code == 0 && !restarts {
            result.outcome = Outcome::Completed;
            let text = format!(
                "{0} ended by itself with code 0: each `env up` runs it again, unless a machine has \
                 `depends_on = {{ {0} = \"completed\" }}`",
                result.name
            );
            context.emit(Event::Note { text });
        }
        if machine.state != State::Running && code != 0 {
            result.outcome = Outcome::Failed;
            result.error = Some(
                Error::failed(format!("{} started and ended with code {code}", result.name))
                    .hint(format!("`env logs {}` shows what it said", result.name)),
            );
            // What was told before was too early.
            tell_end(result, context);
        }
    }
}
