//! What plans compare: the same function reads what we would ask for and what libvirt reports.

use crate::domain::{CPUS, MEMORY, Shape};
use crate::labels::Labels;
use crate::volumes;
use envup::model::fields::Fields;
use envup::model::id::Identity;
use envup::model::machine::{Accel, Machine, Port};
use envup::model::observed::Contents;
use envup::model::size::Size;
use std::collections::{BTreeMap, BTreeSet};

/// Stands for a volume that goes with its machine.
const OWN: &str = "(the machine's own)";

/// Notes that a machine is given: all that its document does not tell as it was asked for.
pub fn notes(labels: &mut Labels, machine: &Machine, image: &str, contents: &Contents) {
    labels.machine.image = image.to_owned();
    labels.machine.source = machine.source_name();
    labels.machine.contents = contents.clone();
    let asked = &mut labels.asked;
    asked.insert("hostname".to_owned(), machine.host_name());
    if let Some(disk) = machine.disk {
        asked.insert("disk".to_owned(), disk.to_string());
    }
    match machine.accel {
        Accel::Auto => {}
        Accel::Kvm => drop(asked.insert("accel".to_owned(), "kvm".to_owned())),
        Accel::Tcg => drop(asked.insert("accel".to_owned(), "tcg".to_owned())),
    }
    for (name, join) in &machine.networks {
        let aliases = join.aliases.iter().cloned().collect::<Vec<_>>().join(", ");
        let names = if aliases.is_empty() { "joined".to_owned() } else { aliases };
        let value =
            join.address.as_ref().map_or_else(|| names.clone(), |address| format!("{names} at {address}"));
        asked.insert(format!("network.{name}"), value);
    }
    for (name, address) in &machine.extra_hosts {
        asked.insert(format!("extra_host.{name}"), address.clone());
    }
    if !machine.dns.is_empty() {
        asked.insert("dns".to_owned(), machine.dns.join(", "));
    }
    for (name, value) in &machine.sysctls {
        asked.insert(format!("sysctl.{name}"), value.clone());
    }
    for folder in &machine.sync {
        let mut value = folder.host.display().to_string();
        let left_out =
            folder.exclude.iter().map(String::as_str).chain(folder.gitignore.then_some("what git ignores"));
        let left_out: Vec<&str> = left_out.collect();
        if !left_out.is_empty() {
            value += &format!(" (without {})", left_out.join(", "));
        }
        asked.insert(format!("sync.{}", folder.guest), value);
    }
    for (path, options) in &machine.tmpfs {
        let value = if options.is_empty() { "mounted" } else { options };
        asked.insert(format!("tmpfs.{path}"), value.to_owned());
    }
    for (name, value) in &machine.labels {
        asked.insert(format!("label.{name}"), value.clone());
    }
    for mount in &machine.volumes {
        let name = mount.volume.as_deref().unwrap_or(OWN);
        let value = if mount.read_only { format!("{name} (read-only)") } else { name.to_owned() };
        asked.insert(format!("volume.{}", mount.path), value);
    }
    ask_ports(labels, machine);
}

/// Notes which ports are asked for, and no others.
pub fn ask_ports(labels: &mut Labels, machine: &Machine) {
    labels.asked.retain(|name, _| !name.starts_with("port."));
    labels.asked.extend(by_guest(&machine.ports));
}

/// The shape that a machine is declared to have, but for hardware addresses and ports that are picked.
pub fn declared(identity: &Identity, machine: &Machine) -> Shape {
    Shape {
        memory: machine.memory.unwrap_or(MEMORY).0,
        cpus: machine.cpus.map_or(CPUS, |cpus| cpus.ceil().max(1.0) as u64),
        networks: machine.networks.keys().map(|name| (identity.network(name), String::new())).collect(),
        ports: machine.ports.clone(),
        volumes: volumes_of(machine).map(|name| volumes::disk(identity, name)).collect(),
    }
}

/// Names of the volumes that a machine has, in the order in which it has their disks.
pub fn volumes_of(machine: &Machine) -> impl Iterator<Item = &str> {
    let names: BTreeSet<&str> = machine.volumes.iter().filter_map(|mount| mount.volume.as_deref()).collect();
    names.into_iter()
}

/// The fields of a machine.
pub fn fields(labels: &Labels, shape: &Shape) -> Fields {
    let mut fields = Fields::default();
    fields.set("image", &labels.machine.image);
    // In whole KiB, as libvirt has it.
    fields.set("memory", Size(shape.memory.div_ceil(1024) * 1024));
    fields.set("cpus", shape.cpus);
    let there = networks(labels, shape);
    let published: BTreeMap<String, String> = by_guest(&shape.ports);
    for (name, value) in &labels.asked {
        let is_there = match name.split_once('.') {
            Some(("network", network)) => there.contains(network),
            Some(("port", _)) => published.get(name).is_some_and(|real| same_ports(value, real)),
            Some(("volume", _)) => has_volume(labels, shape, value),
            _ => true,
        };
        if is_there {
            fields.set(name.clone(), value);
        }
    }
    // What somebody added behind our back.
    for network in there.iter().filter(|network| !labels.asked.contains_key(&format!("network.{network}"))) {
        fields.set(format!("network.{network}"), "joined");
    }
    for (name, value) in published {
        if fields.get(&name).is_none() {
            fields.set(name, value);
        }
    }
    for (name, digest) in &labels.machine.contents {
        fields.set(name.clone(), digest);
    }
    fields
}

/// Whether the disk of a volume is there; one that goes with the machine is a directory of its own disk.
fn has_volume(labels: &Labels, shape: &Shape, value: &str) -> bool {
    let name = value.strip_suffix(" (read-only)").unwrap_or(value);
    let disk = labels.identity().map(|identity| volumes::disk(&identity, name));
    name == OWN || disk.is_some_and(|disk| shape.volumes.contains(&disk))
}

/// Names of the networks that a machine really has, as the stack calls them.
fn networks(labels: &Labels, shape: &Shape) -> BTreeSet<String> {
    let prefix = labels.identity().map(|identity| identity.network("")).unwrap_or_default();
    let names = shape.networks.iter().map(|(name, _)| name.strip_prefix(&prefix).unwrap_or(name));
    names.map(str::to_owned).collect()
}

/// `port.80/tcp` to where it is published.
fn by_guest(ports: &[Port]) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for port in ports {
        let host = port.host.map_or_else(|| "auto".to_owned(), |host| host.to_string());
        let guest = format!("port.{}/{}", port.guest, port.protocol);
        fields.entry(guest).or_default().insert(format!("{}:{host}", port.host_ip));
    }
    fields.into_iter().map(|(name, hosts)| (name, hosts.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

/// Whether what is published is what was asked for; any port will do where one was to be picked.
fn same_ports(asked: &str, real: &str) -> bool {
    asked == real || asked.contains("auto") && asked.split(", ").count() == real.split(", ").count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Kind;
    use envup::model::id::ProjectId;
    use envup::model::machine::{BoxSource, NetworkJoin, Source, VolumeMount};

    #[test]
    fn both_sides_are_equal_and_every_difference_shows() {
        let id = ProjectId("3f9a1c00beef".into());
        let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
        let mut machine = Machine::new("web", Source::Box(BoxSource::Named("debian/12".into())));
        machine.networks.insert("default".into(), NetworkJoin::default());
        let port = Port { guest: 80, host: None, host_ip: "127.0.0.1".into(), protocol: "tcp".into() };
        machine.ports.push(port);
        for volume in [Some("data".to_owned()), None] {
            let path = format!("/{}", volume.as_deref().unwrap_or("own"));
            machine.volumes.push(VolumeMount { volume, path, read_only: true });
        }
        let mut labels = Labels::new(&identity, "dev", Kind::Machine, "web");
        notes(&mut labels, &machine, "envup-box/debian-12:abc", &Contents::new());
        let declared = declared(&identity, &machine);
        let desired = fields(&labels, &declared);
        assert_eq!(desired.get("port.80/tcp"), Some("127.0.0.1:auto"));
        assert_eq!(desired.get("volume./data"), Some("data (read-only)"));
        assert_eq!(desired.get("volume./own"), Some("(the machine's own) (read-only)"));

        let mut real = declared.clone();
        real.ports[0].host = Some(40123);
        assert_eq!(fields(&labels, &real), desired);
        for change in [
            |shape: &mut Shape| shape.memory *= 2,
            |shape: &mut Shape| shape.cpus = 4,
            |shape: &mut Shape| shape.networks.clear(),
            |shape: &mut Shape| shape.networks.push(("virbr0".into(), String::new())),
            |shape: &mut Shape| shape.ports.clear(),
            |shape: &mut Shape| shape.volumes.clear(),
        ] {
            let mut other = real.clone();
            change(&mut other);
            assert_ne!(fields(&labels, &other), desired);
        }
    }
}
