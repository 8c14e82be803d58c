//! What the baseline costs: the end of the cold `up` of a small box, after its machine is ready.
//!
//! Counted from the event that says so to the end of the command, so what else happens there is in it too. Each run has a
//! checkout of its own: nothing is left that a machine before it knew of its own files, and after the first nothing has to be read of
//! what is the box's.

use crate::Result;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The smallest machine that is a server.
const ENVFILE: &str = "name = \"bench-baseline\"\n\n[machine.server]\nbox = \"debian/12\"\n";

/// Lets go of what is known of the files of boxes.
pub fn forget_boxes(data: &Path) {
    let boxes = walkdir::WalkDir::new(data.join("boxes")).into_iter().flatten();
    for kept in boxes.filter(|entry| entry.file_name() == "files.cache") {
        let _ = std::fs::remove_file(kept.path());
    }
}

/// Seconds: of the whole `up`, and of what follows the machine's being ready; then of an `up` that changes nothing.
pub fn measure(data: &Path) -> Result<[f64; 3]> {
    let place = tempfile::tempdir()?;
    std::fs::write(place.path().join("Envfile"), ENVFILE)?;
    let measured = up(place.path(), data).and_then(|[cold, end]| Ok([cold, end, up(place.path(), data)?[0]]));
    let removed = env(place.path(), data).args(["destroy", "--yes", "--volumes"]).output()?;
    if !removed.status.success() {
        return Err(format!("destroy: {}", String::from_utf8_lossy(&removed.stderr)).into());
    }
    measured
}

/// Seconds of an `up`, and from its last machine's end to its own.
fn up(place: &Path, data: &Path) -> Result<[f64; 2]> {
    let begin = Instant::now();
    let mut command = env(place, data);
    let mut child = command.args(["up", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut ready = begin;
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        if line?.starts_with("{\"event\":\"end\"") {
            ready = Instant::now();
        }
    }
    if !child.wait()?.success() {
        return Err("up failed".into());
    }
    Ok([begin, ready].map(|since| since.elapsed().as_secs_f64()))
}

fn env(place: &Path, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_env"));
    command.current_dir(place).env("ENVUP_DATA_DIR", data).stdin(Stdio::null());
    command
}
