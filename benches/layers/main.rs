//! What layers save: an example from nothing, and again after it was destroyed with its volumes.
//!
//! `cargo bench --bench layers`; `RUNS`, `EXAMPLES` (a list) and `JSON` (a file) may be given. "provisioned" is an `up` of a new
//! checkout that neither uses nor makes layers, the box being there; "first up" makes them; "up again" follows `destroy --volumes`.

#[path = "../compare/common.rs"]
mod common;
#[path = "../compare/process.rs"]
mod process;

use common::{median, variable};
use process::{Usage, run};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let runs: usize = variable("RUNS", "3").parse().map_err(|_| "RUNS is not a number")?;
    let examples = variable("EXAMPLES", "hello puppet");
    let mut rows = Vec::new();
    for example in examples.split_whitespace() {
        let checkout = Checkout::of(example)?;
        let measured = checkout.measure(runs);
        // Whatever happened, nothing stays.
        let destroyed = checkout.env("destroy --yes --volumes");
        let pruned = checkout.env("layer prune --all --yes");
        rows.push((example, measured?));
        destroyed.and(pruned)?;
    }
    report(&rows)
}

/// What one example took: seconds, and the most memory of an `up` from layers in MB.
struct Times {
    provisioned: f64,
    first: f64,
    destroyed: Vec<f64>,
    again: Vec<f64>,
    megabytes: f64,
}

/// A copy of an example, with a data directory of its own.
struct Checkout {
    place: tempfile::TempDir,
}

impl Checkout {
    fn of(example: &str) -> Result<Self> {
        let checkout = Self { place: tempfile::tempdir()? };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example).join(".");
        std::fs::create_dir_all(checkout.directory())?;
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(source).arg(checkout.directory());
        run(copy)?;
        Ok(checkout)
    }

    fn directory(&self) -> PathBuf {
        self.place.path().join("checkout")
    }

    fn env(&self, words: &str) -> Result<Usage> {
        // Boxes stay for the next time: building one takes longer than all the rest.
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-layers");
        let mut command = Command::new(env!("CARGO_BIN_EXE_env"));
        command.args(words.split(' ')).current_dir(self.directory()).env("ENVUP_DATA_DIR", data);
        run(command)
    }

    fn measure(&self, runs: usize) -> Result<Times> {
        // Some have what runs on this host.
        self.env("allow")?;
        // The box is there, and the engine has it.
        self.env("up --no-layers")?;
        self.env("destroy --yes --volumes")?;
        self.env("layer prune --all --yes")?;
        let provisioned = self.env("up --no-layers")?.took.as_secs_f64();
        self.env("destroy --yes --volumes")?;
        let first = self.env("up")?.took.as_secs_f64();
        let mut times =
            Times { provisioned, first, destroyed: Vec::new(), again: Vec::new(), megabytes: 0.0 };
        for round in 0..runs {
            writeln!(io::stderr(), "run {} of {runs}", round + 1)?;
            times.destroyed.push(self.env("destroy --yes --volumes")?.took.as_secs_f64());
            let again = self.env("up")?;
            times.again.push(again.took.as_secs_f64());
            times.megabytes = again.megabytes.max(times.megabytes);
        }
        Ok(times)
    }
}

fn report(rows: &[(&str, Times)]) -> Result<()> {
    let mut out = io::stdout().lock();
    let heads = ["", "provisioned", "first up", "destroy", "up again", "÷ provisioned", "memory"];
    let [name, provisioned, first, destroy, again, ratio, memory] = heads;
    writeln!(out, "\n{name:<12}{provisioned:>12}{first:>12}{destroy:>12}{again:>12}{ratio:>15}{memory:>11}")?;
    for (example, times) in rows {
        let again = median(&times.again);
        writeln!(
            out,
            "{example:<12}{:>10.2} s{:>10.2} s{:>10.2} s{again:>10.2} s{:>15.3}{:>8.1} MB",
            times.provisioned,
            times.first,
            median(&times.destroyed),
            again / times.provisioned,
            times.megabytes
        )?;
    }
    let json = variable("JSON", concat!(env!("CARGO_TARGET_TMPDIR"), "/layers.json"));
    let rows: Vec<_> = rows
        .iter()
        .map(|(example, times)| {
            serde_json::json!({ "example": example, "provisioned": times.provisioned, "first": times.first,
                "destroyed": times.destroyed, "again": times.again })
        })
        .collect();
    std::fs::write(&json, serde_json::to_vec_pretty(&rows)?)?;
    Ok(writeln!(out, "all samples: {json}")?)
}
