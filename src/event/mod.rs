//! What the engine tells while it works, who listens, and the context every long call gets.
//!
//! The engine never prints: it emits [`Event`]s. Human progress, JSON lines and the test recorder are observers.

mod context;
#[cfg(test)]
mod notes;

pub use context::{Cancel, Context};
#[cfg(test)]
pub use notes::Notes;

use serde::Serialize;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Work on these machines begins.
    Begin {
        /// In the order in which they are shown.
        machines: Vec<String>,
    },
    /// A machine's present action; without a machine, the whole stack's.
    Doing {
        /// Machine, when it is about one.
        machine: Option<String>,
        /// Present participle and object: `creating from debian/12`.
        what: String,
    },
    /// How far a download, build or import is.
    Progress {
        /// Machine, when it is about one.
        machine: Option<String>,
        /// What is under way.
        what: String,
        /// Bytes done.
        done: u64,
        /// Bytes in all, when known.
        total: Option<u64>,
    },
    /// A line that a build, a step or a machine wrote.
    Output {
        /// Machine, when it is about one.
        machine: Option<String>,
        /// Step or build that wrote it.
        source: String,
        /// Text without the final newline.
        text: String,
    },
    /// A step began or ended.
    Step {
        /// Machine.
        machine: String,
        /// Name of the step.
        step: String,
        /// How it stands.
        status: StepStatus,
        /// Seconds it took, when ended.
        seconds: Option<f64>,
    },
    /// What a machine waits for.
    Waiting {
        /// Machine.
        machine: String,
        /// What is awaited.
        requirement: String,
        /// What the last probe said.
        detail: String,
    },
    /// Work on a machine ended.
    End {
        /// Machine.
        machine: String,
        /// How.
        outcome: Outcome,
        /// For people: `provisioned ops/base.sh`, or the error.
        detail: String,
        /// Seconds since work on it began.
        seconds: f64,
    },
    /// Something that people should know and that stops nothing.
    Note {
        /// The text.
        text: String,
    },
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It runs.
    Running,
    /// It ran and changed something, as far as is known.
    Changed,
    /// It had nothing to do.
    Unchanged,
    /// It failed.
    Failed,
}

/// How work on a machine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is as declared and ready.
    Ready,
    /// A one-shot machine ended with code 0.
    Completed,
    /// It was stopped, as asked for.
    Stopped,
    /// It was removed, as asked for.
    Removed,
    /// It failed.
    Failed,
    /// Not begun or not ended, because a machine it needs failed or the user interrupted.
    Skipped,
}

/// Listens to events; called from several threads.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on(&self, event: &Event);
}

/// Listens and does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _event: &Event) {}
}
