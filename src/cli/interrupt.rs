//! Ctrl-C: the first asks the work to end at the next safe point, the second ends the process at once.

use super::terminal;
use crate::event::{Cancel, Event, Observer};
use crate::model::Result;
use crate::model::error::Attempt;
use crate::ui::exit;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
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
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).attempt(|| "cannot listen to signals")?;
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
