//! TCP sockets that listen, asked from the kernel by sock_diag(7). It looks at those alone, where /proc/net/tcp walks through all
//! connections there could be.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Listener;
use crate::work::sys;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// NLM_F_REQUEST and NLM_F_DUMP.
const ALL: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
/// Of a message: length, kind, flags, number, sender.
const HEAD: usize = 16;
/// Of an answer: family and state, ports and addresses, three numbers, user, inode.
const ANSWER: usize = 72;
const LISTEN: u32 = 1 << 10;

/// All of both families. Fails where the kernel cannot tell, as in some sandboxes.
pub fn listeners() -> io::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut kernel = File::from(sys::netlink(libc::NETLINK_SOCK_DIAG)?);
        kernel.write_all(&request(u8::try_from(family).unwrap_or_default()))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = kernel.read(&mut buffer)?;
            if read(&buffer[..length], &mut listeners)? {
                break;
            }
        }
    }
    Ok(listeners)
}

fn request(family: u8) -> Vec<u8> {
    let length: u32 = 72;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(ALL.to_ne_bytes());
    bytes.resize(HEAD, 0);
    bytes.extend([family, 6, 0, 0]);
    bytes.extend(LISTEN.to_ne_bytes());
    // No certain port or address.
    bytes.resize(72, 0);
    bytes
}

/// Takes the messages of one packet; whether the last one was among them.
fn read(packet: &[u8], listeners: &mut Vec<Listener>) -> io::Result<bool> {
    let mut rest = packet;
    while let Some(([a, b, c, d, e, f], _)) = rest.split_first_chunk::<6>() {
        let length = usize::try_from(u32::from_ne_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        let Some(content) = rest.get(HEAD..length) else { return Err(ErrorKind::InvalidData.into()) };
        match u16::from_ne_bytes([*e, *f]) {
            DONE => return Ok(true),
            ERROR => return Err(ErrorKind::Unsupported.into()),
            _ => listeners.extend(listener(content)),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    // An empty packet would be followed by the next one for ever.
    if packet.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(false) }
}

fn listener(answer: &[u8]) -> Option<Listener> {
    let answer: &[u8; ANSWER] = answer.first_chunk()?;
    let number = |place: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| answer[place + byte]));
    let address = match i32::from(answer[0]) {
        libc::AF_INET => IpAddr::V4(Ipv4Addr::from(*answer[8..].first_chunk::<4>()?)),
        _ => {
            let address = Ipv6Addr::from(*answer[8..].first_chunk::<16>()?);
            address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
        }
    };
    let port = u16::from_be_bytes([answer[4], answer[5]]);
    Some(Listener { protocol: "tcp", address, port, uid: number(64), inode: number(68).into() })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;

    use super::super::super::tree::odd;
    use super::super::table;
    use super::*;

    #[test]
    fn the_kernel_tells_the_same_as_its_tables() {
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let six = TcpListener::bind("[::1]:0").ok();
        let ports: Vec<u16> = [Some(four), six]
            .iter()
            .flatten()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        let of_ours = |listeners: Vec<Listener>| {
            let mut ours: Vec<Listener> =
                listeners.into_iter().filter(|listener| ports.contains(&listener.port)).collect();
            ours.sort_by_key(|listener| listener.inode);
            ours
        };
        let tables =
            ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default());
        let expected = of_ours(tables.iter().flat_map(|text| table::sockets(text, "tcp")).collect());
        match listeners() {
            Ok(listeners) => assert_eq!(of_ours(listeners), expected),
            // A sandbox without sock_diag: then the tables are all there is.
            Err(error) => assert!(!expected.is_empty(), "{error}"),
        }
    }

    #[test]
    fn odd_packets_do_no_harm() {
        let mut packet = [0; HEAD + ANSWER];
        packet[0] = 88;
        packet[4] = 20;
        let mut listeners = Vec::new();
        assert!(!read(&packet.repeat(2), &mut listeners).unwrap());
        assert_eq!(listeners.len(), 2);
        odd(&packet.repeat(2)).for_each(|bytes| drop(read(&bytes, &mut Vec::new())));
    }
}
