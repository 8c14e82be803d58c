//! The logs of several machines as one, in the order in which the lines were written.

use super::existing::is_existing;
use super::{World, journal};
use crate::event::{Context, Event};
use crate::model::id::Identity;
use crate::model::machine::Init;
use crate::model::{Error, Result};
use crate::provider::{LogLine, LogOptions, Provider};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines of one machine that may wait for those of others.
const AHEAD: usize = 1024;
/// When following: lines that are written within this time are put in order.
const TOGETHER: Duration = Duration::from_millis(50);

/// Takes lines with the machine that wrote them.
pub type Sink<'a> = &'a mut dyn FnMut(&str, LogLine) -> Result<()>;

/// One machine's lines as they come.
struct Source<'a> {
    name: &'a str,
    lines: Receiver<LogLine>,
    next: Option<LogLine>,
}

/// Hands on the lines of these machines' logs, until their end or for as long as `options.follow` says.
pub fn logs(
    world: &World,
    names: &[String],
    options: &LogOptions,
    sink: Sink<'_>,
    context: &Context,
) -> Result<()> {
    std::thread::scope(|scope| {
        let mut sources = Vec::new();
        let mut readers = Vec::new();
        for name in names {
            let (sender, lines) = sync_channel(AHEAD);
            readers.push(scope.spawn(move || read(world, name, options, &sender, context)));
            sources.push(Source { name, lines, next: None });
        }
        let handed = if options.follow { follow(&sources, sink, context) } else { merge(&mut sources, sink) };
        if handed.is_err() {
            // Readers of quiet machines would wait for ever.
            context.cancel.request();
        }
        drop(sources);
        let read: Vec<Result<()>> = readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or_else(|_| Err(Error::failed("a thread of ours crashed"))))
            .collect();
        handed.and_then(|()| read.into_iter().collect())
    })
}

fn read(
    world: &World,
    name: &str,
    options: &LogOptions,
    sender: &SyncSender<LogLine>,
    context: &Context,
) -> Result<()> {
    let gone = |_| Error::interrupted("reading logs");
    let provider = world.provider_of(name, None)?;
    let boots = world.stack.machines.get(name).is_some_and(|machine| machine.init == Init::Systemd);
    let may_have_journal = boots || is_existing(world, name);
    let mut send = |line| sender.send(line).map_err(gone);
    of_machine(provider, &world.identity, name, may_have_journal, options, &mut send, context)
}

/// Hands on the lines of one machine's log: those of its journal where it has one, else what its process 1 writes.
pub(super) fn of_machine(
    provider: &dyn Provider,
    identity: &Identity,
    name: &str,
    may_have_journal: bool,
    options: &LogOptions,
    sink: &mut (dyn FnMut(LogLine) -> Result<()> + Send),
    context: &Context,
) -> Result<()> {
    if !may_have_journal {
        return provider.logs(identity, name, options, sink, context);
    }
    let transport = provider.connect(identity, name)?;
    if journal::has_journal(transport.as_ref(), context) {
        return journal::read(transport.as_ref(), options, sink, context);
    }
    let mut is_silent = true;
    let mut sink = |line| {
        is_silent = false;
        sink(line)
    };
    provider.logs(identity, name, options, &mut sink, context)?;
    if is_silent {
        let text =
            format!("{name} wrote nothing outside its journal, and that can only be read while it runs");
        context.emit(Event::Note { text });
    }
    Ok(())
}

/// All logs end: always the earliest of the next lines.
fn merge(sources: &mut [Source<'_>], sink: Sink<'_>) -> Result<()> {
    loop {
        for source in sources.iter_mut().filter(|source| source.next.is_none()) {
            source.next = source.lines.recv().ok();
        }
        let waiting = sources.iter_mut().filter(|source| source.next.is_some());
        let earliest = waiting.min_by_key(|source| source.next.as_ref().map(|line| line.time));
        let Some(source) = earliest else { return Ok(()) };
        if let Some(line) = source.next.take() {
            sink(source.name, line)?;
        }
    }
}

/// Logs go on: what came in a short time, in order.
fn follow(sources: &[Source<'_>], sink: Sink<'_>, context: &Context) -> Result<()> {
    loop {
        let mut batch = Vec::new();
        let mut open = false;
        for source in sources {
            loop {
                match source.lines.try_recv() {
                    Ok(line) => batch.push((source.name, line)),
                    Err(error) => {
                        open |= error == std::sync::mpsc::TryRecvError::Empty;
                        break;
                    }
                }
            }
        }
        batch.sort_by_key(|(_, line)| line.time);
        for (name, line) in batch {
            sink(name, line)?;
        }
        if !open {
            return Ok(());
        }
        context.sleep(TOGETHER, "following logs")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &'static str, times: &[i128]) -> Source<'static> {
        let (sender, lines) = sync_channel(AHEAD);
        for time in times {
            sender.send(LogLine { time: *time, stderr: false, text: format!("{name}{time}") }).unwrap();
        }
        Source { name, lines, next: None }
    }

    fn texts(work: impl FnOnce(Sink<'_>) -> Result<()>) -> Vec<String> {
        let mut texts = Vec::new();
        work(&mut |_, line| {
            texts.push(line.text);
            Ok(())
        })
        .unwrap();
        texts
    }

    #[test]
    fn lines_of_all_machines_come_in_the_order_of_time() {
        let mut sources = [source("a", &[1, 4, 5]), source("b", &[2, 3, 6]), source("c", &[])];
        let expected = ["a1", "b2", "b3", "a4", "a5", "b6"];
        assert_eq!(texts(|sink| merge(&mut sources, sink)), expected);
        let sources = [source("a", &[1, 4, 5]), source("b", &[2, 3, 6])];
        assert_eq!(texts(|sink| follow(&sources, sink, &Context::silent())), expected);
    }
}
