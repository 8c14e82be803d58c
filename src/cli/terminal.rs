//! The user's terminal: its size, and settings that are changed for a while and always given back as they were.

use crate::model::Result;
use crate::model::error::Attempt;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io;
use std::sync::{Mutex, PoisonError};

/// How the terminal was before; kept apart from the guard because an interruption ends the process without running it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// While it lives, the terminal is changed; then it is as it was before.
pub struct Changed(());

/// Hands every key through unread: Ctrl-C is a byte for the machine.
pub fn raw() -> Result<Changed> {
    change(Termios::make_raw)
}

/// Keeps the terminal from writing `^C` into lines that are being redrawn. Harmless should it be left behind.
pub fn without_marks() -> Result<Changed> {
    change(|settings| settings.local_modes.remove(LocalModes::ECHOCTL))
}

fn change(how: impl FnOnce(&mut Termios)) -> Result<Changed> {
    let mut settings = tcgetattr(io::stdin()).attempt(|| "cannot read the terminal's settings")?;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings.clone());
    how(&mut settings);
    tcsetattr(io::stdin(), OptionalActions::Now, &settings).attempt(|| "cannot set the terminal")?;
    Ok(Changed(()))
}

impl Drop for Changed {
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
