//! The user's terminal: its size, and handing every key to a machine (raw mode), always given back as it was.

use crate::model::Result;
use crate::model::error::Attempt;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io;
use std::sync::{Mutex, PoisonError};

/// How the terminal was before; kept apart from the guard because an interruption ends the process without running it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// While it lives, keys go through unread: Ctrl-C is a byte for the machine.
pub struct RawMode(());

impl RawMode {
    /// Begins it on standard input, which is a terminal.
    pub fn begin() -> Result<Self> {
        let before = tcgetattr(io::stdin()).attempt(|| "cannot read the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(io::stdin(), OptionalActions::Now, &raw).attempt(|| "cannot set the terminal")?;
        Ok(Self(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was; does nothing when nobody changed it.
pub fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs no settings.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

/// Columns and rows of the terminal, wherever one of the standard streams still is one.
pub fn size() -> Option<(u16, u16)> {
    let sizes = [tcgetwinsize(io::stdout()), tcgetwinsize(io::stderr()), tcgetwinsize(io::stdin())];
    let size = sizes.into_iter().flatten().find(|size| size.ws_col > 0 && size.ws_row > 0)?;
    Some((size.ws_col, size.ws_row))
}
