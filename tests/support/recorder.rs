//! An observer that keeps what it is told.

use envup::event::{Event, Observer};
use std::sync::{Mutex, PoisonError};

/// All events so far.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn on(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

impl Recorder {
    /// In the order in which they came.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was told of one machine, a line each, without times.
    pub fn about(&self, name: &str) -> String {
        let lines = self.events().into_iter().filter_map(|event| match event {
            Event::Doing { machine, what } if machine.as_deref() == Some(name) => {
                Some(format!("doing {what}"))
            }
            Event::Output { machine, text, .. } if machine.as_deref() == Some(name) => {
                Some(format!("output {text}"))
            }
            Event::Step { machine, step, status, .. } if machine == name => {
                Some(format!("step {step} {status:?}").to_lowercase())
            }
            Event::Waiting { machine, requirement, .. } if machine == name => {
                Some(format!("waiting {requirement}"))
            }
            Event::End { machine, outcome, detail, .. } if machine == name => {
                Some(format!("end {outcome:?} {detail}").to_lowercase().trim_end().to_owned())
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
