//! Docker Compose v2, where it is installed.

use crate::Result;
use crate::peer::Peer;
use crate::process::{Usage, run};
use crate::stack::Stack;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a stand-alone Compose.
pub struct Compose {
    program: PathBuf,
    interval: String,
    directory: PathBuf,
}

impl Compose {
    /// Keeps its files below `directory`; health is checked at this interval.
    pub fn new(program: PathBuf, interval: String, directory: &Path) -> Result<Self> {
        let directory = directory.join("compose");
        fs::create_dir_all(&directory)?;
        Ok(Self { program, interval, directory })
    }

    /// One command.
    pub fn compose(&self, words: &[&str]) -> Result<Usage> {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.directory).env("COMPOSE_PROJECT_NAME", "bench-compose");
        run(command)
    }

    fn write(&self, stack: Stack) -> Result<()> {
        Ok(fs::write(self.directory.join("compose.yaml"), stack.compose_file(&self.interval).to_string())?)
    }
}

impl Peer for Compose {
    fn name(&self) -> &'static str {
        "Compose"
    }

    fn up(&self, stack: Stack) -> Result<()> {
        self.write(stack)?;
        let words: &[&str] = if stack.waits() { &["up", "-d", "--wait"] } else { &["up", "-d"] };
        self.compose(words).map(|_| ())
    }

    fn destroy(&self, stack: Stack) -> Result<()> {
        self.write(stack)?;
        self.compose(&["down"]).map(|_| ())
    }
}
