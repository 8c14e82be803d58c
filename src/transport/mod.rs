//! How to run a command in a machine and copy files to and from it.
//!
//! Object-safe and synchronous; where the bytes travel (an engine's API, ssh) is the implementation's business.

pub mod agent;
pub mod authorities;
pub mod build_context;
pub mod fake;
pub mod fingerprint;
pub mod ssh;

use crate::event::Context;
use crate::model::Result;
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// A way into one machine.
pub trait Transport: Send + Sync {
    /// Runs a command and waits for its end, handing its output on as it comes.
    ///
    /// When the context is cancelled or its deadline passes, the call returns an error; the command may go on in the
    /// machine, so what must not be left behind runs under the agent.
    fn exec(&self, command: Command, output: &mut dyn Output, context: &Context) -> Result<Exit>;

    /// Unpacks a tar archive below a directory of the machine; the directory must exist. Works on a stopped machine
    /// where the provider can.
    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, context: &Context) -> Result<()>;

    /// Writes a tar archive of a file or directory of the machine; its entries begin with the last part of `path`.
    fn get(&self, path: &str, archive: &mut dyn Write, context: &Context) -> Result<()>;

    /// Where our agent lies in the machine. Where it is only a guest, it is brought there now and leaves with the transport.
    fn agent(&self, _context: &Context) -> Result<String> {
        Ok(agent::AGENT_PATH.to_owned())
    }
}

/// A command to run in a machine.
#[derive(Default)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Environment added to the machine's.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// `user[:group]`; root when not given, so that steps do not depend on the image's default.
    pub user: Option<String>,
    /// What it reads.
    pub stdin: Stdin,
    /// When there: give it a terminal of this size, followed as it changes. Standard error then comes with the output.
    pub terminal: Option<TerminalSize>,
}

/// Columns and rows of the terminal now.
pub type TerminalSize = Box<dyn Fn() -> (u16, u16) + Send + Sync>;

/// What a command reads.
#[derive(Default)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// What this gives when the command was started, one after the other; the end comes when nobody waits for the command any more,
    /// also when we are killed.
    Held(Box<dyn FnOnce() -> [Vec<u8>; 2] + Send>),
    /// A stream, such as our own standard input, as it comes.
    Stream(Box<dyn Read + Send>),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its code; 128 plus the signal's number when a signal ended it.
    pub code: i32,
}

/// Takes a command's output.
pub trait Output: Send {
    /// Bytes of standard output.
    fn stdout(&mut self, bytes: &[u8]) -> Result<()>;
    /// Bytes of standard error.
    fn stderr(&mut self, bytes: &[u8]) -> Result<()>;
    /// Whether all that matters was said: then nobody waits for the command's end, which counts as success.
    fn is_enough(&self) -> bool {
        false
    }
}

/// Keeps a command's output.
#[derive(Debug, Default)]
pub struct Captured {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output for Captured {
    fn stdout(&mut self, bytes: &[u8]) -> Result<()> {
        self.stdout.extend_from_slice(bytes);
        Ok(())
    }

    fn stderr(&mut self, bytes: &[u8]) -> Result<()> {
        self.stderr.extend_from_slice(bytes);
        Ok(())
    }
}

impl Command {
    /// A command with nothing to read.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(argv: I) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}
