//! Does something accept connections?
//!
//! Names are looked up in /etc/hosts only: what is awaited is the machine itself, and a resolver would have to be linked.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::work::failure::plain;

/// How long a connection may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Connects to a port of a host, or of the machine itself.
pub fn connect(host: Option<&str>, port: u16) -> Result<TcpStream, String> {
    let mut reason = None;
    for address in
        addresses(host.unwrap_or("localhost"), &fs::read_to_string("/etc/hosts").unwrap_or_default())
    {
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), LIMIT) {
            Ok(stream) => return Ok(stream),
            // The first address is the one people have in mind.
            Err(error) => {
                reason.get_or_insert(match error.kind() {
                    std::io::ErrorKind::TimedOut => format!("no answer within {} s", LIMIT.as_secs()),
                    _ => plain(&error),
                });
            }
        }
    }
    Err(reason.unwrap_or_else(|| format!("{} is not in this machine's /etc/hosts", host.unwrap_or_default())))
}

fn addresses(host: &str, hosts: &str) -> Vec<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    let named = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then(|| address.parse().ok()).flatten()
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_hosts_file() {
        let hosts = "127.0.0.1 localhost\n172.18.0.2\tweb web.shop # db\nfd00::2 WEB\n";
        let found = |name| addresses(name, hosts).iter().map(IpAddr::to_string).collect::<Vec<_>>();
        assert_eq!(found("web"), ["172.18.0.2", "fd00::2"]);
        assert_eq!(found("localhost"), ["127.0.0.1", "::1"]);
        assert_eq!(found("10.0.0.1"), ["10.0.0.1"]);
        assert!(found("db").is_empty());
    }
}
