//! On which ports the machine listens, and who does: what the kernel tells of sockets, joined with the open files of all processes.
//!
//! Left out are ports that the kernel chose for a UDP socket, and the name server that Docker hides in its containers.

mod diag;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use super::process;
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
    let chosen = chosen(&range);
    let mut listeners = listeners(view, found);
    listeners.retain(|listener| listener.counts(&chosen));
    let wanted = listeners.iter().map(|listener| listener.inode).collect();
    let (owners, is_denied) = owners(&wanted);
    let passwd = view.text("/etc/passwd", found).unwrap_or_default();
    for listener in &listeners {
        let uid = listener.uid.to_string();
        let user =
            entries(&passwd).find(|entry| entry.field(2) == uid).map(|entry| entry.field(0).to_owned());
        let owner = owners.get(&listener.inode);
        let text = |file: &str| owner.and_then(|id| fs::read_to_string(format!("/proc/{id}/{file}")).ok());
        let (name, unit) = (text("comm"), text("cgroup").as_deref().and_then(unit));
        found.item(
            listener.key(),
            [
                ("process", name.as_deref().map(str::trim_end)),
                ("user", Some(user.as_deref().unwrap_or(&uid))),
                ("unit", unit.as_deref()),
            ],
        );
        if owner.is_none() && is_denied {
            found.cannot(listener.key(), "its process does not show what it has open");
        }
    }
}

/// All sockets that listen. The kernel's own tables of TCP are slow where they hold many connections, so it is asked first.
fn listeners(view: &View<'_>, found: &mut Found) -> Vec<Listener> {
    let mut listeners = Vec::new();
    let mut tables = vec![("udp", "udp"), ("udp6", "udp")];
    match diag::listeners() {
        Ok(of_tcp) => listeners.extend(of_tcp),
        Err(_) => tables.extend([("tcp", "tcp"), ("tcp6", "tcp")]),
    }
    for (table, protocol) in tables {
        let text = view.text(&format!("/proc/net/{table}"), found).unwrap_or_default();
        listeners.extend(table::sockets(&text, protocol));
    }
    listeners
}

/// A socket that waits for others.
#[derive(Debug, PartialEq)]
struct Listener {
    protocol: &'static str,
    address: IpAddr,
    port: u16,
    uid: u32,
    inode: u64,
}

impl Listener {
    /// Whether somebody means it to be there.
    fn counts(&self, chosen: &RangeInclusive<u16>) -> bool {
        self.address != EMBEDDED_RESOLVER && (self.protocol == "tcp" || !chosen.contains(&self.port))
    }

    /// `tcp 0.0.0.0:80`.
    fn key(&self) -> String {
        format!("{} {}:{}", self.protocol, place(self.address), self.port)
    }
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

/// From which ports the kernel chooses.
fn chosen(range: &str) -> RangeInclusive<u16> {
    let mut numbers = range.split_whitespace().map_while(|number| number.parse().ok());
    numbers.next().unwrap_or(32768)..=numbers.next().unwrap_or(60999)
}

/// The first process that has each socket open, by inode, and whether some process did not let itself be looked at.
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
        match process::as_itself(process, || sockets_of(process)) {
            Ok(inodes) => {
                for inode in inodes.into_iter().filter(|inode| wanted.contains(inode)) {
                    owners.entry(inode).or_insert(process);
                }
            }
            Err(error) => is_denied |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    (owners, is_denied)
}

/// The inodes of the sockets that a process has open.
fn sockets_of(process: u32) -> io::Result<Vec<u64>> {
    let mut inodes = Vec::new();
    for file in fs::read_dir(format!("/proc/{process}/fd"))? {
        let target = match fs::read_link(file?.path()) {
            Ok(target) => target,
            // Closed in this moment.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
        inodes.extend(inode.and_then(|inode| inode.parse::<u64>().ok()));
    }
    Ok(inodes)
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
    use super::table::tests::TABLE;
    use super::*;

    fn keys(text: &str, protocol: &'static str) -> Vec<String> {
        let listeners = table::sockets(text, protocol).into_iter();
        let counts = |listener: &Listener| listener.counts(&chosen("32768\t60999\n"));
        listeners.filter(counts).map(|listener| listener.key()).collect()
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
    fn odd_control_groups_do_no_harm() {
        odd(b"9:name=systemd:/a.service\n0::/b.scope\n")
            .for_each(|bytes| drop(unit(&String::from_utf8_lossy(&bytes))));
    }
}
