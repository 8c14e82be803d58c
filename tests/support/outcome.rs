//! What came out of a run, and what a test expects of it. Every complaint shows all there is.

use std::path::Path;
use std::process::Output;

/// Exit code and what was written, with the project's own place as `[PLACE]`.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; 128 plus the signal's number when one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    pub(super) fn new(output: Output, place: &Path) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let place = place.to_string_lossy();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&*place, "[PLACE]");
        let signal = output.status.signal().map(|signal| 128 + signal);
        Self {
            code: output.status.code().or(signal).unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// It must end with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// It must succeed.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Standard output must be this.
    #[track_caller]
    pub fn stdout_is(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "{self}");
        self
    }

    /// Standard output must have this in it.
    #[track_caller]
    pub fn stdout_has(self, expected: &str) -> Self {
        assert!(self.stdout.contains(expected), "no {expected:?} in stdout\n{self}");
        self
    }

    /// Standard error must have this in it.
    #[track_caller]
    pub fn stderr_has(self, expected: &str) -> Self {
        assert!(self.stderr.contains(expected), "no {expected:?} in stderr\n{self}");
        self
    }

    /// Standard error must be empty.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert_eq!(self.stderr, "", "{self}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}\n{self}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let line =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {error}\n{self}"));
        self.stdout.lines().map(line).collect()
    }

    /// All of it, for snapshots.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text += &format!("--- {name}\n{}\n", stream.trim_end());
            }
        }
        text + &format!("--- exit {}", self.code)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.shown())
    }
}
