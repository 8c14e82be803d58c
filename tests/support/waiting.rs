//! Waiting for what other processes bring about: for a condition, never for a time.

use std::time::{Duration, Instant};

/// Waiting for anything longer than this is in vain.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "in vain: {what}");
        pause();
    }
}

/// Lets other processes go on for a moment.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
