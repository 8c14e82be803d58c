//! A machine of the Envfile as the engine's options: pure, the same for creating and for describing.
//!
//! What booting an init needs is not here: it depends on the engine and is added when the machine is created.

use super::labels::{self, Kind, Labels, Notes};
use super::{layers, sharing, volumes};
use crate::model::id::Identity;
use crate::model::machine::{Init, Machine, Port, Restart, VolumeMount};
use crate::model::stack::{Network, Volume};
use crate::provider::NewMachine;
use bollard::models::{
    ContainerConfig, DeviceMapping, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig,
    Mount, MountType, MountVolumeOptions, PortBinding, PortMap, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use std::collections::HashMap;

/// The length of the period that limits of processor time are counted in, in microseconds.
pub(super) const CPU_PERIOD: i64 = 100_000;

/// So much memory that it counts as no limit: an exbibyte.
pub(super) const NO_LIMIT: i64 = 1 << 60;

/// Everything a create call says.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    /// The process.
    pub(super) config: ContainerConfig,
    /// Its surroundings.
    pub(super) host: HostConfig,
    /// Networks by their name in the engine.
    pub(super) networks: HashMap<String, EndpointSettings>,
    /// What labels remember.
    pub(super) notes: Notes,
}

impl Options {
    /// Sets a variable of the process and of every command run in the machine, unless it is set. systemd does not hand it on
    /// to services, but steps have it.
    pub(super) fn set_missing(&mut self, name: &str, value: &str) {
        let environment = self.config.env.get_or_insert_default();
        if !environment.iter().any(|line| line.split('=').next() == Some(name)) {
            environment.push(format!("{name}={value}"));
        }
    }
}

/// The options of a machine.
pub(super) fn options(identity: &Identity, new: &NewMachine<'_>) -> Options {
    let machine = new.machine;
    let mut notes = Notes { contents: new.contents.clone(), ..Notes::default() };
    ask(&mut notes, machine);
    sharing::note(&mut notes, new);
    let mut options = Options {
        config: process(machine, &starting_image(new), &mut notes),
        host: surroundings(machine, &mut notes),
        networks: networks(identity, new),
        notes,
    };
    if machine.dns.is_empty() {
        options.host.dns = some(sharing::name_servers(new));
    }
    options.host.mounts = Some(mounts(identity, new));
    // The first network is the one the machine gets its way out by; the others are joined besides.
    options.host.network_mode = machine.networks.keys().next().map(|name| {
        let external = new.networks.iter().find(|network| network.name == *name);
        network_name(identity, name, external.copied())
    });
    options
}

/// The image that a machine is made from: a layer is one too.
fn starting_image(new: &NewMachine<'_>) -> String {
    new.layer.map_or_else(|| new.image.to_owned(), layers::reference)
}

/// All labels of a machine.
pub(super) fn machine_labels(identity: &Identity, new: &NewMachine<'_>, notes: &Notes) -> Labels {
    let mut all = labels::common(identity, new.environment, Kind::Machine, &new.machine.name);
    labels::of_machine(&mut all, new);
    notes.write(&mut all);
    all.extend(owned(labels::users(&new.machine.labels)));
    all
}

/// A network's name in the engine.
pub(super) fn network_name(identity: &Identity, name: &str, network: Option<&Network>) -> String {
    network.and_then(|network| network.external.clone()).unwrap_or_else(|| identity.network(name))
}

/// A volume's name in the engine.
pub(super) fn volume_name(identity: &Identity, name: &str, volume: Option<&Volume>) -> String {
    volume.and_then(|volume| volume.external.clone()).unwrap_or_else(|| identity.volume(name))
}

/// Notes what no engine reports.
fn ask(notes: &mut Notes, machine: &Machine) {
    let mut asked = |name: &str, value: String| notes.asked.insert(name.to_owned(), value);
    match machine.init {
        Init::Systemd => asked("init", "systemd".to_owned()),
        Init::Rc => asked("init", "rc".to_owned()),
        // The engine reports its own init, and none.
        Init::Tini | Init::None => None,
    };
    if let Some(platform) = &machine.platform {
        asked("platform", platform.clone());
    }
    // In a box that lives on, configs can come, go and move; elsewhere only a new machine gets them in another place.
    let is_fixed = !machine.is_box() || machine.read_only;
    for (name, path) in machine.configs.iter().filter(|_| is_fixed) {
        // Not `config.…`, which a box can take on while it lives.
        asked(&format!("config_path.{name}"), path.clone());
    }
}

fn process(machine: &Machine, image: &str, notes: &mut Notes) -> ContainerConfig {
    let mut config = ContainerConfig {
        image: Some(image.to_owned()),
        hostname: Some(machine.host_name()),
        stop_timeout: machine.stop_grace.map(|grace| grace.as_secs_f64().ceil() as i64),
        ..ContainerConfig::default()
    };
    let mut declared = |name: &str, is_set: bool| {
        if is_set {
            notes.declare(name);
        }
    };
    declared("command", machine.command.is_some());
    declared("entrypoint", machine.entrypoint.is_some());
    declared("user", machine.user.is_some());
    declared("working_dir", machine.working_dir.is_some());
    declared("stop_signal", machine.stop_signal.is_some());
    config.cmd = machine.command.clone();
    config.entrypoint = machine.entrypoint.clone();
    config.user = machine.user.clone();
    config.working_dir = machine.working_dir.clone();
    config.stop_signal = machine.stop_signal.clone();
    // systemd does not hand its own environment on: the engine puts it into the box through the agent, where it can be
    // changed in the living machine too. So for a box it is none of our fields.
    if machine.init != Init::Systemd || !machine.is_box() {
        config.env = some(machine.env.iter().map(|(name, value)| format!("{name}={value}")).collect());
    }
    if !machine.is_box() {
        machine.env.keys().for_each(|name| declared(&format!("env.{name}"), true));
    }
    for (name, _) in labels::users(&machine.labels) {
        declared(&format!("label.{name}"), true);
    }
    config.labels = Some(owned(labels::users(&machine.labels)));
    for port in &machine.expose {
        declared(&format!("expose.{}", with_protocol(port)), true);
    }
    let exposed = machine.expose.iter().map(|port| with_protocol(port));
    let published = machine.ports.iter().map(guest_port);
    let ports: std::collections::BTreeSet<String> = exposed.chain(published).collect();
    config.exposed_ports = (!ports.is_empty()).then(|| ports.into_iter().collect());
    config
}

fn surroundings(machine: &Machine, notes: &mut Notes) -> HostConfig {
    machine.ulimits.keys().for_each(|name| notes.declare(format!("ulimit.{name}")));
    machine.tmpfs.keys().for_each(|path| notes.declare(format!("tmpfs.{path}")));
    if machine.shm_size.is_some() {
        notes.declare("shm_size");
    }
    if machine.logging.is_some() {
        notes.declare("logging");
    }
    HostConfig {
        memory: machine.memory.map(|size| size.0 as i64),
        // A quota and not `NanoCpus`: only a quota can be lifted again while the machine runs.
        cpu_period: machine.cpus.map(|_| CPU_PERIOD),
        cpu_quota: machine.cpus.map(cpu_quota),
        pids_limit: machine.pids,
        shm_size: machine.shm_size.map(|size| size.0 as i64),
        restart_policy: Some(restart_policy(machine.restart)),
        init: (machine.init == Init::Tini || machine.init == Init::Rc).then_some(true),
        privileged: machine.privileged.then_some(true),
        readonly_rootfs: machine.read_only.then_some(true),
        port_bindings: some(port_bindings(&machine.ports)),
        tmpfs: some(machine.tmpfs.clone().into_iter().collect()),
        sysctls: some(machine.sysctls.clone().into_iter().collect()),
        ulimits: some(machine.ulimits.iter().map(ulimit).collect()),
        devices: some(machine.devices.iter().map(device).collect()),
        cap_add: some(machine.cap_add.iter().cloned().collect()),
        cap_drop: some(machine.cap_drop.iter().cloned().collect()),
        security_opt: some(machine.security_opt.iter().cloned().collect()),
        dns: some(machine.dns.clone()),
        extra_hosts: some(machine.extra_hosts.iter().map(|(name, ip)| format!("{name}:{ip}")).collect()),
        log_config: machine.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: Some(logging.driver.clone()),
            config: Some(logging.options.clone().into_iter().collect()),
        }),
        ..HostConfig::default()
    }
}

/// Nothing at all instead of something empty.
fn some<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

/// Processors as the engine counts them: microseconds of processor time in each period.
pub(super) fn cpu_quota(cpus: f64) -> i64 {
    (cpus * CPU_PERIOD as f64).round() as i64
}

/// The engine's form of a restart rule.
pub(super) fn restart_policy(restart: Restart) -> RestartPolicy {
    let (name, times) = match restart {
        Restart::No => (RestartPolicyNameEnum::NO, 0),
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, 0),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, 0),
        Restart::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, i64::from(times)),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: Some(times) }
}

fn owned<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> Labels {
    labels.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn with_protocol(port: &str) -> String {
    if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") }
}

fn guest_port(port: &Port) -> String {
    format!("{}/{}", port.guest, port.protocol)
}

fn port_bindings(ports: &[Port]) -> PortMap {
    let mut bindings = PortMap::new();
    for port in ports {
        let binding = PortBinding {
            host_ip: Some(port.host_ip.clone()),
            host_port: Some(port.host.map(|host| host.to_string()).unwrap_or_default()),
        };
        bindings
            .entry(guest_port(port))
            .or_insert_with(|| Some(Vec::new()))
            .get_or_insert_default()
            .push(binding);
    }
    bindings
}

fn ulimit((name, (soft, hard)): (&String, &(i64, i64))) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.clone()), soft: Some(*soft), hard: Some(*hard) }
}

fn device(device: &crate::model::machine::Device) -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(device.host.clone()),
        path_in_container: Some(device.guest.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

fn mounts(identity: &Identity, new: &NewMachine<'_>) -> Vec<Mount> {
    let machine = new.machine;
    let folders = machine.sync.iter().map(|folder| Mount {
        typ: Some(MountType::BIND),
        source: Some(folder.host.display().to_string()),
        target: Some(folder.guest.clone()),
        read_only: Some(folder.read_only),
        ..Mount::default()
    });
    let volumes = machine.volumes.iter().map(|mount| {
        let volume = new.volumes.iter().find(|volume| Some(&volume.name) == mount.volume.as_ref()).copied();
        let mut mounted = volume_mount(identity, mount, volume);
        if new.stands_for.is_some() && mount.volume.is_some() {
            // What a snapshot found empty stays empty.
            mounted.volume_options.get_or_insert_default().no_copy = Some(true);
        }
        mounted
    });
    folders.chain(volumes).collect()
}

fn volume_mount(identity: &Identity, mount: &VolumeMount, volume: Option<&Volume>) -> Mount {
    // Labelled here too: should the volume have gone meanwhile, the engine makes it again, and it is still ours.
    let labels = match (&mount.volume, volume) {
        (Some(_), Some(volume)) if volume.external.is_none() => {
            Some(volumes::volume_labels(identity, volume))
        }
        _ => None,
    };
    Mount {
        typ: Some(MountType::VOLUME),
        source: mount.volume.as_ref().map(|name| volume_name(identity, name, volume)),
        target: Some(mount.path.clone()),
        read_only: Some(mount.read_only),
        volume_options: labels
            .map(|labels| MountVolumeOptions { labels: Some(labels), ..MountVolumeOptions::default() }),
        ..Mount::default()
    }
}

fn networks(identity: &Identity, new: &NewMachine<'_>) -> HashMap<String, EndpointSettings> {
    let find = |name: &str| new.networks.iter().find(|network| network.name == name).copied();
    new.machine
        .networks
        .keys()
        .map(|name| {
            let engine_name = network_name(identity, name, find(name));
            let endpoint = endpoint(new, name, &engine_name);
            (engine_name, endpoint)
        })
        .collect()
}

/// How a machine joins a network: it answers to its own name, its host name and the given ones.
pub(super) fn endpoint(new: &NewMachine<'_>, network: &str, engine_name: &str) -> EndpointSettings {
    if matches!(engine_name, "host" | "none" | "bridge") {
        // The engine's own networks know neither names nor fixed addresses.
        return EndpointSettings::default();
    }
    let machine = new.machine;
    let join = machine.networks.get(network);
    let mut aliases = join.map(|join| join.aliases.clone()).unwrap_or_default();
    aliases.insert(machine.name.clone());
    aliases.insert(machine.host_name());
    let address = sharing::address(new, network).or_else(|| join.and_then(|join| join.address.clone()));
    EndpointSettings {
        aliases: Some(aliases.into_iter().collect()),
        ipam_config: address.map(|address| {
            if address.contains(':') {
                EndpointIpamConfig { ipv6_address: Some(address), ..EndpointIpamConfig::default() }
            } else {
                EndpointIpamConfig { ipv4_address: Some(address), ..EndpointIpamConfig::default() }
            }
        }),
        ..EndpointSettings::default()
    }
}
