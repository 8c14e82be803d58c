//! Runs of `env` that a test ends, or does something beside.

use super::private::pause;
use super::stage::{Stage, program};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A run that goes on until the test ends it.
pub struct Up {
    child: Child,
}

impl Up {
    /// Starts a verb with its options.
    pub fn start(stage: &Stage, uri: &str, words: &str) -> Self {
        let mut command = stage.command(&program("env"), &format!("{words} --json"));
        command.env("LIBVIRT_DEFAULT_URI", uri).stdout(Stdio::piped()).stderr(Stdio::inherit());
        Self { child: command.spawn().unwrap() }
    }

    /// Reads on until it says this; `false` when it ended before.
    pub fn until(&mut self, text: &str) -> bool {
        let lines = BufReader::new(self.child.stdout.as_mut().unwrap()).lines();
        lines.map_while(Result::ok).any(|line| line.contains(text))
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub fn end(mut self) -> i32 {
        while self.until("\u{0}") {}
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// Waits until this is so.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        pause(100);
    }
}
