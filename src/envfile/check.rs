//! What can only be checked when the whole stack is known: names that refer to something, cycles, ports taken twice.
//!
//! Pure: stack and positions in, findings out.

use super::nearest;
use super::reader::Spans;
use super::source::{Diagnostic, Source};
use crate::model::machine::{Condition, Init, Machine};
use crate::model::stack::{Network, Stack};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Everything that is wrong between the parts of the stack.
pub(super) fn check(stack: &Stack, spans: &Spans, source: &Rc<Source>) -> Vec<Diagnostic> {
    let mut check = Check { stack, spans, source, found: Vec::new() };
    for machine in stack.machines.values() {
        check.references(machine);
    }
    check.steps();
    check.cycles();
    check.ports();
    check.found
}

/// What is allowed and seldom meant.
pub(super) fn doubts(stack: &Stack) -> Vec<String> {
    let awaited = |name: &str| {
        let waits = |one: &Machine| one.depends_on.get(name) == Some(&Condition::Completed);
        stack.machines.values().any(waits)
    };
    let doubtful = stack.machines.values().filter(|one| !one.provision.is_empty() && awaited(&one.name));
    doubtful
        .map(|machine| {
            format!(
                "machine {} is done when its command ends, and its steps run beside that: \
                 whichever comes first, the other may be cut short",
                machine.name
            )
        })
        .collect()
}

pub(super) struct Check<'a> {
    pub(super) stack: &'a Stack,
    spans: &'a Spans,
    source: &'a Rc<Source>,
    pub(super) found: Vec<Diagnostic>,
}

impl Check<'_> {
    fn references(&mut self, machine: &Machine) {
        let stack = self.stack;
        let base = format!("machine.{}", machine.name);
        let place = format!("machine {}", machine.name);
        for name in machine.depends_on.keys() {
            self.exists(&format!("{base}.depends_on"), "machine", name, &place, stack.machines.keys());
        }
        for name in
            machine.depends_on.iter().filter(|(_, one)| **one == Condition::Completed).map(|(name, _)| name)
        {
            if stack.machines.get(name).is_some_and(|one| matches!(one.init, Init::Systemd | Init::Rc)) {
                let path = format!("{base}.depends_on.{name}");
                let message =
                    format!("{place} waits for {name} to complete, which boots an init and never ends");
                self.found.push(self.at(&path, message).label("such as `ready`"));
            }
        }
        for name in machine.networks.keys() {
            self.exists(&format!("{base}.networks"), "network", name, &place, stack.networks.keys());
        }
        for name in machine.volumes.iter().filter_map(|mount| mount.volume.as_ref()) {
            self.exists(&format!("{base}.volumes"), "volume", name, &place, stack.volumes.keys());
        }
        for name in &machine.secrets {
            self.exists(&format!("{base}.secrets"), "secret", name, &place, stack.secrets.keys());
        }
        for name in machine.configs.keys() {
            self.exists(&format!("{base}.configs"), "config", name, &place, stack.configs.keys());
        }
        for (network, join) in &machine.networks {
            let ranged = |one: &Network| one.subnet.is_some() || one.external.is_some();
            if join.address.is_some() && !stack.networks.get(network).is_none_or(ranged) {
                let path = format!("{base}.networks.{network}.address");
                let message =
                    format!("`address` in {place}: network {network} has no `subnet` to take it from");
                self.found.push(self.at(&path, message));
            }
        }
        self.mounted_twice(machine, &base, &place);
    }

    /// A finding at a path, or at the nearest one around it that has a place.
    pub(super) fn at(&self, path: &str, message: impl AsRef<str>) -> Diagnostic {
        let mut path = path;
        let span = loop {
            if let Some(span) = self.spans.get(path) {
                break span.clone();
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => break 0..0,
            }
        };
        Diagnostic::new(self.source, span, message)
    }

    pub(super) fn exists<'n>(
        &mut self,
        list: &str,
        what: &str,
        name: &str,
        place: &str,
        known: impl Iterator<Item = &'n String> + Clone,
    ) {
        if known.clone().any(|one| one == name) {
            return;
        }
        let mut wrong = self
            .at(&format!("{list}.{name}"), format!("{place} names {what} `{name}`, which is not declared"));
        if let Some(near) = nearest(name, known.map(String::as_str)) {
            wrong = wrong.label(format!("did you mean `{near}`?"));
        } else {
            wrong = wrong.label(format!("declare it: `[{what}.{name}]`"));
        }
        self.found.push(wrong);
    }

    fn mounted_twice(&mut self, machine: &Machine, base: &str, place: &str) {
        let volumes = machine.volumes.iter().map(|one| (format!("volumes.{}", one.path), &one.path));
        let folders = machine.sync.iter().map(|one| (format!("sync.{}", one.guest), &one.guest));
        let tmpfs = machine.tmpfs.keys().map(|path| (format!("tmpfs.{path}"), path));
        let configs = machine.configs.iter().map(|(name, path)| (format!("configs.{name}"), path));
        let mut taken: BTreeSet<&String> = BTreeSet::new();
        for (key, path) in volumes.chain(folders).chain(tmpfs).chain(configs) {
            if !taken.insert(path) {
                let message = format!("{place} has two things at {path}");
                self.found.push(self.at(&format!("{base}.{key}"), message));
            }
        }
    }

    /// Cycles of dependencies, each told from its first machine by name.
    fn cycles(&mut self) {
        let depends_on = |name: &str| -> Vec<&str> {
            let machine = self.stack.machines.get(name);
            machine.into_iter().flat_map(|one| one.depends_on.keys().rev().map(String::as_str)).collect()
        };
        let mut cycles: Vec<Vec<&str>> = Vec::new();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        for start in self.stack.machines.keys() {
            if done.contains(start.as_str()) {
                continue;
            }
            // A list of its own instead of recursion: a chain of thousands must not overflow the thread's stack.
            let mut way: Vec<(&str, Vec<&str>)> = vec![(start, depends_on(start))];
            let mut on_way: BTreeSet<&str> = BTreeSet::from([start.as_str()]);
            while let Some((name, rest)) = way.last_mut() {
                let Some(next) = rest.pop() else {
                    done.insert(name);
                    on_way.remove(name);
                    way.pop();
                    continue;
                };
                if on_way.contains(next) {
                    cycles.push(way.iter().map(|(name, _)| *name).skip_while(|name| *name != next).collect());
                } else if !done.contains(next) {
                    on_way.insert(next);
                    way.push((next, depends_on(next)));
                }
            }
        }
        for mut cycle in cycles {
            let first = (0..cycle.len()).min_by_key(|index| cycle[*index]).unwrap_or(0);
            cycle.rotate_left(first);
            cycle.push(cycle[0]);
            let message = format!("machines wait for each other: {}", cycle.join(" → "));
            let path = format!("machine.{}.depends_on.{}", cycle[0], cycle[1]);
            self.found.push(self.at(&path, message).label("one of these must go"));
        }
    }

    fn ports(&mut self) {
        let mut taken: BTreeMap<(u16, &str), Vec<(&str, &str)>> = BTreeMap::new();
        for machine in self.stack.machines.values() {
            for port in &machine.ports {
                let Some(host) = port.host else { continue };
                let others = taken.entry((host, &port.protocol)).or_default();
                if let Some((_, owner)) = others.iter().find(|(ip, _)| overlap(ip, &port.host_ip)) {
                    let name = port.host_side();
                    let message =
                        format!("{name} of machine {} is published by machine {owner} already", machine.name);
                    let label = format!("another host port, or \"auto:{}\"", port.guest);
                    let path = format!("machine.{}.ports.{name}", machine.name);
                    self.found.push(self.at(&path, message).label(label));
                }
                others.push((&port.host_ip, &machine.name));
            }
        }
    }
}

/// Whether two addresses cannot both listen on one port.
fn overlap(a: &str, b: &str) -> bool {
    let any = |ip: &str| ip == "0.0.0.0" || ip == "::";
    a == b || any(a) || any(b)
}
