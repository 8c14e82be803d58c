//! Where the threads of one walk meet: who is how far, which images are there, how many engine calls may run at once.

use super::together::Meetings;
use crate::event::Context;
use crate::model::machine::Condition;
use crate::model::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How far a machine has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its process runs.
    Started,
    /// It is provisioned and its requirements hold.
    Ready,
    /// It ended with code 0.
    Completed,
    /// It will not come any further.
    Failed,
}

/// Shared by all threads of a walk.
pub struct Board {
    stages: Mutex<BTreeMap<String, Stage>>,
    changed: Condvar,
    permits: Mutex<usize>,
    returned: Condvar,
    images: Mutex<BTreeMap<String, Image>>,
    turns: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    /// Machines that have a step together.
    pub meetings: Meetings,
}

/// The name of an image once it is there, or why it cannot be; whoever comes first finds out for all.
type Image = Arc<OnceLock<Result<String>>>;

/// How many engine calls run at once: more gain nothing (measured: about 95 ms a container, 8 workers are enough).
const PARALLEL_CALLS: usize = 8;

/// How often a waiting thread looks whether the user interrupted.
const GLANCE: Duration = Duration::from_millis(100);

impl Board {
    /// An empty board.
    pub fn new() -> Self {
        Self {
            stages: Mutex::default(),
            changed: Condvar::new(),
            permits: Mutex::new(PARALLEL_CALLS),
            returned: Condvar::new(),
            images: Mutex::default(),
            turns: Mutex::default(),
            meetings: Meetings::default(),
        }
    }

    /// The image of this key, which the first caller makes while the others wait for it.
    pub fn image(&self, key: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let image = images.entry(key.to_owned()).or_default().clone();
        drop(images);
        image.get_or_init(make).clone()
    }

    /// Does some work when nobody else does work of this key.
    pub fn in_turn<T>(&self, key: &str, work: impl FnOnce() -> T) -> T {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(key.to_owned()).or_default().clone();
        drop(turns);
        let _mine = turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// Says that something came so far, and wakes those who wait for it.
    pub fn reached(&self, name: &str, stage: Stage) {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), stage);
        self.changed.notify_all();
    }

    /// Waits until `name` is as far as `condition` asks; fails when it failed.
    pub fn wait_for(&self, name: &str, condition: Condition, context: &Context) -> Result<()> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            context.check(&format!("waiting for {name}"))?;
            match (stages.get(name), condition) {
                (Some(Stage::Failed), _) => return Err(Error::skipped(name)),
                (Some(_), Condition::Started)
                | (Some(Stage::Ready | Stage::Completed), Condition::Ready)
                | (Some(Stage::Completed), Condition::Completed) => return Ok(()),
                _ => {}
            }
            stages = self.changed.wait_timeout(stages, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether something will not come any further.
    pub fn has_failed(&self, name: &str) -> bool {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.get(name) == Some(&Stage::Failed)
    }

    /// While it lives, a crash of this thread counts as a failure of `name`: nobody must wait for it for ever.
    pub fn watch<'a>(&'a self, name: &'a str) -> Watch<'a> {
        Watch { board: self, name }
    }

    /// Runs an engine call when fewer than the limit are under way.
    pub fn call<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        while *permits == 0 {
            permits = self.returned.wait(permits).unwrap_or_else(PoisonError::into_inner);
        }
        *permits -= 1;
        drop(permits);
        let result = work();
        *self.permits.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.returned.notify_one();
        result
    }
}

/// See [`Board::watch`].
pub struct Watch<'a> {
    board: &'a Board,
    name: &'a str,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.board.reached(self.name, Stage::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn an_image_is_made_once() {
        let board = Board::new();
        let made = Mutex::new(0);
        let make = || {
            *made.lock().unwrap() += 1;
            Ok("box:1".to_owned())
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(board.image("debian/12", make).unwrap(), "box:1"));
            }
        });
        assert_eq!(*made.lock().unwrap(), 1);
    }

    #[test]
    fn who_waits_is_woken_or_told_of_the_failure() {
        let board = Board::new();
        let context = Context::silent();
        std::thread::scope(|scope| {
            let ready = scope.spawn(|| board.wait_for("db", Condition::Ready, &context));
            let failed = scope.spawn(|| board.wait_for("cache", Condition::Started, &context));
            board.reached("db", Stage::Started);
            board.reached("cache", Stage::Failed);
            board.reached("db", Stage::Ready);
            ready.join().unwrap().unwrap();
            let skipped = failed.join().unwrap().unwrap_err();
            assert_eq!(
                (skipped.kind, skipped.to_string().as_str()),
                (Kind::Skipped, "needs cache, which failed")
            );
        });
    }
}
