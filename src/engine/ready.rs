//! Waiting until a machine is ready: its requirements, looked at from outside for a moment where that can tell, then probed
//! inside it by the agent, early and often.

use super::{glance, identity, logs};
use crate::event::{Context, Event};
use crate::model::id::Identity;
use crate::model::machine::{Init, Machine};
use crate::model::ready::{DEFAULT_TIMEOUT, Ready, Requirement};
use crate::model::{Error, Kind, Result};
use crate::provider::{LogOptions, Provider};
use crate::transport::{Transport, agent};
use envup_agent::{Line, ProbeReply, ProbeRequest, Reply, Request};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a box may take to boot.
const BOOT_TIMEOUT: Duration = Duration::from_secs(90);

/// Says that systemd has got to where services may be started: see bootup(7).
const BASICS: [&str; 4] = ["systemctl", "--quiet", "is-active", "basic.target"];

/// For how long we only look from outside, and the pauses between two looks.
const HEAD_START: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// How many lines of its log are shown of a machine that does not become ready.
const SHOWN_LINES: usize = 15;

/// Waits until the init of a box machine has started everything; one that started from a layer is made itself meanwhile. With
/// `instead`, what that asks for is enough, once the machine's file systems and sockets are there. An error has the last lines of
/// the machine's log.
pub fn booted(
    machine: &str,
    is_from_layer: bool,
    instead: Option<&Ready>,
    (provider, identity): (&dyn Provider, &Identity),
    transport: &dyn Transport,
    context: &Context,
) -> Result<()> {
    use envup_agent::Requirement::{Any, Boot, Cmd};
    let boot = match instead {
        Some(ready) => {
            let mut list = vec![Cmd { argv: BASICS.map(str::to_owned).into(), user: None }];
            list.extend(ready.requirements.iter().filter_map(inside));
            Any { lists: vec![vec![Boot {}], list] }
        }
        None => Boot {},
    };
    let mut requirements = vec![boot];
    requirements.extend(is_from_layer.then(identity::own));
    probe(machine, requirements, BOOT_TIMEOUT, None, transport, context)
        .and_then(|reply| unmet_error(machine, &reply, BOOT_TIMEOUT).map_or(Ok(()), Err))
        .map_err(|error| with_log(error, provider, identity, machine))
}

/// Waits until all requirements hold; says what was seen last when they do not. The direct address of a machine that ran
/// before is known.
pub fn wait(
    machine: &Machine,
    ready: &Ready,
    known: Option<IpAddr>,
    provider: &dyn Provider,
    identity: &Identity,
    context: &Context,
) -> Result<()> {
    let context = &context.within(ready.timeout);
    let inside: Vec<_> = ready.requirements.iter().filter_map(inside).collect();
    if !inside.is_empty() && !is_seen(machine, ready, known, provider, identity, context)? {
        let transport = provider.connect(identity, &machine.name)?;
        let reply = probe(&machine.name, inside, ready.timeout, ready.interval, transport.as_ref(), context)?;
        if let Some(error) = unmet_error(&machine.name, &reply, ready.timeout) {
            return Err(with_log(error, provider, identity, &machine.name));
        }
    }
    for requirement in &ready.requirements {
        if let Requirement::Log(pattern) = requirement {
            wait_for_line(machine, pattern, provider, identity, context)
                .map_err(|error| with_log(error, provider, identity, &machine.name))?;
        }
    }
    Ok(())
}

/// Whether it can be seen from outside that the requirements hold: at once, or soon, while calling the agent would cost
/// more than it can tell.
fn is_seen(
    machine: &Machine,
    ready: &Ready,
    known: Option<IpAddr>,
    provider: &dyn Provider,
    identity: &Identity,
    context: &Context,
) -> Result<bool> {
    if !glance::can_tell(&ready.requirements) {
        return Ok(false);
    }
    let found =
        known.map_or_else(|| provider.direct_address(identity, &machine.name), |known| Ok(Some(known)));
    let Some(address) = found? else { return Ok(false) };
    let end = Instant::now() + HEAD_START.min(ready.timeout / 2);
    let mut pause = FIRST_PAUSE;
    loop {
        if glance::holds(&ready.requirements, address) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        context.sleep(pause, &format!("waiting for {}", machine.name))?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether all requirements hold now; one try.
pub fn holds(machine: &Machine, transport: &dyn Transport) -> bool {
    let requirements = machine.ready.iter().flat_map(|ready| &ready.requirements);
    let inside: Vec<_> = requirements.filter_map(inside).collect();
    if inside.is_empty() {
        return true;
    }
    let context = Context::silent().within(DEFAULT_TIMEOUT);
    probe(&machine.name, inside, Duration::ZERO, None, transport, &context).is_ok_and(|reply| reply.ready)
}

/// Whether the machine can connect to an address, tried for so long.
pub fn reaches(
    machine: &str,
    host: IpAddr,
    port: u16,
    timeout: Duration,
    transport: &dyn Transport,
    context: &Context,
) -> Result<bool> {
    let there = envup_agent::Requirement::Tcp { port, host: Some(host.to_string()) };
    probe(machine, vec![there], timeout, None, transport, context).map(|reply| reply.ready)
}

fn inside(requirement: &Requirement) -> Option<envup_agent::Requirement> {
    Some(match requirement {
        Requirement::Tcp(port) => envup_agent::Requirement::Tcp { port: *port, host: None },
        Requirement::Http(url) => envup_agent::Requirement::Http { url: url.clone() },
        Requirement::Command(argv) => envup_agent::Requirement::Cmd { argv: argv.clone(), user: None },
        Requirement::File(path) => envup_agent::Requirement::File { path: path.clone() },
        Requirement::Log(_) => return None,
    })
}

fn probe(
    machine: &str,
    requirements: Vec<envup_agent::Requirement>,
    timeout: Duration,
    interval: Option<Duration>,
    transport: &dyn Transport,
    context: &Context,
) -> Result<ProbeReply> {
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let request = ProbeRequest {
        requirements,
        timeout_ms: milliseconds(timeout),
        interval_ms: interval.map(milliseconds),
    };
    let mut on_line = |line: Line| {
        if let Line::Probe(unmet) = line {
            let (requirement, detail) = (unmet.requirement, unmet.detail);
            context.emit(Event::Waiting { machine: machine.to_owned(), requirement, detail });
        }
    };
    // The agent keeps the time; the call itself may take a little longer.
    let context = &context.without_deadline().within(timeout + Duration::from_secs(30));
    let request = || (Request::Probe(request), Vec::new());
    match agent::call_with(transport, request, &mut on_line, context)? {
        Reply::Probe(reply) => Ok(reply),
        other => Err(agent::unexpected(&other)),
    }
}

fn unmet_error(machine: &str, reply: &ProbeReply, timeout: Duration) -> Option<Error> {
    let unmet = reply.failed.first().filter(|_| !reply.ready)?;
    let waited = crate::model::duration::human(timeout);
    let mut error = Error::failed(format!(
        "{machine} did not become ready within {waited}: {} · {}",
        unmet.requirement, unmet.detail
    ));
    for other in &reply.failed[1..] {
        error.causes.push(format!("{} · {}", other.requirement, other.detail));
    }
    Some(error.hint(format!("`env logs {machine}` shows what it says, `env shell {machine}` lets you look")))
}

fn wait_for_line(
    machine: &Machine,
    pattern: &str,
    provider: &dyn Provider,
    identity: &Identity,
    context: &Context,
) -> Result<()> {
    let pattern = regex::Regex::new(pattern)
        .map_err(|error| Error::usage(format!("ready.log of {}", machine.name)).because(error))?;
    context.emit(Event::Waiting {
        machine: machine.name.clone(),
        requirement: format!("log line /{pattern}/"),
        detail: "not seen yet".to_owned(),
    });
    let mut found = false;
    // What it said before it was restarted says nothing of now.
    let options = LogOptions { follow: true, this_run: true, ..LogOptions::default() };
    let has_init = machine.init == Init::Systemd;
    let result = logs::of_machine(
        provider,
        identity,
        &machine.name,
        has_init,
        &options,
        &mut |line| {
            if pattern.is_match(&line.text) {
                found = true;
                // An error is how a sink ends the stream; it never leaves this function.
                return Err(Error::failed("found"));
            }
            Ok(())
        },
        context,
    );
    match result {
        _ if found => Ok(()),
        Err(error) if error.kind == Kind::Interrupted => Err(error),
        _ => Err(Error::failed(format!("{}: no log line matched /{pattern}/", machine.name))
            .hint(format!("`env logs {}` shows what it says", machine.name))),
    }
}

/// Adds the last lines of the machine's log to an error.
pub fn with_log(error: Error, provider: &dyn Provider, identity: &Identity, machine: &str) -> Error {
    if error.kind == Kind::Interrupted || error.detail.is_some() {
        return error;
    }
    let options = LogOptions { tail: Some(SHOWN_LINES), ..LogOptions::default() };
    let mut lines = Vec::new();
    let mut sink = |line: crate::provider::LogLine| {
        lines.push(line.text);
        Ok(())
    };
    // What is shown beside an error must not hide it.
    let _ = provider.logs(identity, machine, &options, &mut sink, &Context::silent().within(DEFAULT_TIMEOUT));
    if lines.is_empty() { error } else { error.detail(lines.join("\n")) }
}
