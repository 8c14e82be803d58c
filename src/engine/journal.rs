//! The log of a machine that boots systemd: its journal. What its process 1 writes to the console is next to nothing.

use crate::event::Context;
use crate::model::{Error, Result};
use crate::provider::{LogLine, LogOptions};
use crate::transport::{Captured, Command, Output, Stdin, Transport};
use std::io::{self, Read};
use std::time::Duration;

/// Ends the journal's reader when our end of standard input is gone, lest it follows for ever.
const FOLLOW: &str = "journalctl \"$@\" & cat >/dev/null; kill $!";

/// How often whoever holds standard input open looks whether it is over.
const GLANCE: Duration = Duration::from_millis(100);

/// Whether the machine runs and has a journal.
pub fn has_journal(transport: &dyn Transport, context: &Context) -> bool {
    let command = Command::new(["journalctl", "--version"]);
    transport.exec(command, &mut Captured::default(), context).is_ok_and(|exit| exit.code == 0)
}

/// Hands on the lines of the journal.
pub fn read(
    transport: &dyn Transport,
    options: &LogOptions,
    sink: &mut (dyn FnMut(LogLine) -> Result<()> + Send),
    context: &Context,
) -> Result<()> {
    let mut lines = Lines { sink, rest: Vec::new() };
    let exit = transport.exec(command(options, context), &mut lines, context)?;
    match exit.code {
        0 => Ok(()),
        code => Err(Error::failed(format!("journalctl exited {code}"))),
    }
}

fn command(options: &LogOptions, context: &Context) -> Command {
    let mut arguments: Vec<String> =
        ["--quiet", "--no-pager", "--no-hostname", "--output=short-unix"].map(str::to_owned).to_vec();
    arguments.push(options.tail.map_or("--lines=all".to_owned(), |tail| format!("--lines={tail}")));
    arguments.extend(options.this_run.then(|| "--boot".to_owned()));
    arguments.extend(options.since.map(|since| format!("--since=@{since}")));
    if !options.follow {
        return Command::new([vec!["journalctl".to_owned()], arguments].concat());
    }
    arguments.push("--follow".to_owned());
    let script = ["sh", "-c", FOLLOW, "sh"].map(str::to_owned).to_vec();
    let stdin = Stdin::Stream(Box::new(UntilOver(context.clone())));
    Command { stdin, ..Command::new([script, arguments].concat()) }
}

/// Has nothing to read and ends when the work is over.
struct UntilOver(Context);

impl Read for UntilOver {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        while self.0.sleep(GLANCE, "following a journal").is_ok() {}
        Ok(0)
    }
}

/// Cuts what comes into lines.
struct Lines<'a> {
    sink: &'a mut (dyn FnMut(LogLine) -> Result<()> + Send),
    rest: Vec<u8>,
}

impl Output for Lines<'_> {
    fn stdout(&mut self, bytes: &[u8]) -> Result<()> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            (self.sink)(parse(String::from_utf8_lossy(&line).trim_end()))?;
        }
        Ok(())
    }

    fn stderr(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// `1763769600.123456 nginx[12]: started`: seconds with six decimals, then what was written.
fn parse(line: &str) -> LogLine {
    let stamped = line.split_once(' ').and_then(|(time, text)| {
        let (seconds, micros) = time.split_once('.')?;
        let (seconds, micros): (i128, i128) = (seconds.parse().ok()?, micros.parse().ok()?);
        Some((seconds * 1_000_000_000 + micros * 1000, text))
    });
    let (time, text) = stamped.unwrap_or((0, line));
    LogLine { time, stderr: false, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_their_time_however_they_are_cut() {
        let mut seen = Vec::new();
        let mut sink = |line| {
            seen.push(line);
            Ok(())
        };
        let mut lines = Lines { sink: &mut sink, rest: Vec::new() };
        for piece in ["12.000345 web: on", "e\n13.000000 two\nno time", "\n"] {
            lines.stdout(piece.as_bytes()).unwrap();
        }
        let seen: Vec<(i128, &str)> = seen.iter().map(|line| (line.time, line.text.as_str())).collect();
        assert_eq!(seen, [(12_000_345_000, "web: one"), (13_000_000_000, "two"), (0, "no time")]);
    }
}
