//! What every call that can take time is given: a way to be cancelled, a deadline, an observer.

use super::{Event, Observer, Silent};
use crate::model::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Asks running work to end at the next safe point. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    requested: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Cancel {
    /// Asks for the end of the work and wakes whoever sleeps in [`Context::sleep`].
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        let _guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.changed.notify_all();
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }
}

/// Cancel, deadline and observer; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Asks the work to end.
    pub cancel: Cancel,
    /// When the work must have ended.
    pub deadline: Option<Instant>,
    observer: Arc<dyn Observer>,
}

impl Context {
    /// A context that tells `observer`.
    pub fn new(cancel: Cancel, observer: Arc<dyn Observer>) -> Self {
        Self { cancel, deadline: None, observer }
    }

    /// A context that nobody listens to and nobody cancels.
    pub fn silent() -> Self {
        Self::new(Cancel::default(), Arc::new(Silent))
    }

    /// The same, ending `timeout` from now, or at the deadline that is there when it comes first.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        let end = Instant::now() + timeout;
        Self { deadline: Some(self.deadline.map_or(end, |earlier| earlier.min(end))), ..self.clone() }
    }

    /// The same without a deadline, where somebody else keeps the time.
    #[must_use]
    pub fn without_deadline(&self) -> Self {
        Self { deadline: None, ..self.clone() }
    }

    /// The same for work that somebody else cancels.
    #[must_use]
    pub fn cancelled_by(&self, cancel: Cancel) -> Self {
        Self { cancel, ..self.clone() }
    }

    /// The same with one more observer.
    #[must_use]
    pub fn also(&self, other: Arc<dyn Observer>) -> Self {
        let both = Both(self.observer.clone(), other);
        Self { observer: Arc::new(both), ..self.clone() }
    }

    /// Tells the observer.
    pub fn emit(&self, event: Event) {
        self.observer.on(&event);
    }

    /// Fails when the work was cancelled or the deadline is over; `what` says what is being done.
    pub fn check(&self, what: &str) -> Result<()> {
        if self.cancel.requested() {
            return Err(Error::interrupted(what));
        }
        match self.deadline {
            Some(end) if Instant::now() >= end => Err(Error::failed(format!("time ran out while {what}"))),
            _ => Ok(()),
        }
    }

    /// Sleeps, but no longer than until the deadline or until cancelled, which is an error.
    pub fn sleep(&self, duration: Duration, what: &str) -> Result<()> {
        let end = Instant::now() + duration;
        let end = self.deadline.map_or(end, |deadline| deadline.min(end));
        let mut guard = self.cancel.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.check(what)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            guard = self.cancel.0.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Tells two observers, the first one first.
struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

impl Observer for Both {
    fn on(&self, event: &Event) {
        self.0.on(event);
        self.1.on(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn a_sleeper_is_woken_by_cancel() {
        let context = Context::silent();
        let cancel = context.cancel.clone();
        let waker = std::thread::spawn(move || cancel.request());
        let error = context.sleep(Duration::from_secs(600), "testing").unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
        waker.join().unwrap();
    }

    #[test]
    fn the_earlier_deadline_holds() {
        let short = Context::silent().within(Duration::ZERO);
        assert!(
            short
                .within(Duration::from_secs(600))
                .check("testing")
                .unwrap_err()
                .message
                .contains("time ran out")
        );
    }
}
