//! Readiness as data: what is awaited, how it is probed, what to do if it never comes.

use std::time::Duration;

/// When a machine counts as ready: all requirements hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// All of them must hold.
    pub requirements: Vec<Requirement>,
    /// Longest time between two probes; they begin 50 ms apart.
    pub interval: Option<Duration>,
    /// How long it may take.
    pub timeout: Duration,
}

/// One requirement, probed inside the machine (a log line is watched from outside).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A TCP port accepts connections.
    Tcp(u16),
    /// A URL, seen from the machine, answers below 400.
    Http(String),
    /// A command exits 0.
    Command(Vec<String>),
    /// A file exists.
    File(String),
    /// A line of the machine's log matches a regular expression.
    Log(String),
}

/// How long readiness may take when the Envfile does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

impl std::fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(port) => write!(formatter, "tcp {port}"),
            Self::Http(url) => formatter.write_str(url),
            Self::Command(argv) => write!(formatter, "`{}`", argv.join(" ")),
            Self::File(path) => write!(formatter, "file {path}"),
            Self::Log(pattern) => write!(formatter, "log line /{pattern}/"),
        }
    }
}
