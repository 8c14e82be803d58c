//! Does a plain http address answer well?

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpStream};
use std::time::{Duration, Instant};

use super::Found;
use super::net::connect;
use crate::work::failure::plain;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Enough for the head of any answer.
const HEAD: usize = 64 * 1024;
const CLOSED: &str = "the connection was closed without an answer";

/// Asks once, and is content with 2xx and 3xx.
pub fn get(url: &str) -> Found {
    let url = Url::parse(url)?;
    let mut stream = connect(Some(url.host), url.port)?;
    let head = ask(&mut stream, &url).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            format!("no answer within {} s", LIMIT.as_secs())
        }
        std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => CLOSED.to_owned(),
        _ => plain(&error),
    })?;
    judge(&head)
}

/// Sends the request and reads the head of the answer.
fn ask(stream: &mut TcpStream, url: &Url<'_>) -> std::io::Result<String> {
    let deadline = Instant::now() + LIMIT;
    stream.set_write_timeout(Some(LIMIT))?;
    write!(stream, "GET {} HTTP/1.1\r\nHost: {}\r\n", url.path, url.authority)?;
    stream.write_all(b"User-Agent: envup\r\nAccept: */*\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") && answer.len() < HEAD {
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut chunk)? {
            0 => break,
            count => answer.extend_from_slice(&chunk[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judge(head: &str) -> Found {
    let line = head.lines().next().unwrap_or_default();
    let status =
        line.strip_prefix("HTTP/").and_then(|rest| rest.split_once(' ')).map(|(_, status)| status.trim());
    match status {
        Some(status) if status.starts_with(['2', '3']) => Ok(()),
        Some(status) => Err(status.to_owned()),
        None if head.is_empty() => Err(CLOSED.to_owned()),
        None => Err("the answer is not http".to_owned()),
    }
}

#[derive(Debug, PartialEq)]
struct Url<'a> {
    authority: &'a str,
    host: &'a str,
    port: u16,
    path: &'a str,
}

impl<'a> Url<'a> {
    fn parse(url: &'a str) -> Result<Url<'a>, String> {
        let rest = url.strip_prefix("http://").ok_or("only plain http:// addresses can be probed")?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let (authority, path) = match rest.find(['/', '?']) {
            Some(end) => (&rest[..end], &rest[end..]),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("{port} is not a port"))?)
            }
            _ => (authority, 80),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.filter(|host| host.parse::<Ipv6Addr>().is_ok()).unwrap_or(host);
        let valid =
            |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if !valid(host) || !valid(path) || !path.starts_with('/') {
            return Err("the address must look like http://host[:port]/path".to_owned());
        }
        Ok(Url { authority, host, port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Option<(&str, u16, &str)> {
        Url::parse(url).ok().map(|url| (url.host, url.port, url.path))
    }

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(parts("http://localhost/health"), Some(("localhost", 80, "/health")));
        assert_eq!(parts("http://web:8080"), Some(("web", 8080, "/")));
        assert_eq!(parts("http://[::1]:9000/a?b=c#d"), Some(("::1", 9000, "/a?b=c")));
        assert_eq!(parts("http://[::1]/"), Some(("::1", 80, "/")));
        for bad in
            ["https://web/", "web", "http://", "http://web:99999/", "http://web/a b", "http://web/\r\nX: y"]
        {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_success_and_redirects_are_good() {
        assert_eq!(judge("HTTP/1.1 204 No Content\r\n\r\n"), Ok(()));
        assert_eq!(judge("HTTP/1.0 302 Found\r\n\r\n"), Ok(()));
        assert_eq!(
            judge("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
            Err("503 Service Unavailable".to_owned())
        );
        assert!(judge("SSH-2.0-OpenSSH\r\n").is_err());
        assert!(judge("").is_err());
    }
}
