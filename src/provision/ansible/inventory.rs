//! Which host of the inventories each machine of the stack is, and what an overlay beside them says. Pure.
//!
//! The inventories stay as they are. The overlay is a further one with host variables of its own, which win over all others of
//! inventories: it says how each machine is reached, and of all other hosts that nothing is done to them.

use crate::model::machine::{Machine, Source};
use crate::model::stack::Stack;
use crate::model::step::{Ansible, Members};
use crate::model::{Error, Result};
use crate::transport::ssh::SshTarget;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the inventories have, from `ansible-inventory --list`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Names of hosts.
    pub hosts: BTreeSet<String>,
    /// Names of groups.
    pub groups: BTreeSet<String>,
}

/// The name for the connection and become plugins.
pub const PLUGIN: &str = "envup";

impl Inventory {
    /// From the document that `ansible-inventory --list` prints.
    pub fn read(document: &Value) -> Self {
        let mut inventory = Self::default();
        for (name, part) in document.as_object().into_iter().flatten() {
            let names = if name == "_meta" {
                let hosts = part.get("hostvars").and_then(Value::as_object);
                hosts.into_iter().flatten().map(|(host, _)| host.clone()).collect::<Vec<_>>()
            } else {
                inventory.groups.insert(name.clone());
                let hosts = part.get("hosts").and_then(Value::as_array).into_iter().flatten();
                hosts.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            inventory.hosts.extend(names);
        }
        inventory
    }

    /// The host that each machine of the stack is.
    pub fn names(&self, ansible: &Ansible, stack: &Stack) -> Result<BTreeMap<String, String>> {
        let mut names = BTreeMap::new();
        for machine in stack.machines.values().filter(|machine| !machine.is_several()) {
            let name = self.name(ansible, machine)?;
            if let Some((other, _)) = names.iter().find(|(_, taken)| **taken == name) {
                return Err(Error::usage(format!(
                    "{other} and {} are both {name} of the inventory",
                    machine.name
                ))
                .hint("`hosts = { … }` of the step says which host each machine is"));
            }
            names.insert(machine.name.clone(), name);
        }
        Ok(names)
    }

    fn name(&self, ansible: &Ansible, machine: &Machine) -> Result<String> {
        let known = |name: &str| self.hosts.contains(name);
        if let Some(given) = ansible.hosts.get(&machine.name) {
            if known(given) {
                return Ok(given.clone());
            }
            let near = self.hosts.iter().min_by_key(|host| strsim::damerau_levenshtein(host, given));
            let error =
                Error::usage(format!("the inventory has no host `{given}`, which {} is to be", machine.name));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("it has no hosts at all"),
            });
        }
        let own = machine.name.clone();
        let mut candidates = vec![own.clone(), machine.host_name()];
        if let Source::Host(access) = &machine.source {
            candidates.extend(access.hosts.first().cloned());
        }
        if let Some(found) = candidates.into_iter().find(|name| known(name)) {
            return Ok(found);
        }
        if self.groups.contains(&own) {
            return Err(Error::usage(format!("the inventory has a group `{own}`, and no host of that name"))
                .hint(format!("say which of its hosts the machine is: `hosts = {{ {own} = \"…\" }}`")));
        }
        Ok(own)
    }

    /// The overlay's own inventory: every host, and the groups that machines join.
    pub fn overlay(&self, ansible: &Ansible, names: &BTreeMap<String, String>, members: &[&str]) -> Value {
        let all: BTreeSet<&String> = self.hosts.iter().chain(names.values()).collect();
        let hosts = |names: &mut dyn Iterator<Item = &String>| {
            names.map(|name| (name.clone(), json!({}))).collect::<Map<String, Value>>()
        };
        let mut children = Map::new();
        for (group, joins) in &ansible.groups {
            let is_in = |machine: &str| match joins {
                Members::All => members.contains(&machine),
                Members::Named(named) => named.contains(machine),
            };
            let mut joined = names.iter().filter(|(machine, _)| is_in(machine)).map(|(_, name)| name);
            children.insert(group.clone(), json!({ "hosts": hosts(&mut joined) }));
        }
        json!({ "all": { "hosts": hosts(&mut all.into_iter()), "children": children } })
    }

    /// What `--limit` says: the hosts of these machines, and this host itself unless it is one of the inventories'.
    pub fn limit(&self, names: &BTreeMap<String, String>, members: &[&str]) -> String {
        let mut hosts: Vec<&str> =
            members.iter().filter_map(|machine| Some(names.get(*machine)?.as_str())).collect();
        if !self.hosts.contains("localhost") {
            hosts.push("localhost");
        }
        hosts.join(",")
    }
}

/// How a machine is reached: by our own plugin, or over ssh where it is a host.
pub fn variables(machine: &Machine, control: &str) -> Value {
    let Source::Host(access) = &machine.source else {
        let mut variables = json!({
            "ansible_connection": PLUGIN,
            "ansible_become_method": PLUGIN,
            "ansible_host": machine.name,
            "ansible_pipelining": true,
            "envup_machine": machine.name,
        });
        if machine.is_box() {
            variables["ansible_python_interpreter"] = "/usr/bin/python3".into();
        }
        return variables;
    };
    let mut variables = of_host(&SshTarget::of(access, access.hosts.first().map_or("", String::as_str)));
    variables["ansible_host_key_checking"] = true.into();
    variables["ansible_control_path_dir"] = control.into();
    variables
}

/// How Ansible reaches a host over ssh, as strictly as we do.
pub fn of_host(target: &SshTarget) -> Value {
    let mut variables = json!({
        "ansible_connection": "ssh",
        "ansible_host": target.host,
        "ansible_ssh_common_args": shell_words::join(target.options()),
    });
    for (name, value) in [
        ("ansible_user", target.user.clone().map(Value::from)),
        ("ansible_port", target.port.map(Value::from)),
        (
            "ansible_ssh_private_key_file",
            target.identity.as_ref().map(|key| key.display().to_string().into()),
        ),
    ] {
        if let Some(value) = value {
            variables[name] = value;
        }
    }
    variables
}

/// Of a host that is no machine of the stack: our plugin refuses what no machine stands behind.
pub fn closed(host: &str) -> Value {
    json!({ "ansible_connection": PLUGIN, "ansible_host": host, "envup_machine": "" })
}

/// The variables of the overlay that something beside the playbook overrides: host and variable.
pub fn overridden(document: &Value, wanted: &BTreeMap<String, Value>) -> Option<(String, String)> {
    let given = document.get("_meta").and_then(|meta| meta.get("hostvars"));
    for (host, variables) in wanted {
        let Some(given) = given.and_then(|given| given.get(host)) else { continue };
        let differs =
            |(name, value): (&String, &Value)| (given.get(name) != Some(value)).then(|| name.clone());
        if let Some(name) = variables.as_object().into_iter().flatten().find_map(differs) {
            return Some((host.clone(), name));
        }
    }
    None
}

#[cfg(test)]
mod tests;
