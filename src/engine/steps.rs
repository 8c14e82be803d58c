//! Running steps: those of one machine in order, one over several machines, and keeping ledgers in step with them.

use crate::event::{Context, Event, StepStatus};
use crate::model::duration::human;
use crate::model::machine::Machine;
use crate::model::step::Step;
use crate::model::{Error, Kind, Result};
use crate::provision::{Applied, Failure, Target, Workshop, provisioner};
use crate::transport::{Captured, Command, Transport, agent};
use envup_agent::{Ledger, RecordRequest, Reply, Request};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a step may take to end when the user interrupts, in milliseconds.
const CANCEL_GRACE: u64 = 3000;

/// Says in a ledger that its `files` are all the contents of the machine: what the engine reports of them is older.
pub const CONTENTS_MARK: &str = "contents recorded";

/// A step that ran, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Name of the step.
    pub step: String,
    /// How long it took.
    pub took: Duration,
    /// Whether it changed something, as far as is known.
    pub status: StepStatus,
    /// What its tool says that it changed; `None` when it does not tell.
    pub changes: Option<Vec<String>>,
}

/// Runs the machine's own steps with these keys, in this order.
pub fn run(
    machine: &Machine,
    keys: &[String],
    transport: &dyn Transport,
    workshop: &Workshop<'_>,
    context: &Context,
) -> Result<Vec<Ran>> {
    let mut ran = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        let Some(step) = machine.provision.iter().find(|step| step.key() == *key) else { continue };
        let later = &keys[place + 1..];
        let target = Target { machine: &machine.name, transport, key, later, workshop };
        ran.extend(carry_out(step, &[target], context).into_iter().collect::<Result<Vec<_>>>()?);
    }
    Ok(ran)
}

/// Runs one step over these machines, at once; one result for each.
pub fn carry_out(step: &Step, targets: &[Target<'_>], context: &Context) -> Vec<Result<Ran>> {
    let start = Instant::now();
    let emit = |target: &Target<'_>, status, seconds| {
        let (machine, step) = (target.machine.to_owned(), step.name.clone());
        context.emit(Event::Step { machine, step, status, seconds });
    };
    targets.iter().for_each(|target| emit(target, StepStatus::Running, None));
    let results = apply(step, targets, context)
        .unwrap_or_else(|error| targets.iter().map(|_| Err(error.clone())).collect());
    let judge = |(target, result): (&Target<'_>, Result<Applied>)| {
        let result = result.and_then(|applied| judged(step, target.machine, applied));
        let status = match &result {
            Ok(applied) if applied.reply.status == envup_agent::StepStatus::Unchanged => {
                StepStatus::Unchanged
            }
            Ok(_) => StepStatus::Changed,
            Err(_) => StepStatus::Failed,
        };
        emit(target, status, Some(start.elapsed().as_secs_f64()));
        let changes = result?.changes;
        Ok(Ran { step: step.name.clone(), took: start.elapsed(), status, changes })
    };
    targets.iter().zip(results).map(judge).collect()
}

fn apply(step: &Step, targets: &[Target<'_>], context: &Context) -> Result<Vec<Result<Applied>>> {
    let machines = targets.iter().map(|target| target.machine).collect::<Vec<_>>().join(", ");
    context.check(&format!("running step {} on {machines}", step.name))?;
    let provisioner = provisioner(&step.tool);
    let digest = provisioner.inputs(step)?;
    let results = provisioner.apply_to_all(step, &digest, targets, context);
    let told = |(target, result): (&Target<'_>, Result<Applied>)| {
        result.map_err(|error| {
            if error.kind == Kind::Interrupted {
                end_running_step(target.transport);
            }
            error.context(format!("running step {} on {}", step.name, target.machine))
        })
    };
    Ok(targets.iter().zip(results).map(told).collect())
}

/// What was applied, unless it failed: then why, in the words of its tool.
fn judged(step: &Step, machine: &str, applied: Applied) -> Result<Applied> {
    if applied.reply.status != envup_agent::StepStatus::Failed {
        return Ok(applied);
    }
    let how = match (applied.reply.exit_code, applied.reply.signal) {
        (Some(code), _) => format!("exited {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "failed".to_owned(),
    };
    let took = human(Duration::try_from_secs_f64(applied.reply.seconds).unwrap_or_default());
    let Failure { says, hint } = applied.failure.unwrap_or_default();
    let error = Error::failed(format!("step {} on {machine} {how} after {took}", step.name));
    let error = hint
        .into_iter()
        .fold(error, Error::hint)
        .hint(format!("mend it, then `env up` runs it again; `env shell {machine}` lets you look"));
    let detail = says.unwrap_or(applied.output);
    Err(if detail.is_empty() { error } else { error.detail(detail) })
}

/// The user wants to stop: nothing of ours goes on behind their back.
fn end_running_step(transport: &dyn Transport) {
    let context = Context::silent().within(Duration::from_millis(2 * CANCEL_GRACE));
    // It is the best we can do: the next `up` finds the step running if this fails.
    let _ = agent::call(transport, Request::Cancel { grace_ms: CANCEL_GRACE }, &mut |_| {}, &context);
}

/// Gives a box machine its environment: for logins, and for services started from now on.
pub fn set_environment(
    transport: &dyn Transport,
    variables: &BTreeMap<String, String>,
    context: &Context,
) -> Result<()> {
    let request = Request::Environment { variables: variables.clone() };
    match agent::call(transport, request, &mut |_| {}, context)? {
        Reply::Environment { .. } => Ok(()),
        other => Err(agent::unexpected(&other)),
    }
}

/// Removes files of a box machine: configs that the Envfile no longer puts there.
pub fn remove_files(
    machine: &str,
    paths: &[&str],
    transport: &dyn Transport,
    context: &Context,
) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut output = Captured::default();
    let argv = ["rm", "-f", "--"].into_iter().chain(paths.iter().copied());
    match transport.exec(Command::new(argv), &mut output, context)?.code {
        0 => Ok(()),
        _ => Err(Error::failed(format!("cannot remove {} from machine {machine}", paths.join(", ")))
            .detail(String::from_utf8_lossy(&output.stderr))),
    }
}

/// Records the digests of contents that were put into a living machine.
pub fn record_contents(
    transport: &dyn Transport,
    contents: &BTreeMap<String, String>,
    old: &Ledger,
    context: &Context,
) -> Result<()> {
    let mut files: BTreeMap<String, Option<String>> =
        old.files.keys().map(|name| (name.clone(), None)).collect();
    files.extend(contents.iter().map(|(name, digest)| (name.clone(), Some(digest.clone()))));
    let marks = [(CONTENTS_MARK.to_owned(), Some("yes".to_owned()))].into();
    let request = Request::Record(RecordRequest { files, marks, ..RecordRequest::default() });
    ledger_of(agent::call(transport, request, &mut |_| {}, context)?).map(|_| ())
}

fn ledger_of(reply: Reply) -> Result<Ledger> {
    match reply {
        Reply::Ledger(reply) => Ok(reply.ledger),
        other => Err(agent::unexpected(&other)),
    }
}
