//! Ends the running step.

use std::time::{Duration, Instant};

use envup_agent::Reply;
use rustix::process::{Signal, kill_process};

use super::failure::Failure;
use super::process::session;
use super::store::{Record, Store};
use super::turn::pause;

/// How long a step may take to end by itself.
pub const GRACE: Duration = Duration::from_secs(10);

/// What the supervisor of a step understands: end everything, and end everything by force.
pub const END: Signal = Signal::TERM;
/// See [`END`].
pub const KILL: Signal = Signal::QUIT;

/// How long killed processes may take to vanish; longer only while the kernel is stuck in a file system.
const VANISH: Duration = Duration::from_secs(10);

/// Carries the request out.
pub fn cancel(state_dir: Option<&str>, grace: Duration) -> Result<Reply, Failure> {
    let step = match Store::existing(state_dir) {
        Some(store) => end(&store, grace)?,
        None => None,
    };
    Ok(Reply::Cancelled { step })
}

/// Ends the running step and waits until it is gone. Returns its name.
pub fn end(store: &Store, grace: Duration) -> Result<Option<String>, Failure> {
    let begin = Instant::now();
    let mut ended: Option<Record> = None;
    let mut killed = false;
    loop {
        if store.try_lock()?.is_some() {
            return Ok(ended.map(|record| record.running.name));
        }
        let waited = begin.elapsed();
        let Some(record) = store.record()? else {
            pause(Duration::from_millis(10));
            continue;
        };
        if ended.as_ref().map(|record| record.supervisor) != Some(record.supervisor) {
            signal(&record, END)?;
            ended = Some(record);
        } else if waited > grace && !killed {
            signal(&record, KILL)?;
            killed = true;
        } else if waited > grace + VANISH {
            return Err(Failure::new(format!(
                "the step {} does not end, even when killed",
                record.running.name
            ))
            .hint("restart the machine"));
        }
        pause(Duration::from_millis(20));
    }
}

fn signal(record: &Record, signal: Signal) -> Result<(), Failure> {
    match record.supervisor.signal(signal) {
        Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
        Err(error) => Err(Failure::io(format_args!("cannot end the step {}", record.running.name), error)
            .hint("connect to the machine as root")),
    }
}

/// Kills what is left of a step whose supervisor was killed, so that nothing runs beside the next step.
pub fn kill_leftovers(record: &Record) {
    let Some(leader) = &record.leader else { return };
    // Nobody else's session can have this number while its leader lives.
    if leader.alive() {
        for pid in session(leader.pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
