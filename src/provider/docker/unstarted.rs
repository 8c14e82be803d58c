//! Commands that the engine could not start: it says so in the command's own output, in one line, and gives it a code.
//!
//! What a command itself says never looks like that: without a terminal its lines have no carriage return.

use crate::model::{Error, Result};
use crate::transport::{Exit, Output};

/// How such a line begins.
const BEGINNINGS: [&str; 3] = ["OCI runtime exec failed: ", "unable to find user ", "unable to find group "];

/// The codes it goes with: found and not to be run, and not found.
const CODES: [i32; 2] = [126, 127];

/// Hands a command's output on, but for what may be all that the engine says: that waits until its code is known.
pub(super) struct Unstarted<'a> {
    output: &'a mut dyn Output,
    /// Whether anything came.
    has_begun: bool,
    held: Vec<u8>,
}

impl<'a> Unstarted<'a> {
    pub(super) fn new(output: &'a mut dyn Output) -> Self {
        Self { output, has_begun: false, held: Vec::new() }
    }

    /// How the command ended: that it cannot be run is told as a shell does, and what else the engine says is a failure.
    pub(super) fn ended(mut self, exit: Exit, cannot: &str) -> Result<Exit> {
        if self.held.is_empty() || !CODES.contains(&exit.code) {
            return self.release().map(|()| exit);
        }
        let said = String::from_utf8_lossy(&self.held);
        let said = said.trim_end();
        let why = said.rsplit_once("exec: ").map_or(said, |(_, why)| why).trim_end_matches(": unknown");
        let code = match said {
            _ if said.contains("chdir to cwd") => None,
            _ if said.contains("permission denied") => Some(126),
            _ if said.contains("executable file not found") || said.contains("no such file") => Some(127),
            _ => None,
        };
        match code {
            Some(code) => self.output.stderr(format!("{cannot}: {why}\n").as_bytes()).map(|()| Exit { code }),
            None => Err(Error::failed(cannot).detail(why)),
        }
    }

    /// More came, or another code: the command itself said it.
    fn release(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(()) } else { self.output.stdout(&held) }
    }
}

impl Output for Unstarted<'_> {
    fn stdout(&mut self, bytes: &[u8]) -> Result<()> {
        self.release()?;
        if !std::mem::replace(&mut self.has_begun, true) && may_be(bytes) {
            self.held = bytes.to_vec();
            return Ok(());
        }
        self.output.stdout(bytes)
    }

    fn stderr(&mut self, bytes: &[u8]) -> Result<()> {
        self.release()?;
        self.has_begun = true;
        self.output.stderr(bytes)
    }

    fn is_enough(&self) -> bool {
        self.output.is_enough()
    }
}

/// Whether the first piece of output may be the engine's.
fn may_be(piece: &[u8]) -> bool {
    piece.ends_with(b"\r\n") && BEGINNINGS.iter().any(|beginning| piece.starts_with(beginning.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Captured;

    const MISSING: &[u8] = b"OCI runtime exec failed: exec failed: unable to start container process: \
        exec: \"nosuch\": executable file not found in $PATH: unknown\r\n";

    fn told(said: &[u8], code: i32) -> (Result<Exit>, String, String) {
        let mut captured = Captured::default();
        let mut output = Unstarted::new(&mut captured);
        output.stdout(said).unwrap();
        let ended = output.ended(Exit { code }, "cannot run nosuch");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ended, text(&captured.stdout), text(&captured.stderr))
    }

    #[test]
    fn what_cannot_be_run_is_told_as_a_shell_does() {
        assert!(may_be(MISSING) && !may_be(b"OCI runtime exec failed: \n") && !may_be(b"else\r\n"));
        let (ended, stdout, stderr) = told(MISSING, 126);
        assert_eq!((ended.unwrap().code, stdout.as_str()), (127, ""));
        assert_eq!(stderr, "cannot run nosuch: \"nosuch\": executable file not found in $PATH\n");
        let denied = String::from_utf8_lossy(MISSING)
            .replace("executable file not found in $PATH", "permission denied");
        assert_eq!(told(denied.as_bytes(), 126).0.unwrap().code, 126);
    }

    #[test]
    fn everything_else_is_a_failure() {
        let nowhere =
            b"OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd \
            (\"/nope\") set in config.json failed: no such file or directory: unknown\r\n";
        for said in [nowhere.as_slice(), b"unable to find user x: no matching entries in passwd file\r\n"] {
            let error = told(said, 126).0.unwrap_err();
            assert!(error.detail.is_some_and(|detail| !detail.contains('\r')));
        }
    }

    #[test]
    fn who_ends_with_another_code_said_it_itself() {
        let (ended, stdout, _) = told(MISSING, 1);
        assert_eq!((ended.unwrap().code, stdout.as_bytes()), (1, MISSING));
    }

    #[test]
    fn who_says_more_said_it_itself() {
        let mut captured = Captured::default();
        let mut output = Unstarted::new(&mut captured);
        for piece in [MISSING, MISSING] {
            output.stdout(piece).unwrap();
        }
        assert_eq!(output.ended(Exit { code: 127 }, "cannot run nosuch").unwrap().code, 127);
        assert_eq!(captured.stdout, [MISSING, MISSING].concat());
    }
}
