//! What plans compare: the same function reads what we would ask for and what the engine reports.
//!
//! Values of the image never count, nor what booting an init adds: they are in neither side's fields.

use super::agent_volume;
use super::labels::Notes;
use super::options::{NO_LIMIT, Options};
use super::sharing;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::size::Size;
use bollard::models::{
    ContainerConfig, EndpointSettings, HostConfig, Mount, MountType, RestartPolicyNameEnum,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Where secrets are seen in a machine.
pub(super) const SECRETS: &str = "/run/secrets";

/// What one side knows of a machine.
pub(super) struct Known<'a> {
    /// Whose machine it is: names of the stack's own networks and volumes are shown without its prefix.
    pub(super) identity: &'a Identity,
    /// Name of the image; its id when the name means another image by now.
    pub(super) image: &'a str,
    pub(super) config: &'a ContainerConfig,
    pub(super) host: &'a HostConfig,
    /// Networks by their name in the engine.
    pub(super) networks: &'a HashMap<String, EndpointSettings>,
    /// The engine's id of the machine, which older engines list among its names.
    pub(super) id: &'a str,
    pub(super) notes: &'a Notes,
}

/// The fields of what we would ask for.
pub(super) fn of_options(identity: &Identity, image: &str, options: &Options) -> Fields {
    fields(&Known {
        identity,
        image,
        config: &options.config,
        host: &options.host,
        networks: &options.networks,
        id: "",
        notes: &options.notes,
    })
}

/// The fields of a machine.
pub(super) fn fields(known: &Known<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.set("image", known.image);
    for (name, value) in known.notes.asked.iter().chain(&known.notes.contents) {
        fields.set(name, value);
    }
    process(&mut fields, known);
    limits(&mut fields, known);
    rights(&mut fields, known);
    names(&mut fields, known);
    ports(&mut fields, known.host);
    storage(&mut fields, known);
    networks(&mut fields, known);
    fields
}

fn process(fields: &mut Fields, known: &Known<'_>) {
    let (config, notes) = (known.config, known.notes);
    let mut declared = |name: &str, value: Option<String>| {
        if notes.declared.contains(name) {
            fields.set_some(name, value);
        }
    };
    declared("command", config.cmd.as_ref().map(shell_words::join));
    declared("entrypoint", config.entrypoint.as_ref().map(shell_words::join));
    declared("user", config.user.clone());
    declared("working_dir", config.working_dir.clone());
    declared("stop_signal", config.stop_signal.clone());
    for variable in config.env.iter().flatten() {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        declared(&format!("env.{name}"), Some(value.to_owned()));
    }
    for (name, value) in config.labels.iter().flatten() {
        declared(&format!("label.{name}"), Some(value.clone()));
    }
    for port in config.exposed_ports.iter().flatten() {
        declared(&format!("expose.{port}"), Some("exposed".to_owned()));
    }
    fields.set_some("hostname", config.hostname.as_ref());
    let grace = config.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok());
    fields.set_some("stop_grace", grace.map(|seconds| human_seconds(Duration::from_secs(seconds))));
}

fn human_seconds(grace: Duration) -> String {
    format!("{}s", grace.as_secs())
}

fn limits(fields: &mut Fields, known: &Known<'_>) {
    let (host, notes) = (known.host, known.notes);
    let positive = |value: Option<i64>| value.filter(|value| *value > 0);
    let size = |value: Option<i64>| positive(value).map(|bytes| Size(bytes as u64));
    fields.set_some("memory", size(host.memory.filter(|bytes| *bytes < NO_LIMIT)));
    let quota = positive(host.cpu_quota)
        .map(|quota| quota as f64 / positive(host.cpu_period).unwrap_or(100_000) as f64);
    let nano = positive(host.nano_cpus).map(|nano| nano as f64 / 1e9);
    fields.set_some("cpus", nano.or(quota));
    fields.set_some("pids", positive(host.pids_limit));
    if notes.declared.contains("shm_size") {
        fields.set_some("shm_size", size(host.shm_size));
    }
    for limit in host.ulimits.iter().flatten() {
        let name = format!("ulimit.{}", limit.name.as_deref().unwrap_or_default());
        // The daemon adds its own defaults to a machine that was started.
        if notes.declared.contains(&name) {
            fields.set(name, format!("{}:{}", limit.soft.unwrap_or(-1), limit.hard.unwrap_or(-1)));
        }
    }
    for (name, value) in host.sysctls.iter().flatten() {
        fields.set(format!("sysctl.{name}"), value);
    }
    if let Some(policy) = &host.restart_policy {
        let times = policy.maximum_retry_count.unwrap_or(0);
        let rule = match policy.name {
            None | Some(RestartPolicyNameEnum::EMPTY | RestartPolicyNameEnum::NO) => None,
            Some(RestartPolicyNameEnum::ON_FAILURE) if times > 0 => Some(format!("on-failure:{times}")),
            Some(name) => Some(name.to_string()),
        };
        fields.set_some("restart", rule);
    }
}

fn rights(fields: &mut Fields, known: &Known<'_>) {
    let (host, notes) = (known.host, known.notes);
    let yes = |value: Option<bool>| value.filter(|value| *value);
    fields.set_some("privileged", yes(host.privileged));
    fields.set_some("read_only", yes(host.readonly_rootfs));
    if yes(host.init).is_some() && !notes.asked.contains_key("init") {
        fields.set("init", "tini");
    }
    let capabilities = |list: &Option<Vec<String>>| {
        joined(list.iter().flatten().map(|name| {
            let name = name.to_ascii_uppercase();
            name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
        }))
    };
    fields.set_some("cap_add", capabilities(&host.cap_add));
    fields.set_some("cap_drop", capabilities(&host.cap_drop));
    let is_privileged = yes(host.privileged).is_some();
    let options = host.security_opt.iter().flatten().filter(|option| {
        // The engine's own addition to a privileged machine; ours to one that boots systemd.
        !(is_privileged && *option == "label=disable" || option.starts_with("writable-cgroups"))
    });
    fields.set_some("security_opt", joined(options.map(|option| security_option(option))));
    for device in host.devices.iter().flatten() {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        fields.set(
            format!("device.{}", text(&device.path_in_container)),
            format!("{}:{}", text(&device.path_on_host), text(&device.cgroup_permissions)),
        );
    }
}

/// A profile is long: its digest tells as well whether it changed.
fn security_option(option: &str) -> String {
    match option.strip_prefix("seccomp=") {
        Some(profile) if profile.starts_with('{') => {
            let digest = crate::model::digest::sha256(profile.as_bytes());
            format!("seccomp=sha256:{}", crate::model::digest::short(&digest))
        }
        _ => option.to_owned(),
    }
}

fn names(fields: &mut Fields, known: &Known<'_>) {
    let (host, notes) = (known.host, known.notes);
    // In a shared network the machine asks whoever answers there.
    let ours = sharing::gives_name_servers(notes);
    // Order matters here: the first server is asked first.
    let servers = host.dns.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    fields.set_some("dns", (!ours && !servers.is_empty()).then_some(servers));
    for line in host.extra_hosts.iter().flatten() {
        let (name, address) = line.split_once([':', '=']).unwrap_or((line, ""));
        fields.set(format!("extra_host.{name}"), address);
    }
}

fn ports(fields: &mut Fields, host: &HostConfig) {
    for (guest, bindings) in host.port_bindings.iter().flatten() {
        let bindings = bindings.iter().flatten().map(|binding| {
            let port = binding.host_port.as_deref().filter(|port| !port.is_empty() && *port != "0");
            format!("{}:{}", binding.host_ip.as_deref().unwrap_or_default(), port.unwrap_or("auto"))
        });
        fields.set_some(&format!("port.{guest}"), joined(bindings));
    }
}

fn storage(fields: &mut Fields, known: &Known<'_>) {
    let (host, notes) = (known.host, known.notes);
    for mount in host.mounts.iter().flatten() {
        let target = mount.target.as_deref().unwrap_or_default();
        if !is_our_own(known.identity, mount) {
            let source = mount.source.as_deref();
            let read_only = mount.read_only == Some(true);
            set_mount(fields, known.identity, mount.typ == Some(MountType::BIND), source, target, read_only);
        }
    }
    for bind in host.binds.iter().flatten() {
        let mut parts = bind.splitn(3, ':');
        let (Some(source), Some(target)) = (parts.next(), parts.next()) else { continue };
        if source.starts_with("/sys/fs/cgroup") {
            continue; // what a booting systemd needs
        }
        let read_only = parts.next().is_some_and(|options| options.split(',').any(|option| option == "ro"));
        set_mount(fields, known.identity, source.starts_with('/'), Some(source), target, read_only);
    }
    let boots_systemd = notes.asked.get("init").is_some_and(|init| init == "systemd");
    for (path, options) in host.tmpfs.iter().flatten() {
        let name = format!("tmpfs.{path}");
        if !boots_systemd || notes.declared.contains(&name) {
            fields.set(name, if options.is_empty() { "mounted" } else { options });
        }
    }
    if let Some(logging) = host.log_config.as_ref().filter(|_| notes.declared.contains("logging")) {
        let options: BTreeMap<_, _> = logging.config.iter().flatten().collect();
        let options = options.into_iter().map(|(name, value)| format!("{name}={value}"));
        let driver = logging.typ.clone().unwrap_or_default();
        fields.set("logging", std::iter::once(driver).chain(options).collect::<Vec<_>>().join(" "));
    }
}

/// Whether a mount is there for envup itself: the agent, the secrets, the configs of a machine with a read-only root.
fn is_our_own(identity: &Identity, mount: &Mount) -> bool {
    let source = mount.source.as_deref().unwrap_or_default();
    let of_stack = source.strip_prefix(&identity.volume(""));
    let target = mount.target.as_deref();
    target == Some(agent_volume::MOUNT)
        || target == Some(SECRETS) && of_stack.is_some_and(|name| name.ends_with(".secrets"))
        || mount.typ == Some(MountType::BIND)
            && source.contains(&format!("/{}", identity.volume("")))
            && source.contains(".configs/")
}

fn set_mount(
    fields: &mut Fields,
    identity: &Identity,
    is_folder: bool,
    source: Option<&str>,
    target: &str,
    read_only: bool,
) {
    let source = match source {
        Some(source) if is_folder => source,
        Some(source) => source.strip_prefix(&identity.volume("")).unwrap_or(source),
        None => "(the machine's own)",
    };
    let kind = if is_folder { "sync" } else { "volume" };
    let suffix = if read_only { " (read-only)" } else { "" };
    fields.set(format!("{kind}.{target}"), format!("{source}{suffix}"));
}

fn networks(fields: &mut Fields, known: &Known<'_>) {
    let prefix = known.identity.network("");
    for (engine_name, endpoint) in known.networks {
        let name = engine_name.strip_prefix(&prefix).unwrap_or(engine_name);
        let aliases = endpoint.aliases.iter().flatten().filter(|alias| {
            // Older engines add the short id.
            alias.len() != 12 || !known.id.starts_with(alias.as_str())
        });
        let aliases = joined(aliases.cloned());
        // In a shared network every machine is given one.
        let given = sharing::gives_address(known.notes, name);
        let address = endpoint.ipam_config.as_ref().and_then(|config| {
            let address = config.ipv4_address.clone().or(config.ipv6_address.clone());
            address.filter(|address| !given && !address.is_empty())
        });
        let mut value = aliases.unwrap_or_else(|| "joined".to_owned());
        if let Some(address) = address {
            value = format!("{value} at {address}");
        }
        fields.set(format!("network.{name}"), value);
    }
}

/// Sorted, without duplicates; `None` when there is nothing.
fn joined(values: impl Iterator<Item = String>) -> Option<String> {
    let sorted: BTreeSet<String> = values.collect();
    (!sorted.is_empty()).then(|| sorted.into_iter().collect::<Vec<_>>().join(", "))
}
