//! One machine as the Envfile declares it, after interpolation and checks.

mod host;
mod parts;

pub use host::HostAccess;
pub use parts::*;

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
    /// The files of `env_file`, for whoever asks what of the host ends up in the machine.
    pub env_files: Vec<PathBuf>,
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
    /// Networks joined, with the names the machine answers to there. After loading only empty for
    /// a host: `default` is filled in.
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
    /// Size of a VM's disk.
    pub disk: Option<Size>,
    /// How a VM's processor runs.
    pub accel: Accel,
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
            env_files: Vec::new(),
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
            disk: None,
            accel: Accel::Auto,
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

    /// What it is called where one place is meant: its name, but `web@web2.example.org` for each of several hosts.
    pub fn nodes(&self) -> Vec<String> {
        match &self.source {
            Source::Host(access) => access.nodes(&self.name).into_iter().map(|(node, _)| node).collect(),
            _ => vec![self.name.clone()],
        }
    }

    /// Whether several hosts play its role.
    pub fn is_several(&self) -> bool {
        matches!(&self.source, Source::Host(access) if access.hosts.len() > 1)
    }

    /// Whether steps may run in it: a host is only looked at unless the Envfile says otherwise.
    pub fn takes_changes(&self) -> bool {
        !matches!(&self.source, Source::Host(access) if !access.changes_allowed)
    }

    /// What it starts from, for people: `debian/12`, `postgres:16`, `build ./app`; of a host where it is.
    pub fn source_name(&self) -> String {
        match &self.source {
            Source::Box(BoxSource::Named(name)) | Source::Image(name) => name.clone(),
            Source::Box(BoxSource::Url { url, .. }) => url.clone(),
            Source::Build(build) => format!("build {}", build.context.display()),
            Source::Host(access) => access.hosts.join(", "),
        }
    }

    /// Its host name: the given one, else its own name with `_` made `-`.
    pub fn host_name(&self) -> String {
        self.hostname.clone().unwrap_or_else(|| self.name.replace('_', "-"))
    }
}
