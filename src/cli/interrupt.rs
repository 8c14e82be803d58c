//! Ctrl-C: the first asks the work to end at the next safe point, the second ends the process at once.
//!
//! So do SIGTERM and the end of the terminal, which leaves alone who was started to outlive it, as by `nohup`.

use super::terminal;
use crate::event::{Cancel, Event, Observer};
use crate::model::Result;
use crate::model::error::Attempt;
use crate::ui::exit;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};

const NOTICE: &str = "interrupted: finishing the engine calls under way; again stops at once";

/// Listens to signals for as long as the process lives.
#[derive(Clone, Default)]
pub struct Interrupt {
    /// Asks the work to end.
    pub cancel: Cancel,
    observer: Arc<Mutex<Option<Arc<dyn Observer>>>>,
}

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hung_up = (!is_ignored(SIGHUP, &status)).then_some(SIGHUP);
        let asking = [SIGINT, SIGTERM].into_iter().chain(hung_up);
        let mut signals = Signals::new(asking).attempt(|| "cannot listen to signals")?;
        let ours = interrupt.clone();
        std::thread::spawn(move || {
            for _ in &mut signals {
                if ours.cancel.requested() {
                    terminal::restore();
                    signal_hook::low_level::exit(exit::INTERRUPTED.into());
                }
                ours.cancel.request();
                ours.tell();
            }
        });
        Ok(interrupt)
    }

    /// Who is told of the first interruption: whoever shows progress, lest two write over each other.
    pub fn observe_with(&self, observer: Option<Arc<dyn Observer>>) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = observer;
    }

    fn tell(&self) {
        let observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(observer) = observer {
            observer.on(&Event::Note { text: NOTICE.to_owned() });
        }
    }
}

/// Whether a process ignores a signal, by its `status` as proc(5) describes it: one bit for each signal, from 1.
fn is_ignored(signal: c_int, status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    ignored.is_some_and(|bits| bits & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_the_status_of_the_process() {
        let status = "Name:\tenv\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001003\nSigCgt:\t0\n";
        let ignored = [SIGHUP, SIGINT, SIGTERM].map(|signal| is_ignored(signal, status));
        assert_eq!(ignored, [true, true, false]);
        assert!(!is_ignored(SIGHUP, "") && !is_ignored(SIGHUP, "SigIgn:\tnone"));
    }
}
