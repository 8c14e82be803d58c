//! A socket in front of the engine's own that writes down every request and hands everything on unchanged.
//!
//! Only what the client says is read; answers and the streams of upgraded connections pass through unseen.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the engine listens.
const ENGINE: &str = "/var/run/docker.sock";

/// `METHOD /path` of every request, in the order of their coming, without the interface's version and the query.
type Requests = Arc<Mutex<Vec<String>>>;

/// Listens until it is dropped.
pub struct CountingSocket {
    path: PathBuf,
    requests: Requests,
}

impl CountingSocket {
    /// Begins to listen at `path`.
    pub fn listen(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let requests = Requests::default();
        let seen = requests.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, requests) = (client.unwrap(), seen.clone());
                thread::spawn(move || hand_on(client, &requests));
            }
        });
        Self { path: path.to_owned(), requests }
    }

    /// What `DOCKER_HOST` has to be.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// The requests since the last time, each with how often it was made; `rename` makes paths the same in every run.
    pub fn take(&self, rename: impl Fn(&str) -> String) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.requests.lock().unwrap().drain(..) {
            *counts.entry(rename(&request)).or_default() += 1;
        }
        counts
    }
}

/// Connects the client to the engine; ends when the client or the engine has nothing more to say.
fn hand_on(client: UnixStream, requests: &Requests) {
    let engine = UnixStream::connect(ENGINE).unwrap();
    let (mut answers, mut to_client) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
    let answering = thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut from_client = BufReader::new(client);
    let mut to_engine = engine;
    // A client that goes away in the middle of a request is its own business.
    while let Ok(true) = one_request(&mut from_client, &mut to_engine, requests) {}
    let _ = to_engine.shutdown(Shutdown::Write);
    answering.join().unwrap();
}

/// Hands one request on; `false` when there is no more of them.
fn one_request(client: &mut impl BufRead, engine: &mut impl Write, requests: &Requests) -> io::Result<bool> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head)? == 0 {
            return Ok(false);
        }
    }
    requests.lock().unwrap().push(without_version(head.lines().next().unwrap_or_default()));
    engine.write_all(head.as_bytes())?;
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    if header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        while one_chunk(client, engine)? {}
    } else if let Some(length) = header("content-length") {
        io::copy(&mut client.take(length.parse().map_err(io::Error::other)?), engine)?;
    }
    if header("upgrade").is_some() {
        // From here on it is no HTTP any more.
        pass_on(client, engine)?;
        return Ok(false);
    }
    Ok(true)
}

/// Hands one chunk of a body on; `false` when it was the last.
fn one_chunk(client: &mut impl BufRead, engine: &mut impl Write) -> io::Result<bool> {
    let mut size = String::new();
    client.read_line(&mut size)?;
    engine.write_all(size.as_bytes())?;
    let size = u64::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
    io::copy(&mut client.take(size + 2), engine)?;
    Ok(size > 0)
}

/// Like `io::copy`, but what was read before it comes first and nothing waits for a full buffer.
fn pass_on(client: &mut impl BufRead, engine: &mut impl Write) -> io::Result<()> {
    loop {
        let bytes = client.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        engine.write_all(bytes)?;
        let count = bytes.len();
        client.consume(count);
    }
}

/// `GET /v1.41/info?x=y HTTP/1.1` as `GET /info`.
fn without_version(line: &str) -> String {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let version = path.strip_prefix("/v").and_then(|rest| rest.split_once('/'));
    match version {
        Some((version, rest)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{method} /{rest}")
        }
        _ => format!("{method} {path}"),
    }
}

#[test]
fn requests_are_read_whole_and_handed_on_unchanged() {
    let said = "POST /v1.41/build?q=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                POST /exec/1/start HTTP/1.1\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}GET /no/request HTTP/1.1\r\n\r\n";
    let requests = Requests::default();
    let (mut client, mut engine) = (BufReader::new(said.as_bytes()), Vec::new());
    while one_request(&mut client, &mut engine, &requests).unwrap() {}
    assert_eq!(*requests.lock().unwrap(), ["POST /build", "POST /exec/1/start"]);
    assert_eq!(String::from_utf8(engine).unwrap(), said);
}
