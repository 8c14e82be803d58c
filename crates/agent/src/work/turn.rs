//! Waiting for the machine's lock while another step holds it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use envup_agent::{LedgerStatus, OnBusy, StepEntry, StepReply, StepRequest, StepStatus};

use super::answers::Answers;
use super::cancel;
use super::failure::Failure;
use super::store::{Lock, Record, Store};
use super::tail::Tail;

/// Pause while the lock is held for a moment only, by somebody who runs no step.
const BRIEFLY: Duration = Duration::from_millis(10);

/// What the waiting led to.
pub enum Turn {
    /// The lock is ours.
    Ours(Lock),
    /// The step we wanted to run was running already, and this is how it ended.
    Shared(StepReply),
}

/// Takes the lock for a step.
pub fn take(store: &Store, request: &StepRequest, answers: &mut Answers) -> Result<Turn, Failure> {
    if request.on_busy == OnBusy::End {
        cancel::end(store, cancel::GRACE)?;
    }
    let (lock, seen) = wait(store, answers)?;
    let shared = seen.filter(|record| is_same(record, request)).and_then(|record| finished(store, &record));
    Ok(match shared {
        Some(entry) => Turn::Shared(reply(&entry)),
        None => Turn::Ours(lock),
    })
}

/// Takes the lock, and shows what the step that holds it does. Tells which one that was.
pub fn wait(store: &Store, answers: &mut Answers) -> Result<(Lock, Option<Record>), Failure> {
    let mut last = None;
    loop {
        if let Some(lock) = store.try_lock()? {
            return Ok((lock, last));
        }
        match store.record()? {
            Some(record) => {
                answers.waiting(&record.running.name, seconds_since(record.running.since))?;
                let lock = follow(store, &record, answers)?;
                last = Some(record);
                if let Some(lock) = lock {
                    return Ok((lock, last));
                }
            }
            None => pause(BRIEFLY),
        }
    }
}

/// Passes the output on until the lock is ours, or another step has it.
fn follow(store: &Store, record: &Record, answers: &mut Answers) -> Result<Option<Lock>, Failure> {
    let mut tail = Tail::open(&store.log(&record.running.key));
    loop {
        let quiet = tail.pump(answers)?;
        let lock = store.try_lock()?;
        let other = |now: Record| now.supervisor != record.supervisor;
        if lock.is_some() || store.record()?.is_some_and(other) {
            tail.finish(answers)?;
            return Ok(lock);
        }
        pause(quiet);
    }
}

fn is_same(record: &Record, request: &StepRequest) -> bool {
    record.running.key == request.key && record.running.digest == request.digest
}

/// The ledger's entry of exactly this run, if it came to an end of its own.
fn finished(store: &Store, record: &Record) -> Option<StepEntry> {
    let ledger = store.ledger().ok()?;
    let entry = ledger.step(&record.running.key)?;
    let of_this_run = entry.digest == record.running.digest && entry.finished >= record.running.since;
    (of_this_run && entry.status != LedgerStatus::Interrupted).then(|| entry.clone())
}

fn reply(entry: &StepEntry) -> StepReply {
    StepReply {
        status: match entry.status {
            LedgerStatus::Applied if entry.changed => StepStatus::Changed,
            LedgerStatus::Applied => StepStatus::Unchanged,
            LedgerStatus::Failed | LedgerStatus::Interrupted => StepStatus::Failed,
        },
        exit_code: entry.exit_code,
        signal: entry.signal,
        seconds: entry.seconds,
        attached: true,
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn seconds_since(since: u64) -> f64 {
    now().saturating_sub(since) as f64
}

#[allow(clippy::disallowed_methods)] // the agent has no Context: it ends when its caller does not need it any more
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
