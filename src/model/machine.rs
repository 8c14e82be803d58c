//! One machine as the Envfile declares it, after interpolation and checks.

use super::ready::Ready;
use super::size::Size;
use super::step::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A machine of the stack. Optional keys that the Envfile does not give are `None` or empty: the engine's default holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Its key in the Envfile.
    pub name: String,
    /// What it starts from.
    pub source: Source,
    /// Which provider runs it: `docker`, `libvirt`, `host`.
    pub provider: String,
    /// What runs as process 1.
    pub init: Init,
    /// Arguments of the process, instead of the image's.
    pub command: Option<Vec<String>>,
    /// The program, instead of the image's.
    pub entrypoint: Option<Vec<String>>,
    /// Environment, `env_file` already merged under `env`.
    pub env: BTreeMap<String, String>,
    /// Working directory of the process.
    pub working_dir: Option<String>,
    /// User (and group) of the process, as `user[:group]`.
    pub user: Option<String>,
    /// Host name; the machine's name when not given.
    pub hostname: Option<String>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Ports told to other machines' people only, as `80/tcp`.
    pub expose: BTreeSet<String>,
    /// Volumes attached.
    pub volumes: Vec<VolumeMount>,
    /// Folders of the host seen in the machine.
    pub sync: Vec<Folder>,
    /// Temporary file systems: path to mount options.
    pub tmpfs: BTreeMap<String, String>,
    /// Networks joined, with the names the machine answers to there. Never empty after loading: `default` is filled in.
    pub networks: BTreeMap<String, NetworkJoin>,
    /// Machines that must have come so far before this one starts.
    pub depends_on: BTreeMap<String, Condition>,
    /// When the machine counts as ready.
    pub ready: Option<Ready>,
    /// What the engine does when process 1 ends.
    pub restart: Restart,
    /// Limit of memory.
    pub memory: Option<Size>,
    /// Limit of processor time, in processors.
    pub cpus: Option<f64>,
    /// Limit of the number of processes.
    pub pids: Option<i64>,
    /// Size of /dev/shm.
    pub shm_size: Option<Size>,
    /// Resource limits: name to (soft, hard).
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// Kernel parameters of the machine's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Host devices seen in the machine.
    pub devices: Vec<Device>,
    /// Capabilities added.
    pub cap_add: BTreeSet<String>,
    /// Capabilities taken away.
    pub cap_drop: BTreeSet<String>,
    /// Security options as the engine takes them.
    pub security_opt: BTreeSet<String>,
    /// All capabilities and devices; needs consent.
    pub privileged: bool,
    /// Root file system mounted read-only.
    pub read_only: bool,
    /// `linux/amd64` and the like.
    pub platform: Option<String>,
    /// Further lines of /etc/hosts: name to address.
    pub extra_hosts: BTreeMap<String, String>,
    /// Name servers.
    pub dns: Vec<String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// Names of the stack's secrets, seen at /run/secrets/NAME.
    pub secrets: BTreeSet<String>,
    /// Name of a stack's config to its path in the machine.
    pub configs: BTreeMap<String, String>,
    /// Log driver and its options.
    pub logging: Option<Logging>,
    /// Signal that asks process 1 to end.
    pub stop_signal: Option<String>,
    /// Time between asking process 1 to end and killing it.
    pub stop_grace: Option<Duration>,
    /// Provisioning steps in order.
    pub provision: Vec<Step>,
}

/// What a machine starts from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A box by name, `debian/12`; the machine lives like a server.
    Box(BoxSource),
    /// An image of a registry; the machine runs its command.
    Image(String),
    /// An image built by the engine from a Dockerfile.
    Build(Build),
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

impl Machine {
    /// A machine for which the Envfile says nothing but what it starts from. It joins no network yet.
    pub fn new(name: impl Into<String>, source: Source) -> Self {
        let init = if matches!(source, Source::Box(_)) { Init::Systemd } else { Init::None };
        Self {
            name: name.into(),
            source,
            provider: "docker".to_owned(),
            init,
            command: None,
            entrypoint: None,
            env: BTreeMap::new(),
            working_dir: None,
            user: None,
            hostname: None,
            ports: Vec::new(),
            expose: BTreeSet::new(),
            volumes: Vec::new(),
            sync: Vec::new(),
            tmpfs: BTreeMap::new(),
            networks: BTreeMap::new(),
            depends_on: BTreeMap::new(),
            ready: None,
            restart: Restart::No,
            memory: None,
            cpus: None,
            pids: None,
            shm_size: None,
            ulimits: BTreeMap::new(),
            sysctls: BTreeMap::new(),
            devices: Vec::new(),
            cap_add: BTreeSet::new(),
            cap_drop: BTreeSet::new(),
            security_opt: BTreeSet::new(),
            privileged: false,
            read_only: false,
            platform: None,
            extra_hosts: BTreeMap::new(),
            dns: Vec::new(),
            labels: BTreeMap::new(),
            secrets: BTreeSet::new(),
            configs: BTreeMap::new(),
            logging: None,
            stop_signal: None,
            stop_grace: None,
            provision: Vec::new(),
        }
    }

    /// Whether it lives like a server, and so is never replaced without consent.
    pub fn is_box(&self) -> bool {
        matches!(self.source, Source::Box(_))
    }

    /// What it starts from, for people: `debian/12`, `postgres:16`, `build ./app`.
    pub fn source_name(&self) -> String {
        match &self.source {
            Source::Box(BoxSource::Named(name)) | Source::Image(name) => name.clone(),
            Source::Box(BoxSource::Url { url, .. }) => url.clone(),
            Source::Build(build) => format!("build {}", build.context.display()),
        }
    }

    /// Its host name: the given one, else its own name with `_` made `-`.
    pub fn host_name(&self) -> String {
        self.hostname.clone().unwrap_or_else(|| self.name.replace('_', "-"))
    }
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
