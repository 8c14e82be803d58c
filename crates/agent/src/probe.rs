//! Waiting until something is there: the request and its answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Wait for all requirements together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// What is awaited.
    pub requirements: Vec<Requirement>,
    /// How long to try; 0 for one single try.
    pub timeout_ms: u64,
    /// The longest pause between two tries; tries begin every 50 ms and become rarer.
    #[serde(default)]
    pub interval_ms: Option<u64>,
}

/// Something that can be found out from inside the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Requirement {
    /// Something accepts connections.
    Tcp {
        /// The port.
        port: u16,
        /// An address, or a name from /etc/hosts; without it the machine itself, by IPv4 or IPv6.
        #[serde(default)]
        host: Option<String>,
    },
    /// A plain http address answers GET with 2xx or 3xx.
    Http {
        /// `http://host[:port][/path]`
        url: String,
    },
    /// A program exits 0 within ten seconds.
    Cmd {
        /// The program and its arguments.
        argv: Vec<String>,
        /// As whom; without it the agent's own user.
        #[serde(default)]
        user: Option<String>,
    },
    /// A path exists.
    File {
        /// The path.
        path: String,
    },
    /// systemd has started everything that belongs to booting; met at once where another init runs.
    Boot {},
    /// Everything in one of these lists is met, one after the other. It is called like the beginning of the first, of which
    /// alone it is told what is missing.
    Any {
        /// At least one; in them are no lists again.
        lists: Vec<Vec<Requirement>>,
    },
}

/// The short name by which people recognise a requirement, such as `tcp 5432`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Requirement::Tcp { port, host: None } => write!(f, "tcp {port}"),
            Requirement::Tcp { port, host: Some(host) } if host.contains(':') => {
                write!(f, "tcp [{host}]:{port}")
            }
            Requirement::Tcp { port, host: Some(host) } => write!(f, "tcp {host}:{port}"),
            Requirement::Http { url } => f.write_str(url),
            Requirement::Cmd { argv, .. } => write!(f, "cmd {}", argv.join(" ")),
            Requirement::File { path } => write!(f, "file {path}"),
            Requirement::Boot {} => f.write_str("boot"),
            Requirement::Any { lists } => match lists.first().and_then(|list| list.first()) {
                Some(first) => first.fmt(f),
                None => f.write_str("nothing"),
            },
        }
    }
}

/// A requirement that is not met, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmet {
    /// The requirement's short name.
    pub requirement: String,
    /// What the last try found, such as `connection refused`.
    pub detail: String,
}

/// The end of the waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeReply {
    /// True if all requirements were met.
    pub ready: bool,
    /// How long it took.
    pub seconds: f64,
    /// What is still missing.
    pub failed: Vec<Unmet>,
}
