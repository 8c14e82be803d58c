//! `env logs`.

use super::Run;
use super::options::{Machines, Output, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::{Error, Kind, Result, duration};
use crate::provider::{LogLine, LogOptions};
use crate::ui::{exit, json};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

/// Show what machines wrote, in the order of time
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env logs web
  env logs -f                       all machines, and go on
  env logs --since 10m --tail 100
  env logs --since 2026-11-30T12:00:00Z db")]
pub struct Logs {
    #[command(flatten)]
    machines: Machines,
    /// Go on with new lines
    #[arg(long, short)]
    follow: bool,
    /// Only lines since then: a length of time ago (10m) or a time (2026-11-30T12:00:00Z)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<i64>,
    /// Only the last so many lines of each machine
    #[arg(long, short = 'n', value_name = "LINES")]
    tail: Option<usize>,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Entry<'a> {
    machine: &'a str,
    time: String,
    stream: &'static str,
    text: &'a str,
}

impl Run for Logs {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let names: Vec<String> = self.machines.existing(&world)?.into_iter().collect();
        let options = LogOptions { follow: self.follow, since: self.since, tail: self.tail, this_run: false };
        let show = |machine: &str, line: LogLine| {
            self.show(session, &names, machine, &line);
            // As other tools do when the reader of a pipe goes away.
            if session.printer.reader_left() { Err(Error::interrupted("writing logs")) } else { Ok(()) }
        };
        let mut show = show;
        let context = session.context();
        if self.follow {
            // A quiet log would be followed for ever.
            let cancel = context.cancel.clone();
            session.printer.when_reader_leaves(move || cancel.request());
        }
        match engine::logs(&world, &names, &options, &mut show, &context) {
            Err(error) if error.kind == Kind::Interrupted && session.printer.reader_left() => Ok(exit::DONE),
            result => result.map(|()| exit::DONE),
        }
    }
}

impl Logs {
    fn show(&self, session: &Session, names: &[String], machine: &str, line: &LogLine) {
        if session.json {
            let time = time(line.time);
            let stream = if line.stderr { "stderr" } else { "stdout" };
            json::line(&session.printer, &Entry { machine, time, stream, text: &line.text });
        } else if let [_] = names {
            session.printer.result(&format!("{}\n", line.text));
        } else {
            let number = names.iter().position(|name| name == machine).unwrap_or_default();
            let width = names.iter().map(String::len).max().unwrap_or_default();
            let prefix = session.printer.paint().nth(number, &format!("{machine:width$} |"));
            session.printer.result(&format!("{prefix} {}\n", line.text));
        }
    }
}

fn time(nanoseconds: i128) -> String {
    Timestamp::from_nanosecond(nanoseconds).map(|time| time.to_string()).unwrap_or_default()
}

/// Reads a time, or a length of time ago, as Unix seconds.
fn since(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let ago = duration::parse(text).map_err(|_| {
        format!("`{text}` is neither a length of time (10m) nor a time (2026-11-30T12:00:00Z)")
    })?;
    Ok(Timestamp::now().as_second() - i64::try_from(ago.as_secs()).unwrap_or(i64::MAX / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_length_of_time() {
        assert_eq!(since("1970-01-01T00:01:00Z"), Ok(60));
        let now = Timestamp::now().as_second();
        assert!((now - 601..=now - 599).contains(&since("10m").unwrap()));
        assert!(since("yesterday").unwrap_err().contains("10m"));
    }
}
