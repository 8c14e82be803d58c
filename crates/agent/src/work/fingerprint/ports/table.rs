//! Sockets that listen, from the kernel's tables below /proc/net (proc(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Listener;

/// The sockets of a table of this protocol that wait for others.
pub fn sockets(text: &str, protocol: &'static str) -> Vec<Listener> {
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, uid, _, inode, ..] = columns[..] else { return None };
        let (address, port) = address(local)?;
        let (_, peer) = self::address(remote)?;
        // TCP in the state LISTEN, UDP without a peer.
        let listens = if protocol == "tcp" { state == "0A" } else { state == "07" && peer == 0 };
        let (uid, inode) = (uid.parse().ok()?, inode.parse().ok()?);
        listens.then_some(Listener { protocol, address, port, uid, inode })
    };
    text.lines().skip(1).filter_map(socket).collect()
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

#[cfg(test)]
pub mod tests {
    use super::super::super::tree::odd;
    use super::*;

    pub const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
        1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 12 1\n\
        2: 0B00007F:8C6B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1\n\
        3: 030012AC:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1\n\
        4: 0100007F:1538 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 15 1\n";

    #[test]
    fn addresses_of_both_kinds_are_read() {
        let told =
            |text: &str| address(text).map(|(address, port)| format!("{address} {port}")).unwrap_or_default();
        assert_eq!(told("0100007F:0050"), "127.0.0.1 80");
        assert_eq!(told("00000000000000000000000001000000:0016"), "::1 22");
        assert_eq!(told("0000000000000000FFFF00000100007F:0016"), "127.0.0.1 22");
        assert_eq!(told("0100007F"), "");
    }

    #[test]
    fn odd_tables_do_no_harm() {
        odd(TABLE.as_bytes()).for_each(|bytes| drop(sockets(&String::from_utf8_lossy(&bytes), "udp")));
    }
}
