//! Commands that the engine could not start: it says so in the command's own output, in one line, and gives it a code.
//!
//! What a command itself says never looks like that: without a terminal its lines have no carriage return.

use crate::model::{Error, Result};
use crate::transport::{Exit, Output};

/// How such a line begins.
const BEGINNINGS: [&str; 3] = ["OCI runtime exec failed: ", "unable to find user ", "unable to find group "];

/// The codes it goes with: found and not to be run, and not found.
const CODES: [i32; 2] = [126, 127];

/// Whether a piece of output may be all that the engine says, and has to wait until its code is known.
pub(super) fn may_be(piece: &[u8]) -> bool {
    piece.ends_with(b"\r\n") && BEGINNINGS.iter().any(|beginning| piece.starts_with(beginning.as_bytes()))
}

/// How a command ended whose whole output may be the engine's: then that it cannot be run is told as a shell does, and everything
/// else is a failure.
pub(super) fn ended(said: &[u8], exit: Exit, cannot: &str, output: &mut dyn Output) -> Result<Exit> {
    if !CODES.contains(&exit.code) {
        return output.stdout(said).map(|()| exit);
    }
    let said = String::from_utf8_lossy(said);
    let said = said.trim_end();
    let why = said.rsplit_once("exec: ").map_or(said, |(_, why)| why).trim_end_matches(": unknown");
    let code = match said {
        _ if said.contains("chdir to cwd") => None,
        _ if said.contains("permission denied") => Some(126),
        _ if said.contains("executable file not found") || said.contains("no such file") => Some(127),
        _ => None,
    };
    match code {
        Some(code) => output.stderr(format!("{cannot}: {why}\n").as_bytes()).map(|()| Exit { code }),
        None => Err(Error::failed(cannot).detail(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Captured;

    const MISSING: &[u8] = b"OCI runtime exec failed: exec failed: unable to start container process: \
        exec: \"nosuch\": executable file not found in $PATH: unknown\r\n";

    fn told(said: &[u8], code: i32) -> (Result<Exit>, String, String) {
        let mut captured = Captured::default();
        let ended = ended(said, Exit { code }, "cannot run nosuch", &mut captured);
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
}
