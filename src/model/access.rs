//! What a stack does to the host beyond its own machines: the list that consent is asked for.
//!
//! Pure. Relies on loading having made host paths absolute and free of symbolic links: what looks inside the project is.

#[cfg(test)]
mod tests;

use super::digest::Digester;
use super::machine::{Machine, Source};
use super::stack::{Content, Network, Stack, Volume};
use super::step::Step;
use std::net::IpAddr;
use std::path::Path;

/// One thing that touches the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostAccess {
    /// The machine that does it; `None` when it belongs to the stack as a whole.
    pub machine: Option<String>,
    /// The Envfile's key that asks for it: `machine.web.sync`.
    pub key: String,
    /// What exactly: a path, a capability, an address.
    pub value: String,
    /// The same for people: `web mounts /etc of this host`.
    pub what: String,
}

/// Everything in a stack that needs consent, in a stable order.
pub fn host_access(stack: &Stack) -> Vec<HostAccess> {
    let mut list = List { directory: &stack.directory, found: Vec::new() };
    stack.machines.values().for_each(|machine| list.machine(machine));
    stack.networks.values().for_each(|network| list.network(network));
    stack.volumes.values().for_each(|volume| list.volume(volume));
    for (kind, contents) in [("secret", &stack.secrets), ("config", &stack.configs)] {
        for (name, content) in contents {
            if let Content::File(path) = content {
                list.reads(None, format!("{kind}.{name}.file"), path);
            }
        }
    }
    stack.provision.iter().for_each(|step| list.step(None, "provision".to_owned(), &step.step));
    list.found.sort();
    list.found.dedup();
    list.found
}

/// The digest that consent is bound to; the wording for people has no part in it.
pub fn consent_digest(accesses: &[HostAccess]) -> String {
    let mut sorted: Vec<&HostAccess> = accesses.iter().collect();
    sorted.sort();
    let mut digester = Digester::new("consent/1");
    for access in sorted {
        digester.part(access.machine.as_deref().unwrap_or_default()).part(&access.key).part(&access.value);
    }
    digester.finish()
}

/// Capabilities that reach no further than the machine's own namespaces; all others are asked for.
const HARMLESS: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_NICE",
    "SYS_PTRACE",
];

/// Sockets that control an engine, and so the host.
const ENGINE_SOCKETS: &[&str] = &["docker.sock", "podman.sock", "containerd.sock"];

struct List<'a> {
    directory: &'a Path,
    found: Vec<HostAccess>,
}

impl List<'_> {
    fn add(&mut self, machine: Option<&str>, key: String, value: impl Into<String>, what: String) {
        let machine = machine.map(str::to_owned);
        self.found.push(HostAccess { machine, key, value: value.into(), what });
    }

    fn machine(&mut self, machine: &Machine) {
        let name = machine.name.as_str();
        let key = |key: &str| format!("machine.{name}.{key}");
        let directory = self.directory;
        for folder in machine.sync.iter().filter(|folder| !folder.host.starts_with(directory)) {
            let path = folder.host.display().to_string();
            let what = if reaches_engine(&folder.host) {
                format!("{name} can control the container engine, and with it this host, through {path}")
            } else {
                let how = if folder.read_only { "reads" } else { "reads and writes" };
                format!("{name} {how} {path} of this host")
            };
            let mode = if folder.read_only { "ro" } else { "rw" };
            self.add(Some(name), key("sync"), format!("{path}:{mode}"), what);
        }
        for port in machine.ports.iter().filter(|port| !is_loopback(&port.host_ip)) {
            let shown = port.host_side();
            let what = format!("{name} listens on {shown}, which others can reach");
            self.add(Some(name), key("ports"), shown, what);
        }
        for device in &machine.devices {
            let what = format!("{name} uses the device {} of this host", device.host);
            self.add(Some(name), key("devices"), format!("{}:{}", device.host, device.permissions), what);
        }
        for capability in machine.cap_add.iter().filter(|one| !HARMLESS.contains(&one.as_str())) {
            let what = format!("{name} has the capability {capability}");
            self.add(Some(name), key("cap_add"), capability, what);
        }
        for option in machine.security_opt.iter().filter(|option| !option.starts_with("no-new-privileges")) {
            self.add(Some(name), key("security_opt"), option, format!("{name} runs with {option}"));
        }
        if machine.privileged {
            let what = format!("{name} is privileged: it can do anything to this host");
            self.add(Some(name), key("privileged"), "true", what);
        }
        if let Source::Build(build) = &machine.source {
            self.reads(Some(name), key("build"), &build.context);
        }
        machine.env_files.iter().for_each(|path| self.reads(Some(name), key("env_file"), path));
        machine.provision.iter().for_each(|step| self.step(Some(name), key("provision"), step));
    }

    fn step(&mut self, machine: Option<&str>, key: String, step: &Step) {
        step.sources().into_iter().for_each(|path| self.reads(machine, key.clone(), path));
    }

    /// Files from outside the project that end up in a machine.
    fn reads(&mut self, machine: Option<&str>, key: String, path: &Path) {
        if !path.starts_with(self.directory) {
            let path = path.display().to_string();
            let what = format!("{} gets {path} of this host", machine.unwrap_or("the stack"));
            self.add(machine, key, path, what);
        }
    }

    fn network(&mut self, network: &Network) {
        let name = &network.name;
        if let Some(external) = &network.external {
            let what = if external == "host" {
                format!("machines on {name} use this host's own network")
            } else {
                format!("machines on {name} join the network {external}, which is not of this stack")
            };
            self.add(None, format!("network.{name}.external"), external, what);
        }
        if let Some(driver) =
            network.driver.as_ref().filter(|one| !["bridge", "overlay"].contains(&one.as_str()))
        {
            let what =
                format!("machines on {name} use the network driver {driver}, which reaches beyond this host");
            self.add(None, format!("network.{name}.driver"), driver, what);
        }
    }

    fn volume(&mut self, volume: &Volume) {
        let name = &volume.name;
        if let Some(external) = &volume.external {
            let what = format!("the volume {name} is {external}, which is not of this stack");
            self.add(None, format!("volume.{name}.external"), external, what);
        }
        // Options such as `o = "bind"` mount anything of the host.
        for (option, value) in &volume.options {
            let what = format!("the volume {name} has the driver option {option} = {value}");
            self.add(None, format!("volume.{name}.options.{option}"), value, what);
        }
        if let Some(driver) = volume.driver.as_ref().filter(|driver| *driver != "local") {
            let what = format!("the volume {name} is made by the driver {driver}");
            self.add(None, format!("volume.{name}.driver"), driver, what);
        }
    }
}

/// Whether a mount of this path holds an engine's socket.
fn reaches_engine(path: &Path) -> bool {
    let is_socket = path.file_name().is_some_and(|name| ENGINE_SOCKETS.iter().any(|socket| name == *socket));
    is_socket || [Path::new("/"), Path::new("/run"), Path::new("/var"), Path::new("/var/run")].contains(&path)
}

fn is_loopback(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
