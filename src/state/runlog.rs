//! The log of one run: every step, every line of output, every end, with the second at which it came. Kept in the checkout, the
//! latest twenty; shown from when something fails. Progress is not written: it says nothing afterwards.

use super::Project;
use super::store::{Access, create_directory};
use crate::event::{Event, Observer};
use crate::model::Result;
use crate::model::error::Attempt;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many logs are kept.
const KEPT: usize = 20;

/// A log that is being written; may be used from several threads.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    began: Instant,
    /// Gone after a failed write: a full disk must not end the run that it is the log of.
    file: Mutex<Option<File>>,
}

impl RunLog {
    /// Begins the log of a run of `verb`, and lets go of the oldest logs.
    pub fn create(project: &Project, verb: &str) -> Result<Self> {
        Self::create_in(&project.state_directory().join("logs"), verb)
    }

    fn create_in(directory: &Path, verb: &str) -> Result<Self> {
        create_directory(directory, Access::Private)?;
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
        let path = directory.join(format!("{time}-{}-{verb}.log", std::process::id()));
        let file = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .attempt(|| format!("cannot write the log {}", path.display()))?;
        remove_old(directory);
        Ok(Self { path, began: Instant::now(), file: Mutex::new(Some(file)) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line.
    pub fn line(&self, machine: Option<&str>, text: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        let line = format!("{seconds:9.3}  {:<12}  {text}\n", machine.unwrap_or("-"));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.as_mut().is_some_and(|file| file.write_all(line.as_bytes()).is_err()) {
            *file = None;
        }
    }
}

impl Observer for RunLog {
    fn on(&self, event: &Event) {
        match event {
            Event::Begin { machines } => self.line(None, &format!("begin: {}", machines.join(" "))),
            Event::Doing { machine, what } => self.line(machine.as_deref(), what),
            Event::Progress { .. } => {}
            Event::Output { machine, source, text } => {
                self.line(machine.as_deref(), &format!("{source} | {text}"));
            }
            Event::Step { machine, step, status, seconds } => {
                let took = seconds.map(|seconds| format!(" after {seconds:.1}s")).unwrap_or_default();
                self.line(Some(machine), &format!("step {step}: {}{took}", word(status)));
            }
            Event::Waiting { machine, requirement, detail } => {
                self.line(Some(machine), &format!("waiting for {requirement}: {detail}"));
            }
            Event::End { machine, outcome, detail, seconds } => {
                self.line(Some(machine), &format!("{} after {seconds:.1}s: {detail}", word(outcome)));
            }
            Event::Note { text } => self.line(None, text),
        }
    }
}

/// A unit variant's name as JSON and people write it.
fn word(variant: &impl std::fmt::Debug) -> String {
    format!("{variant:?}").to_lowercase()
}

/// Names sort by time.
fn remove_old(directory: &Path) {
    let mut logs: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    for old in logs.iter().rev().skip(KEPT) {
        let _ = fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepStatus;

    #[test]
    fn lines_of_machines_and_steps_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let log = RunLog::create_in(place.path(), "up").unwrap();
        let step =
            |status, seconds| Event::Step { machine: "web".into(), step: "base.sh".into(), status, seconds };
        log.on(&step(StepStatus::Running, None));
        log.on(&Event::Output {
            machine: Some("web".into()),
            source: "base.sh".into(),
            text: "Reading…".into(),
        });
        log.on(&step(StepStatus::Failed, Some(1.25)));
        log.on(&Event::Note { text: "enough".into() });
        let text = fs::read_to_string(log.path()).unwrap();
        let lines: Vec<_> = text.lines().map(|line| &line[11..]).collect();
        assert_eq!(
            lines,
            [
                "web           step base.sh: running",
                "web           base.sh | Reading…",
                "web           step base.sh: failed after 1.2s",
                "-             enough"
            ]
        );
    }

    #[test]
    fn the_latest_twenty_are_kept() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("notes.txt"), "not ours").unwrap();
        for second in 0..30 {
            fs::write(place.path().join(format!("20200101T0000{second:02}000Z-1-up.log")), "").unwrap();
        }
        let log = RunLog::create_in(place.path(), "up").unwrap();
        assert!(log.path().exists());
        assert!(place.path().join("20200101T000029000Z-1-up.log").exists());
        assert!(!place.path().join("20200101T000010000Z-1-up.log").exists());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), KEPT + 1);
    }
}
