//! One run of `ssh` on this host: its streams, its end, and that it does not outlive us.

use super::pty;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use crate::transport::{Stdin, TerminalSize};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// How often a quiet command is left for a look whether the work is over, and at the size of our terminal.
const GLANCE: Duration = Duration::from_millis(100);

/// Where bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// 0 or 1.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
        }
    }
}

/// Takes output; says whether it was enough.
pub(super) type Sink<'a> = dyn FnMut(Stream, &[u8]) -> Result<bool> + 'a;

/// Runs `ssh` to its end and gives its code, 128 plus the number of the signal that ended it; `None` when what it said was
/// enough before. With a terminal it reads from one of ours.
pub(super) fn run(
    mut command: Command,
    stdin: Stdin,
    terminal: Option<TerminalSize>,
    sink: &mut Sink<'_>,
    what: &str,
    context: &Context,
) -> Result<Option<i32>> {
    let mut window = terminal.map(|size| pty::Window::open(size, &mut command)).transpose()?;
    let mut ssh = Reaped::start(&mut command)?;
    // Only the child may hold the other end of its terminal.
    drop(command);
    let input: Option<Box<dyn Write + Send>> = match &window {
        Some(window) => Some(Box::new(window.keyboard()?)),
        None => ssh.0.stdin.take().map(|stdin| Box::new(stdin) as _),
    };
    let _held = feed(stdin, input, if window.is_some() { pty::END_OF_INPUT } else { b"" });
    let pieces = listen(&mut ssh.0);
    loop {
        context.check(what)?;
        if let Some(window) = &mut window {
            window.follow(&ssh.0);
        }
        match pieces.recv_timeout(GLANCE) {
            Ok((stream, bytes)) => {
                if sink(stream, &bytes)? {
                    return Ok(None);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = ssh.0.wait().attempt(|| format!("cannot see the end of {what}"))?;
    Ok(Some(code(status)))
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// A process that is gone when this is.
pub(super) struct Reaped(pub(super) Child);

impl Reaped {
    /// Starts `ssh`, in a process group of its own: Ctrl-C is for us, and what we put on machines is taken away through it.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let started = command.process_group(0).spawn();
        started.map(Self).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(Kind::Unavailable, "ssh is not installed here")
                .hint("sudo apt install openssh-client"),
            _ => Error::failed("cannot start ssh").because(error),
        })
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What comes from standard output and error of a process, until both have ended.
pub(super) fn listen(child: &mut Child) -> Receiver<(Stream, Vec<u8>)> {
    let (sender, receiver) = sync_channel(super::AHEAD);
    if let Some(stdout) = child.stdout.take() {
        read_aside(Stream::Stdout, stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        read_aside(Stream::Stderr, stderr, sender);
    }
    receiver
}

fn read_aside(stream: Stream, mut from: impl Read + Send + 'static, sender: SyncSender<(Stream, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; super::CHUNK];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if sender.send((stream, buffer[..count].to_vec())).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
}

/// Writes what a command reads, and then `end`, in a thread of its own: a stream may have nothing to say for ever. A command
/// that stops reading is no failure; its exit code says how it ended. What is to be held open is so until the answer is dropped.
fn feed(stdin: Stdin, input: Option<Box<dyn Write + Send>>, end: &'static [u8]) -> Option<Sender<()>> {
    let mut input = input?;
    let (held, dropped) = channel();
    let is_held = matches!(stdin, Stdin::Held(_));
    let mut stream: Box<dyn Read + Send> = match stdin {
        Stdin::Empty => Box::new(io::empty()),
        Stdin::Bytes(bytes) => Box::new(io::Cursor::new(bytes)),
        Stdin::Held(pieces) => {
            let [first, rest] = pieces().map(io::Cursor::new);
            Box::new(first.chain(rest))
        }
        Stdin::Stream(stream) => stream,
    };
    std::thread::spawn(move || {
        io::copy(&mut stream, &mut input)?;
        input.flush()?;
        if is_held {
            let _ = dropped.recv();
        }
        input.write_all(end).and_then(|()| input.flush())
    });
    Some(held)
}
