//! A VM as libvirt has it: the document that defines one, and what is read back out of it. Pure.

use crate::labels::{Labels, NAMESPACE};
use crate::volumes::serial;
use crate::xml::{child, children, escape, find};
use envup::model::machine::Port;
use envup::model::size::Size;
use roxmltree::{Document, Node};

/// Where QEMU's own network for published ports has the machine and itself: an address range for documentation, used by nobody.
pub const PORT_GUEST: &str = "192.0.2.10";
pub const PORT_PREFIX: u8 = 28;
/// What QEMU calls it.
pub const FORWARDS: &str = "envup-ports";
const PORT_NETWORK: &str = "192.0.2.0/28";
/// The slot of its interface, where libvirt puts nothing by itself.
const PORT_SLOT: &str = "0x1d";

const QEMU: &str = "http://libvirt.org/schemas/domain/qemu/1.0";

/// What VMs have when the Envfile does not say.
pub const MEMORY: Size = Size(512 << 20);
/// A boot with one takes a third longer, also in software.
pub const CPUS: u64 = 2;

/// The kernel's command line. One serial port, because each is looked at; no tests of ciphers, because they are Debian's.
const COMMAND_LINE: &str =
    "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 8250.nr_uarts=1 cryptomgr.notests=1";

/// A VM to define.
pub struct Definition<'a> {
    /// Name in libvirt.
    pub name: &'a str,
    /// Its uuid.
    pub uuid: String,
    /// What is noted with it.
    pub labels: &'a Labels,
    /// Its shape.
    pub shape: Shape,
    /// On the host's processor, or in software.
    pub kvm: bool,
    /// Paths of its disk, its kernel and its initrd.
    pub files: [String; 3],
    /// Paths of its volumes' disks, in the order of the shape.
    pub volumes: Vec<String>,
    /// Hardware address of the interface for published ports. Each VM has one: ports come and go while it runs.
    pub port_mac: String,
}

/// What of a VM can differ from what is declared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// Bytes.
    pub memory: u64,
    /// Processors.
    pub cpus: u64,
    /// Names of its networks in libvirt, with its hardware addresses there.
    pub networks: Vec<(String, String)>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Names of the disks that it has besides its own.
    pub volumes: Vec<String>,
}

impl Definition<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        let (kind, cpu) = if self.kvm {
            ("kvm", "<cpu mode='host-model'/>")
        } else {
            // In software each feature costs time: the plainest processor is the fastest.
            (
                "qemu",
                "<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>",
            )
        };
        let [disk, kernel, initrd] = self.files.each_ref().map(|path| escape(path));
        let interfaces: String =
            self.shape.networks.iter().map(|(network, mac)| interface(network, mac)).collect();
        format!(
            "<domain type='{kind}' xmlns:qemu='{QEMU}'>\
             <name>{name}</name><uuid>{uuid}</uuid><metadata>{labels}</metadata>\
             <memory unit='b'>{memory}</memory><vcpu>{cpus}</vcpu>\
             <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd>\
             <cmdline>{COMMAND_LINE}</cmdline></os>\
             <features><acpi/></features>{cpu}<clock offset='utc'/>\
             <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>\
             <devices>\
             <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/><source file='{disk}'/>\
             <target dev='vda' bus='virtio'/></disk>{volumes}{interfaces}\
             <controller type='usb' model='none'/><memballoon model='none'/>\
             <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>\
             <serial type='pty'/><console type='pty'><target type='serial'/></console>\
             </devices>{ports}</domain>",
            name = escape(self.name),
            uuid = self.uuid,
            labels = self.labels.to_xml(),
            memory = self.shape.memory,
            cpus = self.shape.cpus,
            volumes = self.volumes(),
            ports = self.ports(),
        )
    }

    fn volumes(&self) -> String {
        let disks = self.volumes.iter().zip(&self.shape.volumes).zip('b'..='z');
        disks.map(|((path, name), letter)| extra_disk(path, name, letter)).collect()
    }

    fn ports(&self) -> String {
        let netdev = netdev(&self.shape.ports);
        let mac = &self.port_mac;
        let device = format!("virtio-net-pci,netdev={FORWARDS},mac={mac},bus=pci.0,addr={PORT_SLOT}");
        let args: String = ["-netdev", &netdev, "-device", &device]
            .iter()
            .map(|value| format!("<qemu:arg value='{}'/>", escape(value)))
            .collect();
        format!("<qemu:commandline>{args}</qemu:commandline>")
    }
}

fn interface(network: &str, mac: &str) -> String {
    format!(
        "<interface type='network'><mac address='{mac}'/><source network='{}'/><model type='virtio'/></interface>",
        escape(network)
    )
}

fn extra_disk(path: &str, name: &str, letter: char) -> String {
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/><source file='{}'/>\
         <target dev='vd{letter}' bus='virtio'/><serial>{}</serial></disk>",
        escape(path),
        serial(name)
    )
}

/// QEMU's own network, with what it forwards.
pub fn netdev(ports: &[Port]) -> String {
    let forwards: String = ports.iter().map(|port| format!(",hostfwd={}", rule(port))).collect();
    format!("user,id={FORWARDS},net={PORT_NETWORK},restrict=on{forwards}")
}

/// Where a published port listens, as QEMU writes it.
pub fn host_side(port: &Port) -> String {
    format!("{}:{}:{}", port.protocol, port.host_ip, port.host.unwrap_or_default())
}

/// A published port as QEMU writes it.
pub fn rule(port: &Port) -> String {
    format!("{}-{PORT_GUEST}:{}", host_side(port), port.guest)
}

fn parse_forward(text: &str) -> Option<Port> {
    let (host, guest) = text.split_once('-')?;
    let mut host = host.splitn(3, ':');
    let (protocol, host_ip, port) = (host.next()?, host.next()?, host.next()?);
    Some(Port {
        guest: guest.rsplit(':').next()?.parse().ok()?,
        host: port.parse().ok(),
        host_ip: host_ip.to_owned(),
        protocol: protocol.to_owned(),
    })
}

/// Reads labels and shape of a VM; `None` when it is not ours.
pub fn read(xml: &str, engine_name: &str) -> Option<(Labels, Shape)> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let metadata = find(root, &["metadata"])?;
    let element = metadata.children().find(|node| node.tag_name().namespace() == Some(NAMESPACE))?;
    let labels = Labels::from_xml(&xml[element.range()], engine_name)?;
    let mut shape = shape(root);
    // The document of a VM that runs says what it was started with.
    if let Some(published) = &labels.machine.published {
        shape.ports = published.iter().filter_map(|rule| parse_forward(rule)).collect();
    }
    (labels.kind == crate::labels::Kind::Machine).then_some((labels, shape))
}

fn shape(root: Node<'_, '_>) -> Shape {
    let number = |name: &str| find(root, &[name]).and_then(|node| node.text()?.trim().parse::<u64>().ok());
    // libvirt always answers in KiB.
    let memory = number("memory").unwrap_or_default() * 1024;
    let interfaces = find(root, &["devices"]).into_iter().flat_map(|devices| children(devices, "interface"));
    let networks = interfaces.filter_map(|interface| {
        let network = child(interface, "source")?.attribute("network")?;
        let mac = child(interface, "mac")?.attribute("address")?;
        Some((network.to_owned(), mac.to_owned()))
    });
    let arguments = child(root, "commandline").into_iter().flat_map(|line| children(line, "arg"));
    let forwards =
        arguments.filter_map(|argument| argument.attribute("value")).flat_map(|value| value.split(','));
    let ports = forwards.filter_map(|part| parse_forward(part.strip_prefix("hostfwd=")?));
    let disks = find(root, &["devices"]).into_iter().flat_map(|devices| children(devices, "disk"));
    let volumes = disks.filter_map(|disk| {
        let is_own = child(disk, "target")?.attribute("dev") == Some("vda");
        let path = child(disk, "source")?.attribute("file")?;
        (!is_own).then(|| path.rsplit('/').next().unwrap_or(path).to_owned())
    });
    Shape {
        memory,
        cpus: number("vcpu").unwrap_or(1),
        networks: networks.collect(),
        ports: ports.collect(),
        volumes: volumes.collect(),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::labels::Kind;
    use envup::model::id::{Identity, ProjectId};

    /// A VM's labels and shape, and its document as libvirt gives it back.
    pub fn example() -> (Labels, Shape, String) {
        let id = ProjectId("3f9a1c00beef".into());
        let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
        let labels = Labels::new(&identity, "dev", Kind::Machine, "web");
        let port = |guest, host| Port {
            guest,
            host: Some(host),
            host_ip: "127.0.0.1".into(),
            protocol: "tcp".into(),
        };
        let shape = Shape {
            memory: 512 << 20,
            cpus: 2,
            networks: vec![("shop-3f9a1c-default".into(), "52:54:00:00:00:01".into())],
            ports: vec![port(80, 8080), port(443, 8443)],
            volumes: vec!["shop-3f9a1c-data.volume.qcow2".into()],
        };
        let definition = Definition {
            name: "shop-3f9a1c-web",
            uuid: "u".into(),
            labels: &labels,
            shape: shape.clone(),
            kvm: false,
            files: ["/disk".into(), "/kernel".into(), "/initrd".into()],
            volumes: vec!["/pool/shop-3f9a1c-data.volume.qcow2".into()],
            port_mac: "52:54:00:00:00:02".into(),
        };
        // libvirt turns bytes into KiB.
        let memory = "<memory unit='KiB'>524288</memory><currentMemory unit='KiB'>524288</currentMemory>";
        let xml = definition.to_xml().replace("<memory unit='b'>536870912</memory>", memory);
        (labels, shape, xml)
    }

    #[test]
    fn what_is_defined_is_what_is_read() {
        let (labels, shape, xml) = example();
        assert_eq!(read(&xml, "shop-3f9a1c-web"), Some((labels, shape)));
        assert_eq!(read(&xml, "shop-3f9a1c-db"), None);
        assert_eq!(read("<domain><name>x</name></domain>", "x"), None);
        assert!(xml.contains("hostfwd=tcp:127.0.0.1:8080-192.0.2.10:80"), "{xml}");
    }
}
