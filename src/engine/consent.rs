//! What an Envfile does to this host beyond running its own machines (DESIGN §4.14): the list that a user agrees to.
//!
//! A pure function of the stack, but for looking through symbolic links. Asking and recording are the callers' business.

use crate::model::digest::{Digester, short};
use crate::model::machine::{Machine, Source};
use crate::model::stack::{Content, Stack};
use crate::model::step::Tool;
use std::path::{Path, PathBuf};

/// Everything that needs consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touches {
    /// One sentence each, in a fixed order.
    pub items: Vec<String>,
    /// Names exactly this list; consent is bound to it.
    pub digest: String,
}

/// What this stack does to the host.
pub fn touches(stack: &Stack) -> Touches {
    let mut items: Vec<String> = Vec::new();
    for machine in stack.machines.values() {
        items.extend(of_machine(stack, machine));
    }
    for (name, volume) in &stack.volumes {
        if let Some(device) = volume.options.get("device") {
            items.push(format!("volume {name} is {device} of this host"));
        }
    }
    for (kind, contents) in [("config", &stack.configs), ("secret", &stack.secrets)] {
        for (name, content) in contents {
            if let Content::File(path) = content
                && is_outside(stack, path)
            {
                items.push(format!("{kind} {name} is read from {}", path.display()));
            }
        }
    }
    let mut digester = Digester::new("consent/1");
    for item in &items {
        digester.part(item);
    }
    Touches { items, digest: short(&digester.finish()).to_owned() }
}

fn of_machine(stack: &Stack, machine: &Machine) -> Vec<String> {
    let name = &machine.name;
    let mut items = Vec::new();
    if machine.privileged {
        items.push(format!("{name} is privileged: root in it is root on this host"));
    }
    items.extend(machine.cap_add.iter().map(|capability| format!("{name} has the capability {capability}")));
    items
        .extend(machine.security_opt.iter().map(|option| format!("{name} has the security option {option}")));
    items.extend(machine.devices.iter().map(|device| format!("{name} uses the device {}", device.host)));
    for folder in machine.sync.iter().filter(|folder| is_outside(stack, &folder.host)) {
        let verb = if folder.read_only { "reads" } else { "reads and writes" };
        items.push(format!("{name} {verb} {}", folder.host.display()));
    }
    for network in machine.networks.keys().filter_map(|network| stack.networks.get(network)) {
        if network.external.as_deref() == Some("host") || network.driver.as_deref() == Some("host") {
            items.push(format!("{name} uses the network of this host"));
        }
    }
    for port in machine.ports.iter().filter(|port| !is_loopback(&port.host_ip)) {
        let host = port.host.map_or("a free one".to_owned(), |host| host.to_string());
        items.push(format!("{name} opens port {host} on {} to others", port.host_ip));
    }
    if let Source::Build(build) = &machine.source
        && is_outside(stack, &build.context)
    {
        items.push(format!("{name} is built from {}", build.context.display()));
    }
    for step in &machine.provision {
        if let Tool::File(file) = &step.tool
            && is_outside(stack, &file.source)
        {
            items.push(format!("{name} gets a copy of {}", file.source.display()));
        }
    }
    items
}

fn is_loopback(address: &str) -> bool {
    address.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a path leads out of the Envfile's directory, also by a symbolic link.
fn is_outside(stack: &Stack, path: &Path) -> bool {
    let real = |path: &Path| -> PathBuf { path.canonicalize().unwrap_or_else(|_| path.to_owned()) };
    !real(path).starts_with(real(&stack.directory))
}
