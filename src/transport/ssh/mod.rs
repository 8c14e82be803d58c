//! Into a machine through the system's OpenSSH client: the user's configuration, agent, jump hosts and certificates just work.
//!
//! One connection a machine carries everything (`connection`), commands are words of a shell there (`script`), files travel as
//! tar archives, our agent comes and goes (`guest`), and what ssh complains of is put into words of ours (`trouble`). Host
//! keys are always checked strictly; nothing is ever written to the user's known_hosts. A machine without a shell cannot be
//! reached this way.

mod connection;
mod guest;
mod process;
mod pty;
mod script;
mod sift;
mod target;
mod trouble;

pub use target::{Near, SshTarget};

use super::{Command, Exit, Output, Stdin, Transport};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use connection::Connection;
use process::{Sink, Stream};
use sift::Sifter;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes handed over at a time, and how many such pieces may wait.
const CHUNK: usize = 64 * 1024;
const AHEAD: usize = 4;

/// What `ssh` exits with for failures of its own.
const OWN_FAILURE: i32 = 255;
/// What a shell exits with for a program that is not there.
const NOT_FOUND: i32 = 127;

/// A way into one machine. Clones share one connection, which is made when it is first needed and ends with the last clone;
/// with it goes all that was put there for our own use.
#[derive(Clone)]
pub struct SshTransport {
    connection: Arc<Connection>,
}

impl SshTransport {
    /// A way to this machine; nothing is connected yet. Sockets go into a private directory below `runtime`.
    ///
    /// Fails when the target names what could be taken for an option or run as a program.
    pub fn new(target: SshTarget, runtime: impl Into<PathBuf>) -> Result<Self> {
        target.check()?;
        Ok(Self { connection: Arc::new(Connection::new(target, runtime.into())) })
    }

    /// Connects when that was not done yet. The error of a machine that cannot be reached has kind `Incomplete`.
    pub fn reach(&self, context: &Context) -> Result<()> {
        self.connection.open(context).map(drop)
    }

    /// Runs a command and hands its output to `sink`, which says when it has heard enough.
    fn run(&self, command: Command, sink: &mut Sink<'_>, context: &Context) -> Result<Exit> {
        let target = &self.connection.target;
        let program = command.argv.first().cloned().unwrap_or_default();
        let what = format!("running {program} on {target}");
        context.check(&what)?;
        let script = script::of(&command, target.sudo)?;
        let mut ssh = self.connection.session(context)?;
        ssh.arg(if command.terminal.is_some() { "-tt" } else { "-T" });
        ssh.arg("--").args([&target.host, &script]);
        let mut sifter = Sifter::new(script::OWN_255);
        let mut sifted = |stream, bytes: &[u8]| sink(stream, &sifter.sift(stream, bytes));
        let ended = process::run(ssh, command.stdin, command.terminal, &mut sifted, &what, context)?;
        for (stream, rest) in sifter.rest() {
            sink(stream, &rest)?;
        }
        match ended {
            None => Ok(Exit { code: 0 }),
            Some(OWN_FAILURE) if !sifter.found() => Err(trouble::explain(target, &sifter.complaint())),
            Some(code) => Ok(Exit { code }),
        }
    }

    /// Runs `tar`, its output going to `archive`; when it fails, what it said goes into the error. `cannot` says what was
    /// attempted.
    fn tar(&self, command: Command, archive: &mut dyn Write, cannot: &str, context: &Context) -> Result<()> {
        let mut complaint = Vec::new();
        let mut sink = |stream, bytes: &[u8]| {
            match stream {
                Stream::Stdout => archive.write_all(bytes).attempt(|| cannot)?,
                Stream::Stderr => complaint.extend_from_slice(bytes),
            }
            Ok(false)
        };
        match self.run(command, &mut sink, context)?.code {
            0 => Ok(()),
            NOT_FOUND => Err(Error::failed(cannot)
                .hint(format!("files travel through tar: install it on {}", self.connection.target))),
            _ => Err(Error::failed(cannot).detail(String::from_utf8_lossy(&complaint).trim_end())),
        }
    }
}

impl Transport for SshTransport {
    /// Without `sudo` a command runs as who logs in, and only root can become somebody else. Variables are to be seen in
    /// the process list there.
    fn exec(&self, command: Command, output: &mut dyn Output, context: &Context) -> Result<Exit> {
        let mut sink = |stream, bytes: &[u8]| {
            match stream {
                Stream::Stdout => output.stdout(bytes)?,
                Stream::Stderr => output.stderr(bytes)?,
            }
            Ok(output.is_enough())
        };
        self.run(command, &mut sink, context)
    }

    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, context: &Context) -> Result<()> {
        let cannot = format!("cannot copy files to {directory} of {}", self.connection.target);
        let (sender, receiver) = sync_channel(AHEAD);
        let stdin = Stdin::Stream(Box::new(Pieces { receiver, open: Vec::new() }));
        let command = Command { stdin, ..Command::new(["tar", "-x", "-p", "-f", "-", "-C", directory]) };
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| send(archive, sender));
            let unpacked = self.tar(command, &mut io::sink(), &cannot, context);
            // An archive that broke off half-way is no archive, whatever tar made of it.
            let read = reading.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            read.attempt(|| cannot.clone()).and(unpacked)
        })
    }

    fn get(&self, path: &str, archive: &mut dyn Write, context: &Context) -> Result<()> {
        let cannot = format!("cannot copy {path} from {}", self.connection.target);
        let (parent, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or((".", path));
        let parent = if parent.is_empty() { "/" } else { parent };
        let name = if name.is_empty() { "." } else { name };
        let command = Command::new(["tar", "-c", "-f", "-", "-C", parent, "--", name]);
        self.tar(command, archive, &cannot, context)
    }

    fn agent(&self, context: &Context) -> Result<String> {
        self.connection.agent(context)
    }
}

/// Hands an archive on in pieces, until its end or until nobody takes any more.
fn send(archive: &mut (dyn Read + Send), sender: SyncSender<Vec<u8>>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match archive.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The other end of `send`.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    open: Vec<u8>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.open.is_empty() {
            self.open = self.receiver.recv().unwrap_or_default();
        }
        let count = self.open.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.open[..count]);
        self.open.drain(..count);
        Ok(count)
    }
}
