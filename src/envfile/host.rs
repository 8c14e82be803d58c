//! A machine that is an existing host: where it is, how ssh gets in, and which keys mean something there.

use super::machine_keys;
use super::networks::{host_name, ip_address};
use super::table::Table;
use super::value::Value;
use crate::model::machine::HostAccess;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Keys that only a host has.
pub(super) const HOST_KEYS: [&str; 4] = ["host", "hosts", "ssh", "changes"];

/// All keys that mean something for a host. The others say how a machine is made, and it exists already.
pub(super) const KEPT_BY_HOSTS: [&str; 8] =
    ["host", "hosts", "ssh", "changes", "provider", "depends_on", "ready", "provision"];

/// Whether the machine is a host: it says so, or where one is.
pub(super) fn is_host(machine: &Table) -> bool {
    let provider = machine.map.get("provider").and_then(|value| value.get_ref().as_str());
    provider == Some("host") || machine.has("host") || machine.has("hosts")
}

/// Reads how the host is reached; findings are noted.
pub(super) fn access(machine: &Table) -> Option<HostAccess> {
    for key in machine.map.keys().map(|key| key.get_ref().as_ref()) {
        if machine.knows(key) && !KEPT_BY_HOSTS.contains(&key) {
            let message = "has no effect on a host, which exists already";
            machine.get(key).into_iter().for_each(|value| value.refuse(message));
        }
    }
    let hosts = hosts(machine);
    let ssh = machine.get("ssh").and_then(|value| value.part(machine_keys::SSH));
    let path = |key| ssh.as_ref().and_then(|ssh| ssh.get(key)).and_then(|value| path(&value));
    let user = |value: Value| value.parse(|text| word(text, "a user"));
    let changes =
        machine.get("changes").and_then(|value| value.one_of(&[("allowed", true), ("refused", false)]));
    Some(HostAccess {
        user: ssh.as_ref().and_then(|ssh| ssh.get("user")).and_then(user),
        port: ssh.as_ref().and_then(|ssh| ssh.get("port")).and_then(|value| port(&value)),
        identity: path("identity"),
        config: path("config"),
        known_hosts: path("known_hosts"),
        sudo: ssh.as_ref().is_some_and(|ssh| ssh.flag("sudo")),
        changes_allowed: changes.unwrap_or(false),
        hosts: hosts?,
    })
}

/// Says that keys of a host stand where there is none.
pub(super) fn refuse_elsewhere(machine: &Table) {
    for value in HOST_KEYS.iter().filter_map(|key| machine.get(key)) {
        value.refuse_with("is only for an existing host", "it needs `host` or `hosts`");
    }
}

fn hosts(machine: &Table) -> Option<Vec<String>> {
    let one = machine.get("host").map(|value| value.parse(address).into_iter().collect());
    let several = machine.get("hosts").map(|value| {
        let mut seen = BTreeSet::new();
        let items = value.items();
        if value.is_list() && items.is_empty() {
            value.refuse("names no host");
        }
        let twice = |item: &Value| item.refuse("is there twice");
        let new = |(item, host): (&Value, String)| {
            let new = seen.insert(host.clone());
            if !new {
                twice(item);
            }
            new.then_some(host)
        };
        items.iter().filter_map(|item| Some((item, item.parse(address)?))).filter_map(new).collect()
    });
    match (one, several) {
        (Some(hosts), None) | (None, Some(hosts)) => Some(hosts),
        (Some(_), Some(_)) => {
            let several = machine.get("hosts")?;
            several.refuse("there is `host` already, one of the two says where the machine is");
            None
        }
        (None, None) => {
            machine
                .refuse(format!("{} does not say where it is", machine.place), "it needs `host` or `hosts`");
            None
        }
    }
}

/// A name, address or alias of the ssh configuration.
fn address(text: &str) -> Result<String, String> {
    if text.contains('@') {
        return Err(format!("`{text}` has a user, which belongs to `ssh = {{ user = … }}`"));
    }
    host_name(text)
        .or_else(|_| ip_address(text))
        .map_err(|_| format!("`{text}` is not a host such as db1.example.org"))
}

/// A word that ssh cannot take for an option.
fn word(text: &str, what: &str) -> Result<String, String> {
    if text.is_empty()
        || text.starts_with('-')
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(format!("`{text}` is not {what}"));
    }
    Ok(text.to_owned())
}

fn port(value: &Value) -> Option<u16> {
    let number = value.integer()?;
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    if port.is_none() {
        value.refuse(format!("`{number}` is not a port"));
    }
    port
}

/// A path of the host's that need not exist: keys are not on every computer that reads the Envfile.
fn path(value: &Value) -> Option<PathBuf> {
    let text = value.string()?;
    if text.is_empty() {
        value.refuse("the path is empty");
    } else if text.starts_with('~') {
        value.refuse_with(format!("`~` is not replaced in `{text}`"), "write `${HOME}`");
    } else {
        return Some(value.reader.directory.join(text));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_never_options() {
        for text in ["db1.example.org", "10.0.0.5", "fd00::1", "prod_db"] {
            assert!(address(text).is_ok(), "{text}");
        }
        for text in ["", "-oProxyCommand=x", "root@db1", "a b", "ssh://db1"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert!(word("deploy", "a user").is_ok() && word("-l", "a user").is_err());
    }
}
