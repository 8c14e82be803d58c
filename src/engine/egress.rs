//! Whether a machine gets out of this host, looked at only after something in it failed: a firewall that drops what this host forwards
//! shows as a package that cannot be fetched, and says nothing itself.

use super::ready;
use crate::event::Context;
use crate::model::id::Identity;
use crate::model::{Error, Kind};
use crate::provider::Provider;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// Where this host's name servers stand: behind a local cache the second has the real ones.
const RESOLVERS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Name servers take connections here.
const PORT: u16 = 53;

/// How long a connection may take, from here and from the machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Adds to an error of a machine how to let it out, when it does not get out and this host itself does.
pub fn suspect(error: Error, provider: &dyn Provider, identity: &Identity, machine: &str) -> Error {
    if error.kind != Kind::Failed {
        return error;
    }
    let Ok(Some(fix)) = provider.way_out(identity, machine) else { return error };
    let Some(server) = reached_from_here() else { return error };
    let Ok(transport) = provider.connect(identity, machine) else { return error };
    let context = Context::silent();
    match ready::reaches(machine, server, PORT, PATIENCE, transport.as_ref(), &context) {
        Ok(false) => error.hint(format!(
            "{machine} gets no answer from {server}, which this host reaches: a firewall drops what is forwarded, as Docker's \
             does; {fix}"
        )),
        _ => error,
    }
}

/// A name server of somebody else's that takes a connection from this host.
fn reached_from_here() -> Option<IpAddr> {
    let files = RESOLVERS.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    let servers: Vec<IpAddr> = files.flat_map(|text| servers(&text)).collect();
    let reached =
        |server: &IpAddr| TcpStream::connect_timeout(&SocketAddr::new(*server, PORT), PATIENCE).is_ok();
    servers.into_iter().find(reached)
}

/// The name servers of a `resolv.conf` that are not this host itself.
fn servers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines
        .filter_map(|rest| rest.trim().parse::<IpAddr>().ok())
        .filter(|server| !server.is_loopback())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_cache_is_no_way_out() {
        let text = "# by hand\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch example\nnameserver ::1\noptions edns0\n";
        assert_eq!(servers(text), [IpAddr::from([10, 0, 0, 2])]);
    }
}
