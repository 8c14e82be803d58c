//! A terminal of ours for `ssh` to read from, so that the machine's terminal has the size of the user's and follows it.
//!
//! `ssh` asks the terminal on its standard input for the size. The user's own is not handed to it: what is typed comes as a
//! stream, which may be something else than a terminal.

use crate::event::Context;
use crate::model::Result;
use crate::model::error::Attempt;
use crate::transport::TerminalSize;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command};
use std::time::Duration;

/// Typed at the end: a terminal has no other way to say that nothing more will come.
pub(super) const END_OF_INPUT: &[u8] = b"\x04";

/// How long a login may take before what was typed is given up, and how often we look.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(5);

/// The end that we write to.
pub(super) struct Window {
    size: TerminalSize,
    known: (u16, u16),
    ours: OwnedFd,
}

impl Window {
    /// Makes a terminal of the size of now and gives it to `command` as standard input.
    pub(super) fn open(size: TerminalSize, command: &mut Command) -> Result<Self> {
        let doing = || "cannot make a terminal";
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).attempt(doing)?;
        grantpt(&ours).and_then(|()| unlockpt(&ours)).attempt(doing)?;
        let name = ptsname(&ours, Vec::new()).attempt(doing)?;
        let name = std::ffi::OsStr::from_bytes(name.as_bytes());
        let theirs: File = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(name)
            .attempt(doing)?;
        // Its settings stay as they are: `ssh` gives them to the machine's terminal before it makes this one raw.
        let known = size();
        set_size(&ours, known);
        command.stdin(theirs);
        Ok(Self { size, known, ours })
    }

    /// Where keys go in.
    pub(super) fn keyboard(&self) -> Result<Keyboard> {
        let terminal = self.ours.try_clone().attempt(|| "cannot write to a terminal")?;
        Ok(Keyboard { terminal: terminal.into(), is_raw: false })
    }

    /// Passes a new size on.
    pub(super) fn follow(&mut self, ssh: &Child) {
        let now = (self.size)();
        if now != self.known {
            self.known = now;
            set_size(&self.ours, now);
            // It has no controlling terminal that would tell it. Should it have ended, nobody needs to know.
            let _ = kill_process(Pid::from_child(ssh), Signal::WINCH);
        }
    }
}

/// Types, once `ssh` takes every key as it is: before, this side of the line would act on some of them.
pub(super) struct Keyboard {
    terminal: File,
    is_raw: bool,
}

impl Write for Keyboard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let patience = Context::silent().within(PATIENCE);
        while !self.is_raw {
            self.is_raw = !tcgetattr(&self.terminal)?.local_modes.contains(LocalModes::ICANON);
            if !self.is_raw && patience.sleep(GLANCE, "waiting for a terminal").is_err() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        self.terminal.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.terminal.flush()
    }
}

fn set_size(terminal: &OwnedFd, (columns, rows): (u16, u16)) {
    let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
    // A size that cannot be set costs looks only.
    let _ = tcsetwinsize(terminal, size);
}
