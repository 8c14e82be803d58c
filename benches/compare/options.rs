//! What the user says in the environment: `COMPOSE`, `INTERVAL`, `RUNS`, `MACHINES`, `JSON`.
#![allow(clippy::disallowed_methods)] // a benchmark has no command line of its own: cargo passes words of its own to it

use crate::Result;
use crate::common::variable;
use std::env;
use std::path::PathBuf;

/// How to measure.
pub struct Options {
    /// Docker Compose v2, when there is one.
    pub compose: Option<PathBuf>,
    /// How often Compose has the engine check health.
    pub interval: String,
    /// How often everything is measured.
    pub runs: usize,
    /// Sizes of the stacks.
    pub machines: Vec<usize>,
    /// Where the figures go as JSON.
    pub json: PathBuf,
    /// The engine's socket.
    pub socket: PathBuf,
}

impl Options {
    /// Reads the environment.
    pub fn read() -> Result<Self> {
        let machines = variable("MACHINES", "1,10,30");
        let host = variable("DOCKER_HOST", "unix:///var/run/docker.sock");
        let socket = host.strip_prefix("unix://").ok_or("this benchmark needs an engine on a unix socket")?;
        let default = concat!(env!("CARGO_TARGET_TMPDIR"), "/compare.json");
        Ok(Self {
            compose: env::var_os("COMPOSE").map(PathBuf::from),
            interval: variable("INTERVAL", "1s"),
            runs: variable("RUNS", "5").parse().map_err(|_| "RUNS is not a number")?,
            machines: machines
                .split(',')
                .map(|number| {
                    number.trim().parse().map_err(|_| format!("MACHINES: `{number}` is not a number"))
                })
                .collect::<std::result::Result<_, _>>()?,
            json: PathBuf::from(variable("JSON", default)),
            socket: PathBuf::from(socket),
        })
    }
}
