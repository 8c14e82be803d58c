//! Side by side in one run, on one disk: a cold `env up` of a VM, and `virsh start` of the same until its first command by ssh.
//!
//! `cargo bench -p envup-libvirt --bench compare-vm`; `RUNS` may be given. Each round makes our VM from nothing, stops it, and boots
//! a domain of the same document with the same kernel and initrd upon a new overlay of the same box, on the same network. So both begin
//! with a disk that never booted. Ours goes on where the other ends: the machine has booted to its end, has this host's certificate
//! authorities and a baseline. `ready` is when it says that the machine is ready, `up` when the command ends. Where Vagrant and its
//! provider for libvirt are installed (`apt install --no-install-recommends vagrant-libvirt`), there is a column for `vagrant up` of the
//! same disk.

#[path = "../../../../benches/compare/common.rs"]
mod common;
mod vagrant;

use common::{median, variable};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use vagrant::Vagrant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const ENVFILE: &str = r#"
name = "bench-vm"

[machine.web]
box = "debian/12"
provider = "libvirt"
"#;

/// The other domain and its disk.
const OTHER: &str = "envup-bench-other";

/// What `up` may take beyond the other's first command.
const ALLOWED: f64 = 1.5;

/// How long a VM may take, and the pause between two tries of ssh, as people write it.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);

fn main() -> Result<()> {
    let runs: usize = variable("RUNS", "3").parse().map_err(|_| "RUNS is not a number")?;
    let bench = Bench::new()?;
    let vagrant = Vagrant::installed(bench.place.path())?;
    let measured = bench.measure(runs, vagrant.as_ref());
    // Whatever happened, nothing stays.
    bench.forget_other();
    if let Some(vagrant) = &vagrant {
        vagrant.forget();
    }
    let removed = bench.env(&["destroy", "--yes"]);
    measured?;
    removed
}

/// A checkout with a home of its own.
struct Bench {
    place: tempfile::TempDir,
}

/// What one `up` took, in seconds.
struct Up {
    ready: f64,
    whole: f64,
}

impl Bench {
    fn new() -> Result<Self> {
        let place = tempfile::tempdir()?;
        std::fs::write(place.path().join("Envfile"), ENVFILE)?;
        // Boxes stay for the next time: building one takes longer than all the rest.
        let boxes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boxes");
        std::fs::create_dir_all(&boxes)?;
        let bench = Self { place };
        std::fs::create_dir_all(bench.data())?;
        std::os::unix::fs::symlink(boxes, bench.data().join("boxes"))?;
        Ok(bench)
    }

    fn measure(&self, runs: usize, vagrant: Option<&Vagrant>) -> Result<()> {
        // The box is built, brought to libvirt, and its files are known: that happens once on a host.
        self.up()?;
        if let Some(vagrant) = vagrant {
            self.env(&["exec", "web", "--", "sh", "-c", vagrant::FURNISH, "sh", &vagrant.key()?])?;
            self.env(&["stop"])?;
            let (name, document) = our_domain()?;
            let disk = said("virsh", &["-q", "vol-path", "--pool", "envup", &format!("{name}.qcow2")])?;
            vagrant.make_box(disk.trim(), &document)?;
        }
        self.env(&["destroy", "--yes"])?;
        let (mut readies, mut ups, mut others, mut vagrants) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let up = self.up()?;
            self.env(&["stop"])?;
            let other = self.boot_other()?;
            let mut line = format!("virsh {other:6.2} s   ready {:6.2} s   up {:6.2} s", up.ready, up.whole);
            if let Some(vagrant) = vagrant {
                vagrant.describe(&our_domain()?.1)?;
                let took = vagrant.up()?;
                line += &format!("   vagrant {took:6.2} s");
                vagrants.push(took);
            }
            self.env(&["destroy", "--yes"])?;
            say(&line)?;
            readies.push(up.ready);
            ups.push(up.whole);
            others.push(other);
        }
        let (ready, up, other) = (median(&readies), median(&ups), median(&others));
        say(&format!("\nmedians of {runs}          seconds   ÷ virsh   - virsh"))?;
        let vagrant = (!vagrants.is_empty()).then(|| ("vagrant up", median(&vagrants)));
        let ours = [("virsh, first ssh", other), ("env up, ready", ready), ("env up, whole", up)];
        for (what, value) in ours.into_iter().chain(vagrant) {
            say(&format!("{what:<22}{value:>9.2}{:>10.2}{:>10.2}", value / other, value - other))?;
        }
        let verdict = if up - other <= ALLOWED { "kept" } else { "missed" };
        say(&format!("\nup within virsh + {ALLOWED} s: {verdict}"))
    }

    /// Makes our VM from nothing.
    fn up(&self) -> Result<Up> {
        let begin = Instant::now();
        let mut command = self.command(&["up", "--json"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut ready = None;
        for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
            if line?.contains("\"outcome\":\"ready\"") {
                ready.get_or_insert(begin.elapsed().as_secs_f64());
            }
        }
        if !child.wait()?.success() {
            return Err("env up failed".into());
        }
        Ok(Up { ready: ready.ok_or("nothing became ready")?, whole: begin.elapsed().as_secs_f64() })
    }

    /// Boots the other domain until ssh has run a command in it; seconds.
    fn boot_other(&self) -> Result<f64> {
        let (name, document) = our_domain()?;
        let (base, length) = self.disk_below(&name)?;
        virsh(&[
            "vol-create-as",
            "envup",
            OTHER,
            &length,
            "--format",
            "qcow2",
            "--backing-vol",
            &base,
            "--backing-vol-format",
            "qcow2",
        ])?;
        let ours = format!("{name}.qcow2");
        let id = document.find("<uuid>").zip(document.find("</uuid>")).ok_or("a domain without an id")?;
        let without_id = format!("{}{}", &document[..id.0], &document[id.1 + "</uuid>".len()..]);
        let path = self.place.path().join("other.xml");
        std::fs::write(
            &path,
            without_id
                .replace(&ours, OTHER)
                .replace(&format!("<name>{name}</name>"), &format!("<name>{OTHER}</name>")),
        )?;
        virsh(&["define", &path.display().to_string()])?;

        let private = only(&self.data().join("projects"))?;
        let known_hosts = only(&private.join("known_hosts.vms"))?;
        let address = std::fs::read_to_string(&known_hosts)?;
        let address = address.split(' ').next().ok_or("a machine without an address")?;
        let begin = Instant::now();
        virsh(&["start", OTHER])?;
        while begin.elapsed() < PATIENCE {
            let options = ["BatchMode=yes", "ConnectTimeout=2", "StrictHostKeyChecking=yes"]
                .map(|option| format!("-o{option}"));
            let tried = Command::new("ssh")
                .args(["-F", "/dev/null"])
                .args(options)
                .arg(format!("-oUserKnownHostsFile={}", known_hosts.display()))
                .arg("-i")
                .arg(private.join("ssh_key"))
                .args([&format!("root@{address}"), "true"])
                .stderr(Stdio::null())
                .status()?;
            if tried.success() {
                let took = begin.elapsed().as_secs_f64();
                self.forget_other();
                return Ok(took);
            }
            pause();
        }
        Err("ssh never came through".into())
    }

    /// The volume that our disk lies upon, and how long it is in bytes.
    fn disk_below(&self, name: &str) -> Result<(String, String)> {
        let document = said("virsh", &["vol-dumpxml", "--pool", "envup", &format!("{name}.qcow2")])?;
        let below = &document[document.find("<backingStore>").ok_or("a disk upon nothing")?..];
        let path = between(below, "<path>", "</path>").ok_or("a disk upon nothing")?;
        let length = between(&document, "<capacity unit='bytes'>", "<").ok_or("a disk without a length")?;
        Ok((path.rsplit('/').next().unwrap_or(&path).to_owned(), length))
    }

    fn forget_other(&self) {
        for words in
            [vec!["destroy", OTHER], vec!["undefine", OTHER], vec!["vol-delete", "--pool", "envup", OTHER]]
        {
            let _ = Command::new("virsh").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }

    fn env(&self, words: &[&str]) -> Result<()> {
        let output = self.command(words).stdin(Stdio::null()).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("env {words:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_env-libvirt"));
        command.args(words).current_dir(self.place.path()).env("ENVUP_DATA_DIR", self.data());
        command
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }
}

/// Name and document of our VM.
fn our_domain() -> Result<(String, String)> {
    let names = said("virsh", &["-q", "list", "--all", "--name"])?;
    let name = names.lines().find(|line| line.starts_with("bench-vm-")).ok_or("our VM is not there")?;
    Ok((name.to_owned(), said("virsh", &["dumpxml", "--inactive", name])?))
}

/// What lies between two parts of a text.
fn between(text: &str, begin: &str, end: &str) -> Option<String> {
    let text = &text[text.find(begin)? + begin.len()..];
    Some(text[..text.find(end)?].to_owned())
}

#[allow(clippy::disallowed_methods)] // a benchmark has nobody who interrupts it
fn pause() {
    std::thread::sleep(PAUSE);
}

fn virsh(words: &[&str]) -> Result<()> {
    said("virsh", words).map(drop)
}

fn said(program: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(program).args(words).output()?;
    if !output.status.success() {
        return Err(format!("{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The one thing in a directory.
fn only(directory: &Path) -> Result<PathBuf> {
    let first = std::fs::read_dir(directory)?.next().ok_or("an empty directory")?;
    Ok(first?.path())
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
