//! A frozen mirror: a proxy that answers every question of this run as it answered it first.
//!
//! It asks the archive as this host does. Packages, which never change, are kept below `target/` for the next run; lists of
//! packages are good for a while only and are kept for this run alone.

use crate::support::docker;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The mirror of all tests of this process.
pub struct Mirror {
    address: String,
    /// Lists of packages.
    lists: tempfile::TempDir,
    /// Held while the archive is asked: nobody asks twice.
    asking: Mutex<()>,
}

/// The bridge's own address, from its gateway and subnet. An engine that finds the bridge of an earlier one says no gateway: then
/// it is the subnet's first address, as engines choose it.
fn address_of_host(config: &str) -> String {
    let words: Vec<&str> = config.split_whitespace().collect();
    match words.as_slice() {
        [gateway, _] => (*gateway).to_owned(),
        _ => format!("{}.1", words[0].rsplit_once('.').unwrap().0),
    }
}

impl Mirror {
    /// Starts it, once for all tests.
    pub fn start() -> &'static Mirror {
        static MIRROR: OnceLock<Mirror> = OnceLock::new();
        static LISTENER: OnceLock<TcpListener> = OnceLock::new();
        MIRROR.get_or_init(|| {
            // Machines reach the host there, and nobody else does.
            let config = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}";
            let config = docker::docker(&["network", "inspect", "bridge", "--format", config]);
            let host = address_of_host(&config);
            let listener = LISTENER.get_or_init(|| TcpListener::bind((host, 0)).unwrap());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    std::thread::spawn(move || Mirror::start().answer(stream));
                }
            });
            Mirror {
                address: listener.local_addr().unwrap().to_string(),
                lists: tempfile::tempdir().unwrap(),
                asking: Mutex::new(()),
            }
        })
    }

    /// The variable that makes machines use it.
    pub fn proxy(&self) -> (&'static str, String) {
        ("http_proxy", format!("http://{}", self.address))
    }

    /// Whether anybody asked for lists of packages.
    pub fn was_asked(&self) -> bool {
        fs::read_dir(self.lists.path()).unwrap().next().is_some()
    }

    /// One question a connection.
    fn answer(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let question = lines.next().unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let url = question.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
        let found = url.filter(|url| url.starts_with("http://")).and_then(|url| self.file(url));
        let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // Who does not wait for the answer need not have it.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }

    /// What is at an address; nothing for what the archive does not have.
    fn file(&self, url: &str) -> Option<Vec<u8>> {
        let is_for_good = url.contains("/pool/");
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        let directory: PathBuf = if is_for_good { kept } else { self.lists.path().to_owned() };
        let path = directory.join(url.replace('/', "_"));
        let _asking = self.asking.lock().unwrap();
        if !path.exists() {
            fs::create_dir_all(&directory).unwrap();
            let part = tempfile::NamedTempFile::new_in(&directory).unwrap();
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--fail", "--location", "--output"]).arg(part.path()).arg(url);
            if curl.status().unwrap().success() {
                part.persist(&path).unwrap();
            } else if is_for_good {
                return None;
            } else {
                // Not there now is not there for the rest of this run.
                fs::write(&path, "").unwrap();
            }
        }
        fs::read(path).ok().filter(|body| !body.is_empty())
    }
}
