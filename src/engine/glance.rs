//! A look at a running machine from outside: do its ports answer? Told in a millisecond, without a call into it.
//!
//! Only a yes counts. A no may mean that it listens to itself alone: then the agent inside has the word.

use crate::model::ready::Requirement;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

/// How long one answer may take, before it is cheaper to ask inside. The tests' own servers have all the time they need.
const LIMIT: Duration = if cfg!(test) { Duration::from_secs(60) } else { Duration::from_millis(250) };

/// Whether a look from outside can be enough.
pub fn can_tell(requirements: &[Requirement]) -> bool {
    let outside =
        |requirement: &Requirement| !matches!(requirement, Requirement::Command(_) | Requirement::File(_));
    requirements.iter().all(outside)
}

/// Whether all requirements but those on the log hold at this address.
pub fn holds(requirements: &[Requirement], address: IpAddr) -> bool {
    requirements.iter().all(|requirement| match requirement {
        Requirement::Tcp(port) => connect(address, *port).is_some(),
        Requirement::Http(url) => answers_well(url, address).unwrap_or(false),
        Requirement::Command(_) | Requirement::File(_) => false,
        Requirement::Log(_) => true,
    })
}

fn connect(address: IpAddr, port: u16) -> Option<TcpStream> {
    TcpStream::connect_timeout(&(address, port).into(), LIMIT).ok()
}

/// Asks as the agent would, which takes `localhost` for the machine itself; other hosts are for the agent.
fn answers_well(url: &str, address: IpAddr) -> Option<bool> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    if !["localhost", "127.0.0.1"].contains(&host) || url.contains(|c: char| c.is_whitespace() || c == '#') {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    let mut stream = connect(address, port.parse().ok()?)?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let headers = "User-Agent: envup\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    // In one piece: some servers answer, and hang up on what comes later.
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n{headers}").as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    let status = line.strip_prefix("HTTP/")?.split_whitespace().nth(1)?;
    Some(status.starts_with(['2', '3']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A server for one visitor; gives its port.
    fn serve(answer: &'static str) -> u16 {
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        });
        port
    }

    #[test]
    fn an_open_port_is_seen_and_what_only_the_inside_knows_is_not() {
        let open = Requirement::Tcp(serve(""));
        assert!(holds(&[open, Requirement::Log("listening".into())], HERE));
        let closed = TcpListener::bind((HERE, 0)).unwrap().local_addr().unwrap().port();
        assert!(!holds(&[Requirement::Tcp(closed)], HERE));
        assert!(!holds(&[Requirement::File("/etc/passwd".into())], HERE));
        assert!(!holds(&[Requirement::Command(vec!["true".into()])], HERE));
    }

    #[test]
    fn pages_are_asked_for_at_the_machine_itself_only() {
        let good = |answer, host: &str| {
            holds(&[Requirement::Http(format!("http://{host}:{}/health", serve(answer)))], HERE)
        };
        assert!(good("HTTP/1.1 204 No Content\r\n\r\n", "localhost"));
        assert!(!good("HTTP/1.1 503 Service Unavailable\r\n\r\n", "localhost"));
        assert!(!good("SSH-2.0-OpenSSH\r\n", "localhost"));
        assert!(!good("HTTP/1.1 200 OK\r\n\r\n", "elsewhere"));
    }
}
