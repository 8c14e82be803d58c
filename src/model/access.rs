//! What a stack does to the host beyond its own machines: the list that consent is asked for (DESIGN §4.14).
//!
//! Pure. Relies on loading having made host paths absolute and free of symbolic links: what looks inside the project is.

use super::digest::Digester;
use super::machine::{Machine, Port, Source};
use super::stack::{Content, Network, Stack, Volume};
use super::step::{Script, Step, Tool};
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
            let shown = shown_port(port);
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
        machine.provision.iter().for_each(|step| self.step(Some(name), key("provision"), step));
    }

    fn step(&mut self, machine: Option<&str>, key: String, step: &Step) {
        match &step.tool {
            Tool::File(copy) => self.reads(machine, key, &copy.source),
            Tool::Shell(shell) => {
                if let Script::Path(path) = &shell.script {
                    self.reads(machine, key, path);
                }
            }
        }
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

fn shown_port(port: &Port) -> String {
    let host = port.host.map_or_else(|| format!("auto:{}", port.guest), |host| host.to_string());
    format!("{}:{host}/{}", port.host_ip, port.protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::machine::{BoxSource, Device, Folder};
    use crate::model::step::{FileCopy, RunPolicy, Shell};
    use std::collections::{BTreeMap, BTreeSet};

    fn stack() -> Stack {
        Stack {
            name: "shop".into(),
            environment: "dev".into(),
            file: "/srv/shop/Envfile".into(),
            directory: "/srv/shop".into(),
            machines: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            secrets: BTreeMap::new(),
            configs: BTreeMap::new(),
            provision: Vec::new(),
        }
    }

    fn machine() -> Machine {
        Machine::new("web", Source::Box(BoxSource::Named("debian/12".into())))
    }

    fn folder(host: &str, read_only: bool) -> Folder {
        Folder { host: host.into(), guest: "/mnt".into(), read_only }
    }

    fn port(host_ip: &str, host: Option<u16>) -> Port {
        Port { guest: 80, host, host_ip: host_ip.into(), protocol: "tcp".into() }
    }

    fn step(tool: Tool) -> Step {
        Step { index: 1, name: "s".into(), tool, run: RunPolicy::Changed, layer: true, inputs: vec![] }
    }

    fn copy(source: &str) -> Tool {
        let (to, owner, mode, variables) = ("/x".into(), None, None, None);
        Tool::File(FileCopy { source: source.into(), to, owner, mode, variables })
    }

    fn script(script: Script) -> Tool {
        let (args, env, user, working_dir, check) = (vec![], BTreeMap::new(), None, None, None);
        Tool::Shell(Shell { script, args, env, user, working_dir, check })
    }

    /// A stack that does everything that is asked for.
    fn reaching_out() -> Stack {
        let mut web = machine();
        web.sync =
            vec![folder("/srv/shop-data", true), folder("/run/docker.sock", false), folder("/", false)];
        web.ports = vec![port("0.0.0.0", Some(80)), port("::", None)];
        web.devices =
            vec![Device { host: "/dev/kvm".into(), guest: "/dev/kvm".into(), permissions: "rw".into() }];
        web.cap_add = BTreeSet::from(["SYS_ADMIN".to_owned(), "NET_ADMIN".to_owned()]);
        web.security_opt = BTreeSet::from(["seccomp=unconfined".to_owned(), "no-new-privileges".to_owned()]);
        web.privileged = true;
        web.provision = vec![step(copy("/home/me/.ssh")), step(script(Script::Path("/opt/x.sh".into())))];
        let mut stack = stack();
        stack.machines.insert("web".into(), web);
        let network = |name: &str, driver: Option<&str>, external: Option<&str>| {
            let (driver, external) = (driver.map(str::to_owned), external.map(str::to_owned));
            (name.to_owned(), Network { name: name.to_owned(), driver, external, ..Network::default() })
        };
        stack.networks = BTreeMap::from([
            network("lan", Some("macvlan"), None),
            network("corp", None, Some("corp")),
            network("raw", None, Some("host")),
        ]);
        let options = BTreeMap::from([("device".to_owned(), "/etc".to_owned())]);
        let volume = Volume { name: "etc".into(), options, ..Volume::default() };
        stack.volumes.insert("etc".into(), volume);
        stack.secrets.insert("key".into(), Content::File("/home/me/key".into()));
        stack
    }

    #[test]
    fn a_stack_that_stays_at_home_needs_no_consent() {
        let mut web = machine();
        web.sync = vec![folder("/srv/shop", false), folder("/srv/shop/app", false)];
        web.ports = vec![port("127.0.0.1", Some(80)), port("::1", None)];
        web.cap_add = BTreeSet::from(["NET_ADMIN".to_owned()]);
        web.provision = vec![step(copy("/srv/shop/x")), step(script(Script::Inline("true".into())))];
        let mut stack = stack();
        stack.machines.insert("web".into(), web);
        stack.networks.insert("default".into(), Network { name: "default".into(), ..Network::default() });
        stack.volumes.insert("data".into(), Volume { name: "data".into(), ..Volume::default() });
        stack.configs.insert("site".into(), Content::File("/srv/shop/site.conf".into()));
        assert_eq!(host_access(&stack), []);
    }

    #[test]
    fn everything_that_reaches_out_is_told() {
        let told: Vec<String> = host_access(&reaching_out())
            .into_iter()
            .map(|one| format!("{}: {}", one.key, one.what))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
    network.corp.external: machines on corp join the network corp, which is not of this stack
    network.lan.driver: machines on lan use the network driver macvlan, which reaches beyond this host
    network.raw.external: machines on raw use this host's own network
    secret.key.file: the stack gets /home/me/key of this host
    volume.etc.options.device: the volume etc has the driver option device = /etc
    machine.web.cap_add: web has the capability SYS_ADMIN
    machine.web.devices: web uses the device /dev/kvm of this host
    machine.web.ports: web listens on 0.0.0.0:80/tcp, which others can reach
    machine.web.ports: web listens on :::auto:80/tcp, which others can reach
    machine.web.privileged: web is privileged: it can do anything to this host
    machine.web.provision: web gets /home/me/.ssh of this host
    machine.web.provision: web gets /opt/x.sh of this host
    machine.web.security_opt: web runs with seccomp=unconfined
    machine.web.sync: web can control the container engine, and with it this host, through /
    machine.web.sync: web can control the container engine, and with it this host, through /run/docker.sock
    machine.web.sync: web reads /srv/shop-data of this host
    ");
    }

    #[test]
    fn the_digest_is_pinned() {
        let digest = consent_digest(&host_access(&reaching_out()));
        assert_eq!(digest, "c48282e5c67cba9d1f87334da1cfbef10de6ee23fabcba3ab8368337fd1ab0e9");
        assert_ne!(consent_digest(&[]), consent_digest(&host_access(&reaching_out())));
    }
}
