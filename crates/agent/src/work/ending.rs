//! Waits for the end of a program that the supervisor started, and brings it about when told to.

use std::time::Duration;

use envup_agent::{ExitCodes, StepStatus};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, wait};

use super::cancel;
use super::process::descendants;
use super::sys::Signals;

/// How often to look again at processes that were told to end.
const TICK: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Clone, Copy)]
pub struct Ending {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// It was told to end: then even a success is not the step's own.
    pub told: bool,
}

impl Ending {
    /// What it means, given what the exit codes mean. Whoever was told to end did not come to an end of its own.
    pub fn outcome(&self, codes: &ExitCodes) -> StepStatus {
        match self.exit_code {
            Some(code) if !self.told => codes.outcome(code),
            _ => StepStatus::Failed,
        }
    }
}

/// Waits until `leader` ended; when told to end it, until all its descendants are gone, too.
///
/// Otherwise descendants that go on are left alone: a step may well start a daemon.
pub fn wait_for(leader: Pid, signals: &Signals) -> Ending {
    let mut ending: Option<Ending> = None;
    let mut told = None;
    loop {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == leader {
                let (exit_code, signal) = (status.exit_status(), status.terminating_signal());
                ending = Some(Ending { exit_code, signal, told: told.is_some() });
            }
        }
        match (ending, told) {
            (Some(ending), None) => return ending,
            (Some(ending), Some(_)) if descendants(getpid()).is_empty() => return ending,
            // Again and again: a process that was just being started would be missed.
            (_, Some(Signal::KILL)) => tell(leader, ending.is_none(), Signal::KILL),
            _ => {}
        }
        let signal = signals.wait(if told.is_some() { TICK } else { Duration::from_secs(1) });
        if signal == Some(cancel::END.as_raw()) && told.is_none() {
            told = Some(Signal::TERM);
            tell(leader, ending.is_none(), Signal::TERM);
        } else if signal == Some(cancel::KILL.as_raw()) {
            told = Some(Signal::KILL);
        }
    }
}

/// Signals all descendants; in a machine without /proc at least the leader's process group.
fn tell(leader: Pid, leader_lives: bool, signal: Signal) {
    if leader_lives {
        let _ = kill_process_group(leader, signal);
    }
    for pid in descendants(getpid()) {
        let _ = kill_process(pid, signal);
    }
}
