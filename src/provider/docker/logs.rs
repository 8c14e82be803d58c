//! The lines of a machine's log, with their times, as the engine keeps them: what process 1 and its children write.
//!
//! A machine that boots systemd keeps a journal inside besides, which is read through its transport, not here.

use super::client::Client;
use super::errors::Explain;
use crate::event::Context;
use crate::model::Result;
use crate::provider::{LogLine, LogOptions};
use bollard::container::LogOutput;
use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder};
use futures_util::StreamExt;

/// Hands on the lines of a machine's log.
pub(super) fn logs(
    client: &Client,
    container: &str,
    machine: &str,
    options: &LogOptions,
    sink: &mut dyn FnMut(LogLine) -> Result<()>,
    context: &Context,
) -> Result<()> {
    let last_end = if options.this_run { last_end(client, container, machine)? } else { i128::MIN };
    let mut sink = |line: LogLine| if line.time < last_end { Ok(()) } else { sink(line) };
    let tail = options.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let query = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .follow(options.follow)
        .since(options.since.map_or(0, |since| i32::try_from(since.max(0)).unwrap_or(i32::MAX)))
        .tail(&tail)
        .build();
    client.wait(context, &format!("reading the log of machine {machine}"), async {
        let mut pieces = client.docker.logs(container, Some(query));
        let mut open = [Open::default(), Open::default()];
        while let Some(piece) = pieces.next().await {
            let piece = piece.explain(|| format!("cannot read the log of machine {machine}"))?;
            let stderr = matches!(piece, LogOutput::StdErr { .. });
            let open = &mut open[usize::from(stderr)];
            open.add(&piece.into_bytes());
            if let Some((time, text)) = open.take_line() {
                sink(LogLine { time, stderr, text })?;
            }
        }
        for (index, open) in open.iter_mut().enumerate() {
            if let Some((time, text)) = open.take_rest() {
                sink(LogLine { time, stderr: index == 1, text })?;
            }
        }
        Ok(())
    })
}

/// When process 1 ended last, in nanoseconds of the engine's Unix time; so are the times of lines. What is noted as its start is
/// later than its first lines may be.
fn last_end(client: &Client, container: &str, machine: &str) -> Result<i128> {
    let looked = client.block(client.docker.inspect_container(container, None::<InspectContainerOptions>))?;
    let found = looked.explain(|| format!("cannot look at machine {machine}"))?;
    let ended = found.state.and_then(|state| state.finished_at).unwrap_or_default();
    Ok(split_time(format!("{ended} ").as_bytes()).0.unwrap_or(i128::MIN))
}

/// A line that has not ended yet: the engine hands long lines on in pieces, each with a time of its own.
#[derive(Default)]
struct Open {
    time: Option<i128>,
    bytes: Vec<u8>,
}

impl Open {
    fn add(&mut self, piece: &[u8]) {
        let (time, text) = split_time(piece);
        self.time = self.time.or(time);
        self.bytes.extend_from_slice(text);
    }

    fn take_line(&mut self) -> Option<(i128, String)> {
        if self.bytes.last() == Some(&b'\n') { self.take_rest() } else { None }
    }

    fn take_rest(&mut self) -> Option<(i128, String)> {
        if self.bytes.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\n').trim_end_matches('\r').to_owned();
        Some((self.time.take().unwrap_or(0), text))
    }
}

/// The time the engine wrote before the text, in nanoseconds, and the text.
fn split_time(piece: &[u8]) -> (Option<i128>, &[u8]) {
    let Some(end) = piece.iter().take(40).position(|byte| *byte == b' ') else { return (None, piece) };
    let stamp = std::str::from_utf8(&piece[..end]).ok();
    match stamp.and_then(|stamp| stamp.parse::<jiff::Timestamp>().ok()) {
        Some(time) => (Some(time.as_nanosecond()), &piece[end + 1..]),
        None => (None, piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_before_a_line_is_read() {
        let (time, text) = split_time(b"2026-11-21T10:00:00.000000005Z listening\n");
        assert_eq!((time, text), (Some(1_795_255_200_000_000_005), &b"listening\n"[..]));
        assert_eq!(split_time(b"no time\n"), (None, &b"no time\n"[..]));
    }

    #[test]
    fn pieces_of_one_line_are_joined() {
        let mut open = Open::default();
        open.add(b"2026-11-21T10:00:00Z first ");
        assert_eq!(open.take_line(), None);
        open.add(b"2026-11-21T10:00:01Z second\n");
        assert_eq!(open.take_line(), Some((1_795_255_200_000_000_000, "first second".into())));
        assert_eq!(open.take_rest(), None);
    }
}
