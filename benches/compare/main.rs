//! Side by side in one run: the engine's raw interface, `env`, and Docker Compose v2 where it is installed.
//!
//! `COMPOSE=path cargo bench --bench compare`; `INTERVAL` (of Compose's health checks, `1s`), `RUNS`, `MACHINES` (a list) and
//! `JSON` (a file) may be given too. Peers take turns, each with the engine to itself, and another one begins in each run, so
//! that what disturbs one disturbs all.

mod common;
mod compose;
mod figures;
mod http;
mod image;
mod options;
mod ours;
mod peer;
mod process;
mod raw;
mod stack;

use compose::Compose;
use figures::Figures;
use http::Http;
use options::Options;
use ours::Ours;
use peer::Peer;
use raw::Raw;
use stack::{Shape, Stack};
use std::io::{self, Write};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often what changes nothing is repeated in one run.
const REPEATS: usize = 3;

/// How long the chain is.
const CHAIN: usize = 5;

/// How many machines there are when start time and memory are measured.
const USUAL: usize = 10;

fn main() -> Result<()> {
    let options = Options::read()?;
    let directory = tempfile::tempdir()?;
    image::make(&mut Http::connect(&options.socket)?, directory.path())?;
    let raw = Raw::new(options.socket.clone());
    let ours = Ours::new(directory.path())?;
    let compose = match &options.compose {
        Some(program) => Some(Compose::new(program.clone(), options.interval.clone(), directory.path())?),
        None => None,
    };
    let mut peers: Vec<&dyn Peer> = vec![&raw, &ours];
    peers.extend(compose.as_ref().map(|compose| compose as &dyn Peer));
    let mut figures = Figures::default();
    let measured = measure(&options, &peers, &ours, compose.as_ref(), &mut figures);
    if measured.is_err() {
        // What is there is taken away as far as possible; the first error is the one that counts.
        for peer in &peers {
            let _ = peer.destroy(Stack { shape: Shape::Plain, machines: 0 });
        }
    }
    // What was measured before a failure is shown all the same.
    std::fs::write(&options.json, serde_json::to_vec_pretty(&figures.json())?)?;
    let mut out = io::stdout().lock();
    writeln!(out, "\n{}", figures.table(&["raw API", "env", "Compose"]))?;
    if compose.is_none() {
        writeln!(out, "Docker Compose was not measured: COMPOSE=path names its stand-alone program.")?;
    }
    writeln!(out, "{} runs; all samples: {}", options.runs, options.json.display())?;
    measured
}

fn measure(
    options: &Options,
    peers: &[&dyn Peer],
    ours: &Ours,
    compose: Option<&Compose>,
    figures: &mut Figures,
) -> Result<()> {
    // The first use of the engine pays for things that stay: the agent's volume, page cache.
    for peer in peers {
        let stack = Stack { shape: Shape::Healthy, machines: 1 };
        peer.up(stack)?;
        peer.destroy(stack)?;
    }
    for run in 0..options.runs {
        writeln!(io::stderr(), "run {} of {}", run + 1, options.runs)?;
        let turns = || peers.iter().cycle().skip(run % peers.len()).take(peers.len());
        for &machines in &options.machines {
            for peer in turns() {
                plain(*peer, Stack { shape: Shape::Plain, machines }, figures)?;
            }
            for peer in turns() {
                waiting(*peer, Stack { shape: Shape::Healthy, machines }, figures)?;
            }
        }
        for peer in turns() {
            waiting(*peer, Stack { shape: Shape::Chain, machines: CHAIN }, figures)?;
        }
        start(ours, compose, figures)?;
    }
    Ok(())
}

/// Up, up again, and away.
fn plain(peer: &dyn Peer, stack: Stack, figures: &mut Figures) -> Result<()> {
    let mut timed = |situation: &str, work: &dyn Fn() -> Result<()>| {
        let begin = Instant::now();
        work()?;
        let situation = format!("{situation} {:>8}", stack.machines);
        figures.add(&situation, "s", peer.name(), begin.elapsed().as_secs_f64());
        Result::Ok(())
    };
    timed("cold up", &|| peer.up(stack))?;
    for _ in 0..REPEATS {
        timed("no-op up", &|| peer.up(stack))?;
    }
    timed("destroy", &|| peer.destroy(stack))
}

/// Up until ready, and up again when everything is ready.
fn waiting(peer: &dyn Peer, stack: Stack, figures: &mut Figures) -> Result<()> {
    let (first, again) = match stack.shape {
        Shape::Chain => (format!("chain of {CHAIN}"), format!("healthy chain of {CHAIN}")),
        _ => (format!("up until ready {}", stack.machines), format!("already healthy {}", stack.machines)),
    };
    let mut timed = |situation: &str| {
        let begin = Instant::now();
        peer.up(stack)?;
        figures.add(situation, "s", peer.name(), begin.elapsed().as_secs_f64());
        Result::Ok(())
    };
    timed(&first)?;
    for _ in 0..REPEATS {
        timed(&again)?;
    }
    peer.destroy(stack)
}

/// What it costs to start at all, and to look at a stack that is up.
fn start(ours: &Ours, compose: Option<&Compose>, figures: &mut Figures) -> Result<()> {
    let stack = Stack { shape: Shape::Plain, machines: USUAL };
    let mut add = |situation: &str, peer, usage: process::Usage| {
        figures.add(situation, "s", peer, usage.took.as_secs_f64());
        figures.add(&format!("{situation}, memory"), "MB", peer, usage.megabytes);
    };
    ours.up(stack)?;
    for _ in 0..REPEATS {
        add("version", ours.name(), ours.env(&["version"])?);
        add("status of 10", ours.name(), ours.env(&["status"])?);
    }
    ours.destroy(stack)?;
    let Some(compose) = compose else { return Ok(()) };
    compose.up(stack)?;
    for _ in 0..REPEATS {
        add("version", compose.name(), compose.compose(&["version"])?);
        add("status of 10", compose.name(), compose.compose(&["ps"])?);
    }
    compose.destroy(stack)
}
