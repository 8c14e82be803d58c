//! What tools that run on this host need of the stack whose machines they work on.

use crate::model::Result;
use crate::model::stack::Stack;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The stack, and our own places.
pub struct Workshop<'a> {
    /// As declared.
    pub stack: &'a Stack,
    /// This program, by which a tool reaches machines.
    pub program: &'a Path,
    /// Where things lie that end with a run.
    pub runtime: &'a Path,
    /// Where things lie that can be fetched again.
    pub kept: PathBuf,
    /// The value of a secret of the stack.
    pub secret: &'a (dyn Fn(&str) -> Result<Vec<u8>> + Sync),
    /// What tools said that stays as it is for as long as we run.
    pub answers: Mutex<BTreeMap<String, String>>,
}

impl Workshop<'_> {
    /// The words that run a command in a machine; the machine's name, `--` and the command are to follow.
    pub fn exec(&self) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        let file = self.stack.file.to_string_lossy().into_owned();
        let (environment, name) = (self.stack.environment.clone(), self.stack.name.clone());
        let words = ["exec".into(), "--quiet".into(), "--no-tty".into(), "--file".into(), file];
        [program]
            .into_iter()
            .chain(words)
            .chain(["--env".into(), environment, "--name".into(), name])
            .collect()
    }

    /// A path as people know it: below the Envfile's directory without that.
    pub fn shown(&self, path: &str) -> String {
        let directory = self.stack.directory.to_string_lossy();
        let below = path.strip_prefix(&*directory).and_then(|rest| rest.strip_prefix('/'));
        below.unwrap_or(path).to_owned()
    }
}
