//! What a machine is given before it first boots: who it is, whom it lets in, how it reaches the networks. It is an archive behind
//! the box's initrd, which places it on the disk once; secrets and our agent it puts into memory and networks it sets up at each boot.
//! Nothing of it is on a command line.

use crate::address::Subnet;
use crate::cpio::{Archive, pad};
use envup::model::Result;
use envup::model::error::Attempt;
use envup::model::machine::Machine;
use envup::provider::PlacedFile;
use envup::state::{make_ssh_key, public_half};
use envup::transport::agent::{AGENT, LASTING_PATH};
use envup::transport::authorities::KEPT;
use std::fs;
use std::net::Ipv4Addr;

/// Where the initrd looks for what goes to the disk, and into memory.
const DISK: &str = "machine";
const MEMORY: &str = "secrets";

/// Where it looks for what the networks are like.
const NETWORKS: &str = "networks";

/// Where it looks for whom else the machine is to trust; certificates lie beside it in a directory.
const AUTHORITIES: &str = "authorities";

/// Where secrets are seen in a machine.
const SECRETS: &str = "/run/secrets/";

/// A network interface as the machine has to set it up.
pub struct Interface {
    /// Name of the network in the stack.
    pub network: String,
    /// Its hardware address.
    pub mac: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The range it lies in.
    pub subnet: Subnet,
    /// Whether it leads out of this host.
    pub leads_out: bool,
}

/// The key by which a machine is known.
pub struct HostKey {
    /// The private half, as a file of sshd.
    pub private: Vec<u8>,
    /// The public half, type and value.
    pub public: String,
}

impl HostKey {
    /// A new one; it never lies on this host's disk for longer than making it takes.
    pub fn make() -> Result<Self> {
        let place = tempfile::tempdir().attempt(|| "cannot make a temporary directory")?;
        let path = place.path().join("key");
        make_ssh_key(&path)?;
        let private = fs::read(&path).attempt(|| "cannot read a key that was just made")?;
        Ok(Self { private, public: public_half(&path)? })
    }
}

/// An initrd for one machine: the box's, and behind it the machine's own.
pub fn initrd(
    box_initrd: &[u8],
    machine: &Machine,
    interfaces: &[Interface],
    port_interface: &str,
    host_key: &HostKey,
    login_key: &str,
    files: &[PlacedFile],
) -> Vec<u8> {
    let mut archive = Archive::default();
    let mut place =
        |path: &str, mode: u32, content: &[u8]| archive.file(&format!("{DISK}{path}"), mode, content);
    let name = machine.host_name();
    place("/etc/hostname", 0o644, format!("{name}\n").as_bytes());
    place("/etc/hosts", 0o644, hosts(machine, interfaces).as_bytes());
    place("/etc/resolv.conf", 0o644, resolv_conf(machine, interfaces).as_bytes());
    if !machine.sysctls.is_empty() {
        let settings: String =
            machine.sysctls.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
        place("/etc/sysctl.d/90-envup.conf", 0o644, settings.as_bytes());
    }
    place("/etc/ssh/ssh_host_ed25519_key", 0o600, &host_key.private);
    place("/etc/ssh/ssh_host_ed25519_key.pub", 0o644, format!("{}\n", host_key.public).as_bytes());
    archive.directory(&format!("{DISK}/root"), 0o700);
    archive.directory(&format!("{DISK}/root/.ssh"), 0o700);
    archive.file(&format!("{DISK}/root/.ssh/authorized_keys"), 0o600, format!("{login_key}\n").as_bytes());
    for file in files {
        match file.path.strip_prefix(SECRETS).filter(|_| file.secret) {
            Some(name) => archive.file(&format!("{MEMORY}/{name}"), 0o400, &file.content),
            None => archive.file(&format!("{DISK}{}", file.path), 0o644, &file.content),
        }
    }
    archive.file(&LASTING_PATH, 0o700, AGENT);
    let authorities = KEPT.iter().flatten();
    let names: String = authorities.clone().map(|one| format!("{} {}\n", one.name, one.digest)).collect();
    archive.file(AUTHORITIES, 0o644, names.as_bytes());
    for authority in authorities {
        archive.file(&format!("{AUTHORITIES}.d/{}.crt", authority.name), 0o644, authority.text.as_bytes());
    }
    archive.file(NETWORKS, 0o644, networks(interfaces, port_interface).as_bytes());
    let mut initrd = box_initrd.to_vec();
    pad(&mut initrd);
    initrd.extend(archive.finish());
    initrd
}

/// As container engines write them.
const LOCAL_HOSTS: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
";

fn hosts(machine: &Machine, interfaces: &[Interface]) -> String {
    let mut text = LOCAL_HOSTS.to_owned();
    let name = machine.host_name();
    let address =
        interfaces.first().map_or_else(|| "127.0.1.1".to_owned(), |first| first.address.to_string());
    text += &format!("{address} {name}\n");
    for (name, address) in &machine.extra_hosts {
        text += &format!("{address} {name}\n");
    }
    text
}

/// The host answers for the machines of a network, and passes on what it does not know.
fn resolv_conf(machine: &Machine, interfaces: &[Interface]) -> String {
    let own = interfaces.iter().map(|interface| interface.subnet.host().to_string());
    let servers: Vec<String> = if machine.dns.is_empty() { own.collect() } else { machine.dns.clone() };
    servers.iter().map(|server| format!("nameserver {server}\n")).collect()
}

/// A line for each interface: its hardware address, its address, and the way out of the first that has one.
fn networks(interfaces: &[Interface], port_interface: &str) -> String {
    let mut text = String::new();
    let way_out = interfaces.iter().position(|one| one.leads_out);
    for (number, interface) in interfaces.iter().enumerate() {
        let Interface { mac, address, subnet, .. } = interface;
        text += &format!("{mac} {address}/{}", subnet.prefix);
        if way_out == Some(number) {
            text += &format!(" {}", subnet.host());
        }
        text.push('\n');
    }
    text + &format!("{port_interface} {}/{}\n", crate::domain::PORT_GUEST, crate::domain::PORT_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::machine::BoxSource;
    use envup::model::machine::Source;

    #[test]
    fn only_one_interface_has_the_way_out() {
        let interface = |network: &str, leads_out| Interface {
            network: network.into(),
            mac: format!("52:54:00:00:00:{network}"),
            address: Ipv4Addr::new(10, 5, 0, 9),
            subnet: "10.5.0.0/24".parse().unwrap(),
            leads_out,
        };
        let machine = Machine::new("web", Source::Box(BoxSource::Named("debian/12".into())));
        let key = HostKey { private: b"private".to_vec(), public: "ssh-ed25519 public".into() };
        let secret =
            PlacedFile { path: "/run/secrets/token".into(), content: b"hush".to_vec(), secret: true };
        let interfaces = [interface("01", false), interface("02", true), interface("03", true)];
        let initrd =
            initrd(b"box", &machine, &interfaces, "52:54:00:00:00:04", &key, "ssh-ed25519 login", &[secret]);
        assert!(initrd.starts_with(b"box\x00070701"));
        let text = String::from_utf8_lossy(&initrd);
        let networks = "52:54:00:00:00:01 10.5.0.9/24\n52:54:00:00:00:02 10.5.0.9/24 10.5.0.1\n\
                        52:54:00:00:00:03 10.5.0.9/24\n";
        assert!(text.contains(networks), "{text}");
        assert!(text.contains(LASTING_PATH.trim_start_matches('/')));
        assert!(text.contains("secrets/token") && !text.contains("machine/run/secrets"));
    }
}
