//! Says who has a port that a machine should publish.

use super::client::Client;
use crate::model::{Error, Kind};
use bollard::query_parameters::ListContainersOptions;
use std::path::Path;

/// Makes an error about a taken port say which one and who has it; other errors stay.
pub(super) fn explain_taken(client: &Client, error: Error) -> Error {
    let Some((address, port)) = error.causes.iter().find_map(|cause| taken(cause)) else { return error };
    let container = container_with(client, port);
    let owner = match (&container, client.endpoint.is_local()) {
        (Some(name), _) => Some(format!("container {name}")),
        (None, true) => process_with(port),
        (None, false) => None,
    };
    let owner = owner.unwrap_or_else(|| "another program".to_owned());
    let mut ours = Error::new(Kind::Failed, error.message);
    ours.causes.push(format!("port {address}:{port} is taken by {owner}"));
    ours.hint("stop it, or publish another port: `ports = [\"auto:…\"]` picks a free one")
}

/// The address and port in the engine's words about a taken port.
fn taken(cause: &str) -> Option<(String, u16)> {
    if !["already allocated", "already in use"].iter().any(|words| cause.contains(words)) {
        return None;
    }
    cause.split_whitespace().find_map(|word| {
        // `127.0.0.1:8080`, perhaps with `:172.18.0.2:80/tcp` behind it; IPv6 addresses stand in brackets.
        let end = if word.starts_with('[') { word.find("]:")? + 1 } else { word.find(':')? };
        let (address, rest) = (&word[..end], &word[end + 1..]);
        let port = rest.split(':').next()?.parse().ok()?;
        Some((address.to_owned(), port))
    })
}

fn container_with(client: &Client, port: u16) -> Option<String> {
    let listed = client.block(client.docker.list_containers(None::<ListContainersOptions>)).ok()?.ok()?;
    let publishes = |container: &&bollard::models::ContainerSummary| {
        container.ports.iter().flatten().any(|published| published.public_port == Some(port))
    };
    let name = listed.iter().find(publishes)?.names.as_ref()?.first()?.clone();
    Some(name.trim_start_matches('/').to_owned())
}

/// The process of this host that listens on a port, as far as we may see it: `nginx (pid 812)`.
fn process_with(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find_map(|table| listener(&table, port))?;
    let socket = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?;
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    processes
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_name().to_str().is_some_and(is_number))
        .find(|entry| holds(&entry.path(), &socket))
        .map(|entry| {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            format!("{} (pid {})", name.trim(), entry.file_name().display())
        })
}

fn holds(process: &Path, socket: &str) -> bool {
    let Ok(files) = std::fs::read_dir(process.join("fd")) else { return false };
    files
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
        .any(|target| target.to_str() == Some(socket))
}

/// The inode of the socket that listens on a port, in the kernel's table of sockets.
fn listener(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (fields.get(1)?, fields.get(2)?);
        let is_port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()? == port;
        let is_listening = remote.ends_with(":0000");
        if is_port && is_listening { fields.get(9)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_the_engines_complaint_are_understood() {
        let expected = Some(("127.0.0.1".to_owned(), 8080));
        let allocated = "driver failed programming external connectivity on endpoint web (5e3): \
                         Bind for 127.0.0.1:8080 failed: port is already allocated";
        let in_use = "driver failed programming external connectivity on endpoint web (5e3): Error starting \
                      userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use";
        assert_eq!(taken(allocated), expected);
        let newer = "failed to set up container networking: driver failed programming external connectivity on \
                     endpoint web (bd3): failed to bind host port for 127.0.0.1:8080:172.18.0.2:80/tcp: address \
                     already in use";
        assert_eq!(taken(in_use), expected);
        assert_eq!(taken(newer), expected);
        assert_eq!(
            taken("listen tcp6 [::1]:8080: bind: address already in use"),
            Some(("[::1]".to_owned(), 8080))
        );
        assert_eq!(taken("no such image"), None);
    }

    #[test]
    fn the_kernels_table_tells_who_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n   \
            1: 0100007F:1F91 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n";
        assert_eq!(listener(table, 8080), Some(4711));
        assert_eq!(listener(table, 8081), None);
    }
}
