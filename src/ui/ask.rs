//! Questions to people, on a terminal only: whoever asks checks `Screen::can_ask` first.

use super::printer::Printer;
use crate::event::Cancel;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;

/// How long an interruption may stay unnoticed.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Asks a question whose answer is no unless it is `y` or `yes`.
pub fn confirm(printer: &Printer, question: &str, cancel: &Cancel) -> Result<bool> {
    let answer = ask(printer, &format!("{question} [y/N] "), cancel)?.unwrap_or_default();
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line, and gives it without space around it; `None` when nothing more will be answered.
pub fn ask(printer: &Printer, question: &str, cancel: &Cancel) -> Result<Option<String>> {
    printer.error_bytes(question.as_bytes());
    let line = read_line(cancel)?;
    Ok(line.ends_with('\n').then(|| line.trim().to_owned()))
}

/// Waits for a line, but not past an interruption.
fn read_line(cancel: &Cancel) -> Result<String> {
    let stdin = io::stdin();
    loop {
        if cancel.requested() {
            return Err(Error::interrupted("waiting for an answer"));
        }
        let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut descriptors, Some(&PATIENCE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => {
                let mut line = String::new();
                stdin.read_line(&mut line).attempt(|| "cannot read the answer")?;
                return Ok(line);
            }
            Err(error) => return Err(Error::failed("cannot wait for the answer").because(error)),
        }
    }
}
