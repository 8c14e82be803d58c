//! The exit codes, each with its meaning; scripts rely on them.

use crate::model::Kind;

/// Done, in sync, nothing to do.
pub const DONE: u8 = 0;
/// Something was attempted and failed.
pub const FAILED: u8 = 1;
/// Differences were found: `plan`, `drift` at or above `fail_on`.
pub const DIFFERENT: u8 = 2;
/// Some part could not be read, so nothing is said about the whole. Beats [`DIFFERENT`].
pub const INCOMPLETE: u8 = 3;
/// The command line or the Envfile is wrong.
pub const USAGE: u8 = 64;
/// A provider cannot be used here; the message says how to get it.
pub const UNAVAILABLE: u8 = 69;
/// Another process works on the stack and `--no-wait` was given.
pub const LOCKED: u8 = 75;
/// Our own failure where the code is otherwise that of the command: `exec`, `shell`.
pub const OWN_FAILURE: u8 = 125;
/// Nobody reads the command's output any more (`exec`, `shell`): what a shell reports for a process that SIGPIPE ended.
pub const READER_LEFT: u8 = 141;
/// The user interrupted the work.
pub const INTERRUPTED: u8 = 130;

/// The code for an error of a kind.
pub fn of(kind: Kind) -> u8 {
    match kind {
        Kind::Failed | Kind::Skipped => FAILED,
        Kind::Usage => USAGE,
        Kind::Unavailable => UNAVAILABLE,
        Kind::Locked => LOCKED,
        Kind::Interrupted => INTERRUPTED,
        Kind::Incomplete => INCOMPLETE,
    }
}
