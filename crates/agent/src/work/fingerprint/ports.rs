//! On which ports the machine listens, and who does: the kernel's tables, joined with the open files of all processes.
//!
//! Left out are ports that the kernel chose for a UDP socket, and the name server that Docker hides in its containers.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::users::entries;
use super::view::{Found, View};

/// Docker's own name server, in the container's network but not in the container.
const EMBEDDED_RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// The section `ports`; empty where nothing runs.
pub fn collect(view: &View<'_>, found: &mut Found) {
    if !view.is_live() {
        return;
    }
    let range = view.text("/proc/sys/net/ipv4/ip_local_port_range", found).unwrap_or_default();
    let mut listeners = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = view.text(&format!("/proc/net/{table}"), found).unwrap_or_default();
        listeners.extend(sockets(&text, &table[..3], ephemeral(&range)));
    }
    let wanted = listeners.iter().map(|listener| listener.inode).collect();
    let (owners, is_complete) = owners(&wanted);
    let passwd = view.text("/etc/passwd", found).unwrap_or_default();
    for listener in &listeners {
        let uid = listener.uid.to_string();
        let user =
            entries(&passwd).find(|entry| entry.field(2) == uid).map(|entry| entry.field(0).to_owned());
        let process = owners.get(&listener.inode);
        let text = |file: &str| process.and_then(|id| fs::read_to_string(format!("/proc/{id}/{file}")).ok());
        let (name, unit) = (text("comm"), text("cgroup").as_deref().and_then(unit));
        found.item(
            &listener.key,
            [
                ("process", name.as_deref().map(str::trim_end)),
                ("user", Some(user.as_deref().unwrap_or(&uid))),
                ("unit", unit.as_deref()),
            ],
        );
    }
    if !is_complete {
        found.cannot("owners of ports", "permission denied");
    }
}

/// A socket that waits for others.
struct Listener {
    key: String,
    uid: u32,
    inode: u64,
}

/// The sockets of a table of the kernel's that listen (proc(5)).
fn sockets(text: &str, protocol: &str, ephemeral: (u16, u16)) -> Vec<Listener> {
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, uid, _, inode, ..] = columns[..] else { return None };
        let (address, port) = address(local)?;
        let (_, peer) = self::address(remote)?;
        // TCP in the state LISTEN, UDP without a peer.
        let listens = if protocol == "tcp" { state == "0A" } else { state == "07" && peer == 0 };
        let is_chosen = protocol == "udp" && (ephemeral.0..=ephemeral.1).contains(&port);
        if !listens || is_chosen || address == EMBEDDED_RESOLVER {
            return None;
        }
        let key = format!("{protocol} {}:{port}", place(address));
        Some(Listener { key, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
    };
    text.lines().skip(1).filter_map(socket).collect()
}

/// An address of the machine's own is another one on each machine, and in containers after each start.
fn place(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address)
            if address.is_unspecified() || address.is_loopback() || address.is_multicast() =>
        {
            address.to_string()
        }
        IpAddr::V6(address)
            if address.is_unspecified() || address.is_loopback() || address.is_multicast() =>
        {
            format!("[{address}]")
        }
        _ => "own".to_owned(),
    }
}

/// `0100007F:0050`: words in the byte order of the machine, then the port.
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |place: usize| u32::from_str_radix(address.get(place * 8..place * 8 + 8)?, 16).ok();
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for place in 0..4 {
                bytes[place * 4..place * 4 + 4].copy_from_slice(&word(place)?.to_ne_bytes());
            }
            let address = Ipv6Addr::from(bytes);
            address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
        }
        _ => return None,
    };
    Some((address, port))
}

/// From which ports the kernel chooses.
fn ephemeral(range: &str) -> (u16, u16) {
    let mut numbers = range.split_whitespace().map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or(32768), numbers.next().unwrap_or(60999))
}

/// The first process that has each socket open, by inode, and whether every process that counts could be looked at.
fn owners(wanted: &BTreeSet<u64>) -> (HashMap<u64, u32>, bool) {
    let mut owners = HashMap::new();
    let mut is_denied = false;
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut processes: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
    processes.sort_unstable();
    for process in processes {
        if owners.len() == wanted.len() {
            break;
        }
        let files = match fs::read_dir(format!("/proc/{process}/fd")) {
            Ok(files) => files,
            Err(error) => {
                is_denied |= error.kind() == ErrorKind::PermissionDenied;
                continue;
            }
        };
        for file in files.flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            let inode = target
                .to_str()
                .and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| wanted.contains(inode)) {
                owners.entry(inode).or_insert(process);
            }
        }
    }
    let is_complete = owners.len() == wanted.len() || !is_denied;
    (owners, is_complete)
}

/// The service that a process belongs to, from its control groups: none for what a session or an engine's scope holds.
fn unit(groups: &str) -> Option<String> {
    let mine = |line: &&str| line.starts_with("0::") || line.contains(":name=systemd:");
    let unit = |line: &str| {
        let path = line.splitn(3, ':').nth(2)?;
        let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
        let last = path.rsplit('/').find(is_unit)?;
        (last.ends_with(".service") && !last.starts_with("user@")).then(|| last.to_owned())
    };
    groups.lines().filter(mine).find_map(unit)
}

#[cfg(test)]
mod tests {
    use super::super::tree::{live, odd};
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
        1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 12 1\n\
        2: 0B00007F:8C6B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1\n\
        3: 030012AC:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1\n\
        4: 0100007F:1538 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 15 1\n";

    fn keys(text: &str, protocol: &str) -> Vec<String> {
        sockets(text, protocol, ephemeral("32768\t60999\n"))
            .into_iter()
            .map(|listener| listener.key)
            .collect()
    }

    #[test]
    fn listeners_are_told_apart_from_everything_else() {
        assert_eq!(keys(TABLE, "tcp"), ["tcp 0.0.0.0:80", "tcp 127.0.0.1:5432", "tcp own:81"]);
        let udp = TABLE.replace(" 0A ", " 07 ").replace(":0050", ":0035").replace(":1538", ":9000");
        assert_eq!(keys(&udp, "udp"), ["udp 0.0.0.0:53", "udp own:81"]);
        let six = "x\n 0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 7";
        assert_eq!(keys(six, "tcp"), ["tcp [::1]:22"]);
    }

    #[test]
    fn a_service_is_told_by_its_control_group() {
        let unit = |groups: &str| unit(groups).unwrap_or_default();
        assert_eq!(unit("1:cpu:/a.service\n0::/docker/1/system.slice/nginx.service\n"), "nginx.service");
        assert_eq!(unit("9:name=systemd:/system.slice/udev.service/udev\n0::/\n"), "udev.service");
        assert_eq!(unit("0::/user.slice/user@1.service/app.slice/docker-1.scope\n"), "");
    }

    #[test]
    fn a_listener_of_ours_is_found_with_its_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let items = live(collect).sections.into_values().next().unwrap();
        let item = &items[&format!("tcp 127.0.0.1:{}", listener.local_addr().unwrap().port())];
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(item["process"], name.trim_end());
    }

    #[test]
    fn odd_tables_do_no_harm() {
        for bytes in odd(TABLE.as_bytes()) {
            keys(&String::from_utf8_lossy(&bytes), "tcp");
            unit(&String::from_utf8_lossy(&bytes));
        }
    }
}
