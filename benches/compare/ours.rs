//! The program that this repository builds, run as a user runs it, with a home of its own.

use crate::Result;
use crate::peer::Peer;
use crate::process::{Usage, run};
use crate::stack::Stack;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the `env` of this build.
pub struct Ours {
    home: PathBuf,
    directory: PathBuf,
}

impl Ours {
    /// Keeps everything below `directory`.
    pub fn new(directory: &Path) -> Result<Self> {
        let (home, directory) = (directory.join("home"), directory.join("ours"));
        fs::create_dir_all(&home)?;
        fs::create_dir_all(&directory)?;
        Ok(Self { home, directory })
    }

    /// One verb.
    pub fn env(&self, words: &[&str]) -> Result<Usage> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_env"));
        command.args(words).current_dir(&self.directory).env("HOME", &self.home);
        command.env_remove("XDG_DATA_HOME").env_remove("XDG_STATE_HOME").env_remove("XDG_CACHE_HOME");
        run(command)
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "env"
    }

    fn up(&self, stack: Stack) -> Result<()> {
        fs::write(self.directory.join("Envfile"), stack.envfile())?;
        self.env(&["up"]).map(|_| ())
    }

    fn destroy(&self, stack: Stack) -> Result<()> {
        fs::write(self.directory.join("Envfile"), stack.envfile())?;
        self.env(&["destroy", "--yes"]).map(|_| ())
    }
}
