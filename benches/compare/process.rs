//! Runs a program to its end and says how long it took and how much memory it had.

use crate::Result;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// From its start to its end.
    pub took: Duration,
    /// Most memory it had at once, in MB.
    pub megabytes: f64,
}

/// Runs the command; what it wrote is only shown when it fails.
pub fn run(mut command: Command) -> Result<Usage> {
    let mut output = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
    let begin = Instant::now();
    let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let (status, kilobytes) = wait(child.id())?;
    let took = begin.elapsed();
    if status != 0 {
        let mut text = String::new();
        output.rewind()?;
        output.read_to_string(&mut text)?;
        return Err(format!("{command:?} ended with status {status:#x}:\n{text}").into());
    }
    Ok(Usage { took, megabytes: kilobytes as f64 / 1024.0 })
}

/// Waits for a child of ours; its status, and its largest resident size in kilobytes.
#[allow(unsafe_code)]
fn wait(child: u32) -> Result<(i32, i64)> {
    let mut status = 0;
    // SAFETY: plain integers only, for which zeroes are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places outlive the call. Nobody else waits for this child.
    let waited = unsafe { libc::wait4(libc::pid_t::try_from(child)?, &raw mut status, 0, &raw mut usage) };
    if waited < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok((status, usage.ru_maxrss))
}
