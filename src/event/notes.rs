//! An observer for tests of what is said: it keeps the texts of all notes.

use super::{Event, Observer};
use std::sync::{Mutex, PoisonError};

/// The notes so far.
#[derive(Default)]
pub struct Notes(Mutex<Vec<String>>);

impl Notes {
    /// Their texts, in order.
    pub fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Notes {
    fn on(&self, event: &Event) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        }
    }
}
