//! The way from a plan to a stack that is up, shared by `up`, `provision`, `rebuild` and `restart`.

use super::agree;
use super::drift::today;
use super::options::Bringing;
use super::session::{Purpose, Session};
use super::watch::Watch;
use crate::engine::{self, MachineResult, PlanOptions, Report, UpOptions, World};
use crate::event::Outcome;
use crate::model::status::StackStatus;
use crate::model::{Kind, Result};
use crate::state::RunLog;
use crate::ui::human::Summary;
use crate::ui::json::OutcomeLine;
use crate::ui::{error, exit, human, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// When it is set, layers are neither made nor used, as with `--no-layers`: for hosts that live for one run.
const NO_LAYERS_VARIABLE: &str = "ENVUP_NO_LAYERS";

/// Whether this host keeps no layers.
pub fn no_layers(session: &Session) -> bool {
    session.surroundings.variable(NO_LAYERS_VARIABLE).is_some()
}

/// What is wanted.
pub struct Wish<'a> {
    /// The verb, for those who wait for us.
    pub verb: &'static str,
    /// What the command line says.
    pub bringing: &'a Bringing,
    /// What the plan should do beyond what the Envfile says.
    pub options: &'a dyn Fn(&World) -> Result<PlanOptions>,
    /// Whether machines are stopped before they are brought up.
    pub stops_first: bool,
    /// Whether the same is done once more, which must change nothing.
    pub twice: bool,
}

/// How it went.
struct Done {
    world: World,
    report: Report,
    status: StackStatus,
    unchanged: bool,
    log: Option<Arc<RunLog>>,
}

/// Plans and carries out, and shows how it went.
pub fn bring_up(session: &Session, wish: &Wish<'_>) -> Result<u8> {
    let begin = Instant::now();
    let mut watch = session.watch();
    let result = work(session, wish, &watch);
    let slowest = watch.finish();
    let seconds = begin.elapsed().as_secs_f64();
    if session.json {
        let (status, failure) = match &result {
            Ok(done) => (Some(&done.status), done.report.error()),
            Err(failure) => (None, Some(failure)),
        };
        json::line(&session.printer, &OutcomeLine::new(status, seconds, failure));
    }
    let done = result?;
    let Some(failure) = done.report.error() else {
        if !session.json {
            let (status, unchanged) = (&done.status, done.unchanged);
            let summary = Summary { status, seconds, slowest: slowest.as_ref(), unchanged };
            let columns = session.surroundings.screen.result_columns();
            session.printer.summary(&human::up(&summary, columns, session.printer.paint()));
        }
        return Ok(exit::DONE);
    };
    tell_failures(session, &done.world.identity.name, &done.report);
    if let Some(log) = &done.log {
        session.printer.note(&format!("everything that was said is in {}", log.path().display()));
    }
    Ok(exit::of(failure.kind))
}

fn work(session: &Session, wish: &Wish<'_>, watch: &Watch<'_>) -> Result<Done> {
    let world = session.open(&wish.bringing.which, Purpose::Change)?;
    let no_layers = wish.bringing.no_layers || no_layers(session);
    let options = PlanOptions { no_layers, ..(wish.options)(&world)? };
    agree::to_touching(session, &world, wish.bringing.consent.allow.as_deref())?;
    let _lock = session.lock(&world, wish.verb, wish.bringing.waiting.no_wait, &watch.context)?;
    if wish.stops_first {
        let all = world.stack.machines.keys();
        let chosen = |name: &&String| options.machines.is_empty() || options.machines.contains(*name);
        let machines: BTreeSet<String> = all.filter(chosen).cloned().collect();
        engine::stop(&world, &machines, &watch.context)?;
    }
    let planned = engine::plan(&world, &options)?;
    for orphan in &planned.plan.orphans {
        session
            .printer
            .note(&format!("{orphan} is no longer in the Envfile; `env up --remove-orphans` removes it"));
    }
    let replace = agree::to_replacing(session, &planned.plan, wish.bringing.consent.replace)?;
    let unchanged = planned.plan.is_empty();
    // A run that does nothing leaves no log behind.
    let log = (!unchanged).then(|| RunLog::create(&world.project, wish.verb)).transpose()?.map(Arc::new);
    let context = log.iter().fold(watch.context.clone(), |context, log| context.also(log.clone()));
    let up_options = UpOptions { replace };
    let mut report = engine::up(&world, &planned, &up_options, &context)?;
    if wish.twice && report.error().is_none() {
        let again = engine::again(&world, &options, &up_options, &today(), &context)?;
        if let Some(error) = again.error() {
            return Err(error);
        }
        report = again.report;
    }
    let status = status_after(&world, &report);
    Ok(Done { world, report, status, unchanged, log })
}

/// How the machines of the walk stand; of others nobody knows whether they are ready.
fn status_after(world: &World, report: &Report) -> StackStatus {
    let of = |name: &str| report.machines.iter().find(|machine| machine.name == name);
    let is_ready = |machine: &MachineResult| matches!(machine.outcome, Outcome::Ready | Outcome::Completed);
    let ready: Vec<bool> = world.stack.machines.keys().map(|name| of(name).is_some_and(is_ready)).collect();
    let mut status = engine::stack_status(world, &report.view, &ready);
    status.machines.retain(|machine| of(&machine.name).is_some());
    status
}

/// Every failure in full, then where that leaves the stack.
fn tell_failures(session: &Session, project: &str, report: &Report) {
    let paint = session.printer.paint_notes();
    let mut interrupted = false;
    for machine in &report.machines {
        match &machine.error {
            Some(failure) if failure.kind == Kind::Interrupted => interrupted = true,
            // The failure that made it wait in vain is told itself.
            Some(failure) if machine.outcome != Outcome::Skipped => {
                session.printer.error(&error::render(failure, paint));
            }
            _ => {}
        }
    }
    let outcomes: Vec<(&str, Outcome)> =
        report.machines.iter().map(|machine| (machine.name.as_str(), machine.outcome)).collect();
    session.printer.error(&human::not_up(project, &outcomes, interrupted, paint));
}
