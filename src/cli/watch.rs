//! Who watches the work: people see progress, programs get a line for each event.

use super::options::Waiting;
use super::session::Session;
use super::terminal::{self, Changed};
use crate::engine::World;
use crate::event::{Context, Observer};
use crate::model::Result;
use crate::state::Lock;
use crate::ui::board::StepTime;
use crate::ui::json::JsonLines;
use crate::ui::progress::Progress;
use std::sync::Arc;

/// A watched piece of work; ends when dropped.
pub struct Watch<'a> {
    session: &'a Session,
    progress: Option<Arc<Progress>>,
    terminal: Option<Changed>,
    /// For the calls that do the work.
    pub context: Context,
}

impl Session {
    /// Begins to show what happens.
    pub fn watch(&self) -> Watch<'_> {
        let progress = (!self.json).then(|| Progress::new(&self.printer));
        let observer: Arc<dyn Observer> = match &progress {
            Some(progress) => progress.clone(),
            None => Arc::new(JsonLines(self.printer.clone())),
        };
        self.interrupt.observe_with(Some(observer.clone()));
        let context = Context::new(self.interrupt.cancel.clone(), observer);
        let screen = self.surroundings.screen;
        // Without it lines look a little worse; no reason to fail.
        let terminal = (screen.can_redraw() && screen.stdin_is_terminal).then(terminal::without_marks);
        Watch { session: self, progress, terminal: terminal.and_then(Result::ok), context }
    }
}

impl Session {
    /// The same for verbs whose JSON is one document: no events for programs.
    pub fn watch_quietly(&self) -> Watch<'_> {
        if self.json {
            Watch { session: self, progress: None, terminal: None, context: self.context() }
        } else {
            self.watch()
        }
    }

    /// What verbs begin with that take machines down: they are watched, and nobody else works on the stack meanwhile.
    pub fn taking_down(&self, world: &World, verb: &str, waiting: &Waiting) -> Result<(Watch<'_>, Lock)> {
        let watch = self.watch_quietly();
        let lock = self.lock(world, verb, waiting.no_wait, &watch.context)?;
        Ok((watch, lock))
    }
}

impl Watch<'_> {
    /// Stops showing, so that results can be printed; gives the step that took longest.
    pub fn finish(&mut self) -> Option<StepTime> {
        self.session.interrupt.observe_with(None);
        self.terminal = None;
        let progress = self.progress.as_ref()?;
        progress.finish();
        progress.slowest()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}
