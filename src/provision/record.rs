//! The ledgers of machines that a tool on this host works on: nobody in the machine sees such a step run.
//!
//! Before the run the step is recorded as interrupted, so that one whose end nobody saw runs again.

use super::Target;
use crate::event::Context;
use crate::model::Result;
use crate::model::step::Step;
use crate::transport::agent;
use envup_agent::{LedgerStatus, RecordRequest, Reply, Request, StepEntry, StepReply, StepStatus};
use std::time::SystemTime;

/// Records that the step begins in all of these machines.
pub fn begins(step: &Step, digest: &str, targets: &[Target<'_>], context: &Context) -> Result<()> {
    std::thread::scope(|scope| {
        let begin = |target: &Target<'_>| {
            let steps = vec![entry(step, digest, target, None)];
            record(
                RecordRequest { steps, forget: target.later.to_vec(), ..RecordRequest::default() },
                target,
                context,
            )
        };
        let threads: Vec<_> = targets.iter().map(|target| scope.spawn(move || begin(target))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(super::crashed())))
    })
}

/// Records how it ended in one of them.
pub fn ended(
    step: &Step,
    digest: &str,
    target: &Target<'_>,
    reply: &StepReply,
    context: &Context,
) -> Result<()> {
    let steps = vec![entry(step, digest, target, Some(reply))];
    record(RecordRequest { steps, ..RecordRequest::default() }, target, context)
}

fn record(request: RecordRequest, target: &Target<'_>, context: &Context) -> Result<()> {
    match agent::call(target.transport, Request::Record(request), &mut |_| {}, context)? {
        Reply::Ledger(_) => Ok(()),
        other => Err(agent::unexpected(&other)),
    }
}

fn entry(step: &Step, digest: &str, target: &Target<'_>, reply: Option<&StepReply>) -> StepEntry {
    let status = match reply.map(|reply| reply.status) {
        None => LedgerStatus::Interrupted,
        Some(StepStatus::Failed) => LedgerStatus::Failed,
        Some(StepStatus::Changed | StepStatus::Unchanged) => LedgerStatus::Applied,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    StepEntry {
        key: target.key.to_owned(),
        name: step.name.clone(),
        digest: digest.to_owned(),
        status,
        changed: reply.is_none_or(|reply| reply.status != StepStatus::Unchanged),
        exit_code: reply.and_then(|reply| reply.exit_code),
        signal: None,
        finished: now.as_secs(),
        seconds: reply.map_or(0.0, |reply| reply.seconds),
    }
}
