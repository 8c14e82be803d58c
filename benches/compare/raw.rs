//! The engine's interface and nothing else: as fast as anybody can be who makes the same machines.

use crate::Result;
use crate::http::Http;
use crate::image::IMAGE;
use crate::peer::Peer;
use crate::stack::{PORT, Shape, Stack};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// More connections make the engine no faster.
const CONNECTIONS: usize = 8;

const LABEL: &str = "bench-raw";

/// How often a port that is not open is tried.
const TRY_EVERY: Duration = Duration::from_millis(5);

/// Speaks to the engine itself.
pub struct Raw {
    socket: PathBuf,
    network: String,
}

impl Raw {
    /// Speaks to the engine at this socket. Names of networks are not unique, and engines may keep old ones by mistake.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, network: format!("bench-raw-{}", std::process::id()) }
    }
}

impl Peer for Raw {
    fn name(&self) -> &'static str {
        "raw API"
    }

    fn up(&self, stack: Stack) -> Result<()> {
        let mut engine = Http::connect(&self.socket)?;
        let found = machines(&mut engine)?;
        if found.len() == stack.machines {
            return self.each(&found, |engine, id| {
                let machine = inspect(engine, id)?;
                if stack.waits() { self.await_port(&machine) } else { Ok(()) }
            });
        }
        engine.json("POST", "/networks/create", Some(&json!({ "Name": self.network })))?;
        if stack.shape == Shape::Chain {
            return stack.names().iter().try_for_each(|name| {
                self.make(&mut engine, stack, name)?;
                self.await_port(&inspect(&mut engine, &container(name))?)
            });
        }
        self.each(&stack.names(), |engine, name| {
            self.make(engine, stack, name)?;
            if stack.waits() { self.await_port(&inspect(engine, &container(name))?) } else { Ok(()) }
        })
    }

    fn destroy(&self, _stack: Stack) -> Result<()> {
        let mut engine = Http::connect(&self.socket)?;
        let found = machines(&mut engine)?;
        self.each(&found, |engine, id| {
            engine.json("DELETE", &format!("/containers/{id}?force=1&v=1"), None).map(|_| ())
        })?;
        let filter = format!("/networks?filters={{%22name%22:[%22{}%22]}}", self.network);
        for network in engine.json("GET", &filter, None)?.as_array().into_iter().flatten() {
            engine.json("DELETE", &format!("/networks/{}", text(&network["Id"])), None)?;
        }
        Ok(())
    }
}

impl Raw {
    /// Does `work` on every item, several at a time, each thread on a connection of its own.
    fn each(&self, items: &[String], work: impl Fn(&mut Http, &str) -> Result<()> + Sync) -> Result<()> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut engine = Http::connect(&self.socket)?;
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                work(&mut engine, item)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS.min(items.len())).map(|_| scope.spawn(worker)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a crash".into())))
        })
    }

    fn make(&self, engine: &mut Http, stack: Stack, name: &str) -> Result<()> {
        let body = json!({
            "Image": IMAGE,
            "Cmd": stack.command(),
            "Labels": { LABEL: name },
            "HostConfig": { "NetworkMode": self.network },
            "NetworkingConfig": { "EndpointsConfig": { &self.network: { "Aliases": [name] } } },
        });
        let container = container(name);
        engine.json("POST", &format!("/containers/create?name={container}"), Some(&body))?;
        engine.json("POST", &format!("/containers/{container}/start"), None).map(|_| ())
    }

    #[allow(clippy::disallowed_methods)] // whoever interrupts a benchmark ends it
    fn await_port(&self, machine: &Value) -> Result<()> {
        let address = text(&machine["NetworkSettings"]["Networks"][&self.network]["IPAddress"]);
        let address = SocketAddr::new(address.parse()?, PORT);
        while TcpStream::connect_timeout(&address, 10 * TRY_EVERY).is_err() {
            std::thread::sleep(TRY_EVERY);
        }
        Ok(())
    }
}

fn machines(engine: &mut Http) -> Result<Vec<String>> {
    let filter = format!("/containers/json?all=1&filters={{%22label%22:[%22{LABEL}%22]}}");
    let found = engine.json("GET", &filter, None)?;
    Ok(found.as_array().into_iter().flatten().map(|machine| text(&machine["Id"])).collect())
}

fn container(name: &str) -> String {
    format!("bench-raw-{name}")
}

fn inspect(engine: &mut Http, machine: &str) -> Result<Value> {
    engine.json("GET", &format!("/containers/{machine}/json"), None)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
