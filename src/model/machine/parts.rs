//! The parts that a machine's declaration is made of.

use super::host::HostAccess;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a machine starts from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A box by name, `debian/12`; the machine lives like a server.
    Box(BoxSource),
    /// An image of a registry; the machine runs its command.
    Image(String),
    /// An image built by the engine from a Dockerfile.
    Build(Build),
    /// Nothing: it exists already and is reached over ssh.
    Host(HostAccess),
}

/// Where a box comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoxSource {
    /// A recipe's or stored box's name, `debian/12`, perhaps with `@version`.
    Named(String),
    /// A file fetched and verified.
    Url {
        /// Where to fetch it.
        url: String,
        /// Its digest, 64 hexadecimal characters.
        sha256: String,
    },
}

/// An image build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Absolute directory that is sent to the engine.
    pub context: PathBuf,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Stage to stop at.
    pub target: Option<String>,
}

/// What runs as process 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// The distribution's systemd: the default for a box.
    Systemd,
    /// A small init that runs the rc scripts.
    Rc,
    /// The engine's own tiny init, which reaps and forwards signals.
    Tini,
    /// The command itself: the default for an image.
    None,
}

/// How a VM's processor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accel {
    /// On the host's processor where that works, else in software.
    #[default]
    Auto,
    /// On the host's processor, or not at all.
    Kvm,
    /// In software.
    Tcg,
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Port in the machine.
    pub guest: u16,
    /// Port on the host; `None` for `auto:`, when a free one is picked.
    pub host: Option<u16>,
    /// Address on the host; loopback unless the Envfile says otherwise.
    pub host_ip: String,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// A volume attached to a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeMount {
    /// Name of the volume in the stack; `None` for one that goes with the machine.
    pub volume: Option<String>,
    /// Absolute path in the machine.
    pub path: String,
    /// Whether the machine can only read it.
    pub read_only: bool,
}

/// A folder of the host seen in a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder {
    /// Absolute path on the host.
    pub host: PathBuf,
    /// Absolute path in the machine.
    pub guest: String,
    /// Whether the machine can only read it.
    pub read_only: bool,
    /// Where it is copied: what is left out, by patterns of rsync.
    pub exclude: Vec<String>,
    /// Where it is copied: whether what git ignores is left out.
    pub gitignore: bool,
}

/// How a machine joins a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkJoin {
    /// Further names it answers to there, besides its own.
    pub aliases: BTreeSet<String>,
    /// Fixed address there.
    pub address: Option<String>,
}

/// How far another machine must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Its process runs.
    Started,
    /// Its `ready` holds; the default.
    Ready,
    /// It ended with code 0.
    Completed,
}

/// What the engine does when process 1 ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Nothing.
    #[default]
    No,
    /// Start it again, however it ended.
    Always,
    /// Start it again when it failed, at most so often (0: without limit).
    OnFailure(u32),
    /// Start it again unless it was stopped by hand.
    UnlessStopped,
}

/// A device of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    /// Path on the host.
    pub host: String,
    /// Path in the machine.
    pub guest: String,
    /// Some of `rwm`.
    pub permissions: String,
}

/// Log driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The engine's name for it.
    pub driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

impl Condition {
    /// As the Envfile writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Completed => "completed",
        }
    }
}

impl std::fmt::Display for Restart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::No => formatter.write_str("no"),
            Self::Always => formatter.write_str("always"),
            Self::OnFailure(0) => formatter.write_str("on-failure"),
            Self::OnFailure(times) => write!(formatter, "on-failure:{times}"),
            Self::UnlessStopped => formatter.write_str("unless-stopped"),
        }
    }
}

impl Port {
    /// Where it listens, for people: `127.0.0.1:8080/tcp`; `auto:80` stands for a port that is picked.
    pub fn host_side(&self) -> String {
        let ip =
            if self.host_ip.contains(':') { format!("[{}]", self.host_ip) } else { self.host_ip.clone() };
        let host = self.host.map_or_else(|| format!("auto:{}", self.guest), |host| host.to_string());
        format!("{ip}:{host}/{}", self.protocol)
    }
}
