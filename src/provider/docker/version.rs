//! Which version of its interface the engine speaks, told by its answer to a ping.
//!
//! The library asks `/version`, for which the engine runs the programs that it is made of: 10 ms of every verb. A ping takes
//! half of one. Where it cannot tell, the library's way is taken, which also explains what is wrong.

use bollard::{API_DEFAULT_VERSION, ClientVersion};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long the ping may take before the library's way is taken.
const LIMIT: Duration = Duration::from_secs(5);

/// More than the head of any answer.
const LONGEST: u64 = 64 * 1024;

/// The newest version that both this program and the engine behind the socket speak.
pub(super) fn common(socket: &str) -> Option<ClientVersion> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).ok()?;
    let theirs = spoken(&String::from_utf8_lossy(&answer))?;
    let ours = API_DEFAULT_VERSION;
    Some(if theirs < *ours { theirs } else { *ours })
}

/// The version in the head of a good answer.
fn spoken(answer: &str) -> Option<ClientVersion> {
    let (first, headers) = answer.split_once("\r\n")?;
    let is_good = first.split(' ').nth(1) == Some("200");
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("api-version").then(|| value.trim().to_owned())
    };
    let version = headers.lines().take_while(|line| !line.is_empty()).find_map(named).filter(|_| is_good)?;
    let (major, minor) = version.split_once('.')?;
    Some(ClientVersion { major_version: major.parse().ok()?, minor_version: minor.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(answer: &str) -> Option<(usize, usize)> {
        spoken(answer).map(|version| (version.major_version, version.minor_version))
    }

    #[test]
    fn only_a_good_answer_tells_a_version() {
        assert_eq!(version("HTTP/1.1 200 OK\r\nServer: x\r\nAPI-version: 1.41\r\n\r\nOK"), Some((1, 41)));
        assert_eq!(version("HTTP/1.1 500 Sorry\r\nApi-Version: 1.41\r\n\r\n"), None);
        assert_eq!(version("HTTP/1.1 200 OK\r\n\r\nApi-Version: 1.41\r\n"), None);
        assert_eq!(version("HTTP/1.1 200 OK\r\nApi-Version: new\r\n\r\n"), None);
        assert_eq!(version(""), None);
    }
}
