//! Side by side in one run, on one machine of about 1.3 GB: `env drift`, `aide --check`, and Ansible's facts.
//!
//! `cargo bench --bench drift`; `RUNS` and `JSON` (a file) may be given. All three look at the same files of the same container;
//! aide hashes all of them as the machine's fingerprint does, Ansible gathers facts, packages, services and lists of files.
//! "full" is a fingerprint without anything known from before, "re-check" the `env drift` that people run again and again.
//! At last, what the baseline adds to the `up` of a small box.

mod baseline;
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

/// The machine: a server with compilers, a database and the two peers, about 1.3 GB.
const ENVFILE: &str = r#"
name = "bench-drift"

[machine.server]
box = "debian/12"

[[machine.server.provision]]
name = "packages"
shell = """
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install --no-install-recommends aide ansible-core python3-apt golang-go build-essential \
    postgresql nginx-light
apt-get -q clean
"""

[[machine.server.provision]]
file = "aide.conf"
to = "/etc/aide-bench.conf"

[[machine.server.provision]]
file = "facts.yml"
to = "/etc/facts-bench.yml"
"#;

/// What aide looks at: all files of the disk, by content.
const AIDE: &str = "\
database_in=file:/run/aide.db
database_out=file:/run/aide.db.new
report_url=stdout
!/proc
!/sys
!/dev
!/run
!/tmp
!/var/lib/envup
/ p+i+n+u+g+s+sha256
";

/// What people write who want to know with Ansible what a machine has.
const FACTS: &str = "\
- hosts: localhost
  connection: local
  gather_facts: true
  tasks:
    - package_facts:
    - service_facts:
    - find: { paths: [/etc, /usr/local, /opt], recurse: true, file_type: any, get_checksum: true }
";

/// What the peers leave behind, such as `/root/.ansible`, is found too, and is no failure of the benchmark.
const DRIFT: &[&str] = &["drift", "--fail-on", "breaking"];

/// How often a re-check is repeated in one run.
const REPEATS: usize = 3;

fn main() -> Result<()> {
    let runs: usize = variable("RUNS", "5").parse().map_err(|_| "RUNS is not a number")?;
    let bench = Bench::new()?;
    let measured = bench.measure(runs);
    // Whatever happened, nothing stays.
    let removed = bench.env(&["destroy", "--yes", "--volumes"]);
    measured?;
    removed.map(|_| ())
}

/// A checkout with a home of its own.
struct Bench {
    place: tempfile::TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        let place = tempfile::tempdir()?;
        for (name, text) in [("Envfile", ENVFILE), ("aide.conf", AIDE), ("facts.yml", FACTS)] {
            std::fs::write(place.path().join(name), text)?;
        }
        Ok(Self { place })
    }

    fn env(&self, words: &[&str]) -> Result<Usage> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_env"));
        command.args(words).current_dir(self.place.path()).env("ENVUP_DATA_DIR", self.data());
        run(command)
    }

    fn data(&self) -> PathBuf {
        // Boxes stay for the next time: building one takes longer than all the rest.
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-drift")
    }

    /// Lets go of all that is known of the machine's files.
    fn forget_files(&self) -> Result<()> {
        for project in std::fs::read_dir(self.data().join("projects"))?.flatten() {
            for machine in std::fs::read_dir(project.path().join("baselines")).into_iter().flatten().flatten()
            {
                for cache in ["files.cache", "latest.cache"] {
                    let _ = std::fs::remove_file(machine.path().join(cache));
                }
            }
        }
        Ok(())
    }

    fn measure(&self, runs: usize) -> Result<()> {
        self.env(&["up"])?;
        let container = self.container()?;
        let inside = |script: &str| -> Result<Usage> {
            let mut command = Command::new("docker");
            command.args(["exec", &container, "sh", "-c", script]);
            run(command)
        };
        let aide = "aide --config=/etc/aide-bench.conf";
        inside(&format!("{aide} --init && mv /run/aide.db.new /run/aide.db"))?;
        let count = "find / -xdev | wc -l; du -sxm / | cut -f1";
        let counted = Command::new("docker").args(["exec", &container, "sh", "-c", count]).output()?;
        let mut samples: Vec<(&str, Vec<f64>)> =
            ["full", "re-check", "aide --check", "ansible facts"].map(|name| (name, Vec::new())).into();
        for round in 0..runs {
            writeln!(io::stderr(), "run {} of {runs}", round + 1)?;
            self.forget_files()?;
            samples[0].1.push(self.env(DRIFT)?.took.as_secs_f64());
            for _ in 0..REPEATS {
                samples[1].1.push(self.env(DRIFT)?.took.as_secs_f64());
            }
            // Up to 7 it says that it found changes: logs go on being written.
            let check = format!("{aide} --check || [ $? -le 7 ]");
            samples[2].1.push(inside(&check)?.took.as_secs_f64());
            let facts = "ansible-playbook -i localhost, /etc/facts-bench.yml";
            samples[3].1.push(inside(facts)?.took.as_secs_f64());
        }
        let memory = self.env(DRIFT)?.megabytes;
        report(&samples, memory, &String::from_utf8_lossy(&counted.stdout))?;
        baseline::forget_boxes(&self.data());
        let [_, first, _] = baseline::measure(&self.data())?;
        let ups = (0..runs).map(|_| baseline::measure(&self.data())).collect::<Result<Vec<_>>>()?;
        let [cold, end, again] =
            [0, 1, 2].map(|place| median(&ups.iter().map(|up| up[place]).collect::<Vec<_>>()));
        Ok(writeln!(
            io::stdout(),
            "up of a small box: {cold:.3} s, of which {end:.3} s after it was ready, for its baseline ({first:.3} s for the first \
             machine of the box); again {again:.3} s"
        )?)
    }

    fn container(&self) -> Result<String> {
        let words = ["ps", "--quiet", "--filter", "name=^bench-drift-.*-server$"];
        let output = Command::new("docker").args(words).output()?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().next().ok_or("the machine is not there")?.to_owned())
    }
}

fn report(samples: &[(&str, Vec<f64>)], memory: f64, counted: &str) -> Result<()> {
    let medians: Vec<f64> = samples.iter().map(|(_, samples)| median(samples)).collect();
    let mut out = io::stdout().lock();
    let size: Vec<&str> = counted.split_whitespace().collect();
    writeln!(out, "\n{} entries, {} MiB", size.first().unwrap_or(&"?"), size.get(1).unwrap_or(&"?"))?;
    writeln!(out, "{:<16}{:>10}{:>10}{:>12}", "median", "seconds", "÷ aide", "÷ Ansible")?;
    for ((name, _), median) in samples.iter().zip(&medians) {
        writeln!(out, "{name:<16}{median:>10.3}{:>10.3}{:>12.3}", median / medians[2], median / medians[3])?;
    }
    writeln!(out, "a re-check takes {memory:.1} MB of memory on the host")?;
    let json = variable("JSON", concat!(env!("CARGO_TARGET_TMPDIR"), "/drift.json"));
    let rows: Vec<_> = samples
        .iter()
        .map(|(name, samples)| serde_json::json!({ "name": name, "samples": samples }))
        .collect();
    std::fs::write(&json, serde_json::to_vec_pretty(&rows)?)?;
    Ok(writeln!(out, "all samples: {json}")?)
}
