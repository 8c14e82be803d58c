//! The one connection to a machine, which all sessions share.
//!
//! It is a process of ours that says hello through a shell of the machine and then stays for as long as we hold its standard
//! input: however we end, the line closes, and nothing waits for us over there.

use super::guest::Guest;
use super::process::{self, Reaped, Stream};
use super::{SshTarget, trouble};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use shell_words::quote;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// Says hello with kernel and architecture, and with the path of the agent if there is one, then waits for the end of its input.
const HELLO: &str =
    "agent=AGENT; [ -x \"$agent\" ] || agent=; echo envup:$(uname -sm) $agent; exec cat >/dev/null";
/// What the line of a hello begins with, whatever start-up files print before.
pub(super) const MARK: &str = "envup:";

/// Sockets have short names: 107 bytes here, of which `ssh` wants 17 for itself while it makes one.
const LONGEST_SOCKET: usize = 90;

/// How long a process whose input has ended may take to end, and how often that is looked at.
const FAREWELL: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(10);

/// The way to one machine, open or not yet.
pub(super) struct Connection {
    pub(super) target: SshTarget,
    runtime: PathBuf,
    // In this order, so that the guest leaves while there is a way out.
    guest: Mutex<Option<Guest>>,
    line: Mutex<Option<Line>>,
}

/// An open connection.
struct Line {
    master: Held,
    socket: PathBuf,
    /// Kernel and architecture, as uname gives them.
    system: String,
    /// Where the agent lies that the machine was given before it booted.
    agent: Option<String>,
    /// Only removed once the master is gone.
    _directory: TempDir,
}

impl Connection {
    /// Not connected yet.
    pub(super) fn new(target: SshTarget, runtime: PathBuf) -> Self {
        Self { target, runtime, guest: Mutex::default(), line: Mutex::default() }
    }

    /// Connects when that was not done yet; gives kernel and architecture of the machine, such as `Linux x86_64`.
    pub(super) fn open(&self, context: &Context) -> Result<String> {
        self.with_line(context, |line| line.system.clone())
    }

    /// `ssh` with all options of a session over the connection; the host and a command are to follow. Should the machine
    /// refuse one session more on a connection, `ssh` makes another connection for it.
    pub(super) fn session(&self, context: &Context) -> Result<Command> {
        let socket = self.with_line(context, |line| line.socket.clone())?;
        let mut ssh = self.target.command();
        ssh.args(["-o", "ControlMaster=no", "-S", &unexpanded(&socket)]);
        Ok(ssh)
    }

    /// Where our agent lies in the machine; brings it there when nobody did yet.
    pub(super) fn agent(&self, context: &Context) -> Result<String> {
        if let Some(given) = self.with_line(context, |line| line.agent.clone())? {
            return Ok(given);
        }
        let mut guest = self.guest.lock().unwrap_or_else(PoisonError::into_inner);
        if guest.as_mut().is_some_and(|guest| !guest.is_there()) {
            *guest = None;
        }
        let present = match guest.take() {
            Some(present) => present,
            None => Guest::bring(self, context)?,
        };
        Ok(guest.insert(present).path.clone())
    }

    fn with_line<T>(&self, context: &Context, ask: impl FnOnce(&Line) -> T) -> Result<T> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.as_mut().is_some_and(|line| !line.master.is_there()) {
            *line = None;
        }
        let open = match line.take() {
            Some(open) => open,
            None => self.connect(context)?,
        };
        Ok(ask(line.insert(open)))
    }

    fn connect(&self, context: &Context) -> Result<Line> {
        let target = &self.target;
        let directory = private_directory(&self.runtime)?;
        let socket = directory.path().join("s");
        let mut ssh = target.command();
        ssh.args([
            "-o",
            "ControlMaster=yes",
            "-S",
            &unexpanded(&socket),
            "-T",
            "--",
            &target.host,
            &hello(target),
        ]);
        let mut master = Reaped::start(&mut ssh)?;
        let stdin = master.0.stdin.take();
        let mut master = Held { stdin, pieces: process::listen(&mut master.0), process: master };
        match master.said(&format!("connecting to {target}"), context)? {
            Ok(said) => {
                let (system, agent) = understood(&said);
                Ok(Line { master, socket, system, agent, _directory: directory })
            }
            Err(said) if master.failed() => Err(trouble::explain(target, &said)),
            Err(said) => Err(Error::failed(format!("{target} lets us in, but gives no shell"))
                .hint("commands and the agent need one: machines without a shell cannot be reached over ssh")
                .detail(said.trim())),
        }
    }
}

fn hello(target: &SshTarget) -> String {
    let agent = target.near.as_ref().map_or("", |near| &near.agent);
    format!("exec sh -c {}", quote(&HELLO.replace("AGENT", &quote(agent))))
}

/// Kernel and architecture, and the agent's path.
fn understood(said: &str) -> (String, Option<String>) {
    match said.split_once(" /") {
        Some((system, path)) => (system.to_owned(), Some(format!("/{path}"))),
        None => (said.trim_end().to_owned(), None),
    }
}

/// A process that lives for as long as we hold its input.
pub(super) struct Held {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) pieces: Receiver<(Stream, Vec<u8>)>,
    pub(super) process: Reaped,
}

impl Held {
    /// The rest of the first line that begins with our mark; when there is none, all that was said on standard error.
    pub(super) fn said(&mut self, what: &str, context: &Context) -> Result<Result<String, String>> {
        let mut said = [Vec::new(), Vec::new()];
        loop {
            context.check(what)?;
            match self.pieces.recv_timeout(GLANCE) {
                Ok((stream, bytes)) => said[stream.index()].extend(bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(String::from_utf8_lossy(&said[Stream::Stderr.index()]).into_owned()));
                }
            }
            let text = String::from_utf8_lossy(&said[Stream::Stdout.index()]);
            let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            if let Some(line) = lines.find_map(|line| line.strip_prefix(MARK)) {
                return Ok(Ok(line.to_owned()));
            }
        }
    }

    /// Whether it still runs.
    pub(super) fn is_there(&mut self) -> bool {
        matches!(self.process.0.try_wait(), Ok(None))
    }

    /// Whether `ssh` itself failed, once its output has ended.
    pub(super) fn failed(&mut self) -> bool {
        self.process.0.wait().is_ok_and(|status| status.code() == Some(super::OWN_FAILURE))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stdin = None;
        let patience = Context::silent().within(FAREWELL);
        while self.is_there() && patience.sleep(GLANCE, "closing a connection").is_ok() {}
    }
}

/// A fresh directory that nobody else can look into, with a path short enough for a socket.
fn private_directory(runtime: &Path) -> Result<TempDir> {
    let doing = || format!("cannot make a directory for sockets in {}", runtime.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix("ssh-").permissions(Permissions::from_mode(0o700));
    std::fs::create_dir_all(runtime).attempt(doing)?;
    let directory = builder.tempdir_in(runtime).attempt(doing)?;
    if directory.path().as_os_str().len() < LONGEST_SOCKET {
        return Ok(directory);
    }
    builder.prefix("envup-ssh-").tempdir_in("/tmp").attempt(|| "cannot make a directory for sockets in /tmp")
}

/// A path in which `ssh` finds nothing to expand.
fn unexpanded(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ssh::Near;

    #[test]
    fn a_hello_names_the_agent_that_is_there_and_no_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("the agent");
        let said = |near| {
            let target = SshTarget { near, ..SshTarget::default() };
            let output = Command::new("sh").args(["-c", &hello(&target)]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let understood = |near| understood(said(near).trim_end_matches('\n').strip_prefix(MARK).unwrap());
        let near = || Some(Near { agent: path.display().to_string() });
        let system = format!("Linux {}", std::env::consts::ARCH);
        assert_eq!(understood(None), (system.clone(), None));
        assert_eq!(understood(near()), (system.clone(), None));
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(understood(near()), (system, Some(path.display().to_string())));
    }

    #[test]
    fn sockets_lie_where_nobody_looks_and_their_path_is_short_enough() {
        let place = tempfile::tempdir().unwrap();
        for runtime in [place.path().join("run"), place.path().join("x".repeat(120))] {
            let directory = private_directory(&runtime).unwrap();
            let mode = std::fs::metadata(directory.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            assert!(directory.path().join("s").as_os_str().len() <= LONGEST_SOCKET);
        }
    }
}
