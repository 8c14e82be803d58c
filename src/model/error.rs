//! The one error type: what was attempted on which object, the cause, and the way out.
//!
//! The kind decides the exit code; the text is never parsed.

use std::fmt;

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it was; `ui::exit` maps it to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something was attempted and failed.
    Failed,
    /// The command line or the Envfile is wrong.
    Usage,
    /// A provider cannot be used here; the hint says how to get it.
    Unavailable,
    /// Another process holds the stack's lock and waiting was not wanted.
    Locked,
    /// The user interrupted the work.
    Interrupted,
    /// It was not begun, because something that it needs failed.
    Skipped,
    /// Some part could not be read, so no statement about the whole is possible.
    Incomplete,
}

/// An error: `message` says what was attempted on which object, `causes` why it failed, `hints` what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub kind: Kind,
    /// Lowercase; what was attempted on which object.
    pub message: String,
    /// From the nearest cause to the root.
    pub causes: Vec<String>,
    /// Ways out, in order of likelihood.
    pub hints: Vec<String>,
    /// Text shown verbatim below the message: source excerpts, the last lines of a log.
    pub detail: Option<String>,
    /// What `detail` shows of an Envfile, for programs.
    pub findings: Box<[Finding]>,
}

/// One thing that is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The file, as people know it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Ways out.
    pub hints: Vec<String>,
}

impl Error {
    /// An error of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (causes, hints) = (Vec::new(), Vec::new());
        Self { kind, message: message.into(), causes, hints, detail: None, findings: Box::default() }
    }

    /// Something was attempted and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line or the Envfile is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// It was not begun, because `need` failed.
    pub fn skipped(need: impl fmt::Display) -> Self {
        Self::new(Kind::Skipped, format!("needs {need}, which failed"))
    }

    /// The work was interrupted while doing `what`.
    pub fn interrupted(what: impl fmt::Display) -> Self {
        Self::new(Kind::Interrupted, format!("interrupted while {what}"))
    }

    /// Adds a cause below those already there, with the causes of that cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error) -> Self {
        self.causes.push(cause.to_string());
        let mut next = cause.source();
        while let Some(error) = next {
            let text = error.to_string();
            if self.causes.last().is_none_or(|last| !last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds text to be shown verbatim.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what was being attempted when `self` happened: the old message becomes the first cause.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        let old = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, old);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The findings of an Envfile speak for themselves and have no message above them.
        let first = self.detail.as_deref().and_then(|detail| detail.lines().next()).unwrap_or_default();
        formatter.write_str(if self.message.is_empty() { first } else { &self.message })?;
        for cause in &self.causes {
            write!(formatter, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Says what was attempted when a foreign error came up.
pub trait Attempt<T> {
    /// Turns a foreign error into ours: `message` is what was attempted on which object.
    fn attempt<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: std::error::Error> Attempt<T> for std::result::Result<T, E> {
    fn attempt<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| Error::failed(message()).because(error))
    }
}
