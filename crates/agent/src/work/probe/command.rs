//! Does a program succeed?

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Found;
use crate::work::account::Account;
use crate::work::failure::plain;
use crate::work::program::{Program, die_with_us};
use crate::work::turn::pause;

/// How long one try may take.
pub const LIMIT: Duration = Duration::from_secs(10);
/// As much of the output is looked at, from its end.
const SEEN: u64 = 4096;
/// As much of the last line is told.
const TOLD: usize = 200;

/// Runs the program once, and is content with exit code 0.
pub fn succeeds(argv: &[String], user: Option<&str>, limit: Duration) -> Found {
    match run(argv, user, limit)? {
        (status, _) if status.success() => Ok(()),
        (status, output) => {
            let status = status.to_string().replace("exit status: ", "exit ");
            Err(if output.is_empty() { status } else { format!("{status}: {output}") })
        }
    }
}

/// Runs a program and returns how it ended and the last line that it wrote. After `limit` it is killed.
pub fn run(argv: &[String], user: Option<&str>, limit: Duration) -> Result<(ExitStatus, String), String> {
    let output = written("output")?;
    Ok((finish(argv, user, limit, &output, &output)?, last_line(&output)))
}

/// What a program wrote: all of its output, and the last line of its complaints.
pub struct Answer {
    pub status: ExitStatus,
    pub output: Vec<u8>,
    pub complaint: String,
}

/// Runs a program and returns all that it wrote. After `limit` it is killed.
pub fn ask(argv: &[String], user: Option<&str>, limit: Duration) -> Result<Answer, String> {
    let (mut output, complaints) = (written("output")?, written("complaints")?);
    let status = finish(argv, user, limit, &output, &complaints)?;
    let mut text = Vec::new();
    output.rewind().and_then(|()| output.read_to_end(&mut text)).map_err(|error| plain(&error))?;
    Ok(Answer { status, output: text, complaint: last_line(&complaints) })
}

/// Where a program may write. Not a pipe: nobody has to read it, and it needs no /tmp.
fn written(name: &str) -> Result<File, String> {
    memfd_create(name, MemfdFlags::CLOEXEC).map(File::from).map_err(|error| plain(&error.into()))
}

fn finish(
    argv: &[String],
    user: Option<&str>,
    limit: Duration,
    output: &File,
    complaints: &File,
) -> Result<ExitStatus, String> {
    if argv.is_empty() {
        return Err("no program is named".to_owned());
    }
    let account = Account::find(user).map_err(|failure| failure.to_string())?;
    let cwd = Some(account.home.as_str()).filter(|home| Path::new(home).is_dir()).unwrap_or("/");
    let program = Program { argv: argv.to_vec(), env: &BTreeMap::new(), cwd, account: &account };
    let stream = |file: &File| file.try_clone().map(Stdio::from).map_err(|error| plain(&error));
    let mut command = program.command();
    die_with_us(&mut command);
    command.stdin(Stdio::null()).stdout(stream(output)?).stderr(stream(complaints)?);
    let mut child = command.spawn().map_err(|error| program.explain(&error).message)?;
    let begin = Instant::now();
    let mut quiet = Duration::from_millis(1);
    loop {
        match child.try_wait().map_err(|error| plain(&error))? {
            Some(status) => return Ok(status),
            None if begin.elapsed() >= limit => {
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
                let _ = child.wait();
                return Err(format!("still running after {:.0} s", limit.as_secs_f64()));
            }
            None => pause(quiet),
        }
        quiet = (quiet * 2).min(Duration::from_millis(20));
    }
}

fn last_line(output: &File) -> String {
    let end = output.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    let start = end.saturating_sub(SEEN);
    let mut text = vec![0; (end - start) as usize];
    let count = output.read_at(&mut text, start).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..count]);
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .chars()
        .take(TOLD)
        .collect()
}
