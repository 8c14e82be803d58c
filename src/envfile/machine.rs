//! One `[machine.NAME]` table.

use super::networks::{self, host_name};
use super::paths::{Want, in_machine, on_host};
use super::table::Table;
use super::value::Value;
use super::{host, kernel, limits, machine_keys, mounts, origin, ports, ready, schema, steps};
use crate::model::machine::{Accel, Condition, Init, Machine, Port, Restart, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Reads a machine; findings are noted. `None` only when nothing useful is left for further checks.
pub(super) fn machine(name: &str, value: &Value) -> Option<Machine> {
    let table = value.table(&[machine_keys::MACHINE], format!("machine {name}"), Some(name))?;
    let source = origin::source(&table);
    let path = |key| table.get(key).and_then(|value: Value| value.parse(in_machine));
    let words = |key| table.get(key).and_then(|value: Value| words(&value));
    let cpus = table.get("cpus").and_then(|value| limits::cpus(&value));
    let (env, env_files) = environment(&table);
    let machine = Machine {
        name: name.to_owned(),
        provider: provider(&table),
        init: init(&table, source.as_ref()),
        command: words("command"),
        entrypoint: words("entrypoint"),
        env,
        env_files,
        working_dir: path("working_dir"),
        user: table.get("user").and_then(|value| value.parse(user)),
        hostname: table.get("hostname").and_then(|value| value.parse(host_name)),
        ports: published(&table),
        expose: exposed(&table),
        volumes: mounts::volumes(&table),
        sync: mounts::folders(&table),
        tmpfs: mounts::tmpfs(&table),
        networks: networks::joined(&table),
        depends_on: dependencies(&table),
        ready: ready::ready(&table),
        restart: table.get("restart").and_then(|value| value.parse(limits::restart)).unwrap_or(Restart::No),
        memory: table.get("memory").and_then(|value| limits::memory(&value)),
        cpus,
        pids: table.get("pids").and_then(|value| limits::pids(&value)),
        shm_size: table.get("shm_size").and_then(|value| limits::size(&value)),
        ulimits: kernel::ulimits(&table),
        sysctls: kernel::sysctls(&table),
        devices: mounts::devices(&table),
        cap_add: kernel::capabilities(&table, "cap_add"),
        cap_drop: kernel::capabilities(&table, "cap_drop"),
        security_opt: table.strings("security_opt"),
        privileged: table.flag("privileged"),
        read_only: table.flag("read_only"),
        platform: table.get("platform").and_then(|value| value.parse(limits::platform)),
        extra_hosts: networks::extra_hosts(&table),
        dns: networks::name_servers(&table),
        labels: schema::labels(&table),
        disk: table.get("disk").and_then(|value| limits::size(&value)),
        accel: table.get("accel").and_then(|value| value.one_of(&ACCELERATIONS)).unwrap_or_default(),
        secrets: table.get("secrets").map(|value| value.names().into_iter().collect()).unwrap_or_default(),
        configs: mounts::configs(&table),
        logging: limits::logging(&table),
        stop_signal: table.get("stop_signal").and_then(|value| value.parse(limits::signal)),
        stop_grace: table.get("stop_grace").and_then(|value| limits::length_of_time(&value)),
        provision: steps::steps(&table, matches!(source, Some(Source::Box(_)))),
        // Cross checks want the machine even when its source is wrong; a stack with findings is never handed out.
        source: source.unwrap_or_else(|| Source::Image(String::new())),
    };
    Some(machine)
}

const ACCELERATIONS: [(&str, Accel); 3] = [("auto", Accel::Auto), ("kvm", Accel::Kvm), ("tcg", Accel::Tcg)];

fn provider(table: &Table) -> String {
    let words = [("docker", "docker"), ("libvirt", "libvirt"), ("host", "host")];
    let value = table.get("provider");
    let provider = value.as_ref().and_then(|value| value.one_of(&words));
    if host::is_host(table) {
        if let (Some(value), Some(maker @ ("docker" | "libvirt"))) = (&value, provider) {
            let why = format!("`{maker}` makes machines, and this one is a host");
            value.refuse_with(why, "leave it out");
        }
        return "host".to_owned();
    }
    provider.unwrap_or("docker").to_owned()
}

fn init(table: &Table, source: Option<&Source>) -> Init {
    let words = [("systemd", Init::Systemd), ("rc", Init::Rc), ("tini", Init::Tini), ("none", Init::None)];
    let default = if matches!(source, Some(Source::Box(_))) { Init::Systemd } else { Init::None };
    table.get("init").and_then(|value| value.one_of(&words)).unwrap_or(default)
}

/// A list as it is, or a string split as a shell splits words.
fn words(value: &Value) -> Option<Vec<String>> {
    if value.is_string() {
        return value.parse(|text| shell_words::split(text).map_err(|_| "a quote is not closed".to_owned()));
    }
    if value.is_list() {
        return Some(value.strings());
    }
    value.wrong_type("a string or a list")
}

fn published(table: &Table) -> Vec<Port> {
    let items = table.get("ports").map(|value| value.items()).unwrap_or_default();
    let mut published = Vec::new();
    for item in &items {
        for port in item.parse(ports::published).unwrap_or_default() {
            item.stands_for(&port.host_side());
            published.push(port);
        }
    }
    published
}

fn exposed(table: &Table) -> BTreeSet<String> {
    let items = table.get("expose").map(|value| value.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.parse(ports::exposed)).flatten().collect()
}

fn user(text: &str) -> Result<String, String> {
    let plain = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == ':');
    let (user, group) = text.split_once(':').unwrap_or((text, "root"));
    if plain(user) && plain(group) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a user such as app or 1000:1000"))
}

/// `env` over the files of `env_file`, later files over earlier ones; and those files.
fn environment(table: &Table) -> (BTreeMap<String, String>, Vec<PathBuf>) {
    let (mut environment, mut files_read) = (BTreeMap::new(), Vec::new());
    if let Some(value) = table.get("env_file") {
        let files = if value.is_string() { vec![value] } else { value.items() };
        for file in files {
            let Some(path) = on_host(&file, Want::File) else { continue };
            let shown = file.string().unwrap_or_default();
            let variables = table.reader.variables_of(&path, &shown);
            files_read.push(path);
            match variables {
                Ok(variables) => environment.extend(variables),
                Err(Some(why)) => file.refuse(why),
                // Already noted at the file's own line.
                Err(None) => {}
            }
        }
    }
    let entries = table.get("env").map(|value| value.entries()).unwrap_or_default();
    for (name, _, value) in entries {
        if name.is_empty() || name.contains(['=', '\0']) {
            value.refuse(format!("`{name}` is not the name of a variable"));
        } else if let Some(text) = value.text() {
            environment.insert(name, text);
        }
    }
    (environment, files_read)
}

/// A list of names, which must be ready, or a table of name to condition.
fn dependencies(table: &Table) -> BTreeMap<String, Condition> {
    let Some(value) = table.get("depends_on") else { return BTreeMap::new() };
    if value.is_list() {
        let names: BTreeSet<String> = value.names().into_iter().collect();
        return names.into_iter().map(|name| (name, Condition::Ready)).collect();
    }
    if !value.is_table() {
        value.wrong_type::<()>("a list or a table");
        return BTreeMap::new();
    }
    let words = [Condition::Started, Condition::Ready, Condition::Completed]
        .map(|condition| (condition.as_str(), condition));
    value.entries().into_iter().filter_map(|(name, _, value)| Some((name, value.one_of(&words)?))).collect()
}
