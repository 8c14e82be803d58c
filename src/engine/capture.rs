//! Capturing: the fingerprints of a stack's machines as texts to keep, and the way of those that nobody can reach.

use super::desired::has_done_its_work;
use super::fingerprint::request;
use super::nodes::fingerprints;
use super::{World, observe};
use crate::event::Context;
use crate::model::drift::Level;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use crate::transport::fingerprint::answered;
use envup_agent::{Call, Request};
use std::collections::{BTreeMap, BTreeSet};

/// What was captured.
#[derive(Debug, Default)]
pub struct Captured {
    /// The canonical texts by machine, or by `machine@HOST`.
    pub texts: BTreeMap<String, String>,
    /// Machines of which there is none, or not all of it, and why.
    pub failed: Vec<(String, Error)>,
}

/// Takes the fingerprints of these machines, of all when none is named.
pub fn capture(
    world: &World,
    machines: &BTreeSet<String>,
    level: Level,
    context: &Context,
) -> Result<Captured> {
    let observed = observe(world)?.observed;
    let is_chosen = |name: &str| machines.is_empty() || machines.contains(name);
    let nodes = fingerprints(world, &observed, &is_chosen, level, context);
    let mut captured = Captured::default();
    let incomplete = |text: String| Error::new(Kind::Incomplete, text);
    for machine in world.stack.machines.keys().filter(|name| is_chosen(name)) {
        let done = observed.machine(machine).is_some_and(|observed| has_done_its_work(world, observed));
        if !nodes.contains_key(machine) && !done {
            let error =
                incomplete(format!("{machine} does not run")).hint(format!("`env up {machine}` starts it"));
            captured.failed.push((machine.clone(), error));
        }
    }
    for node in nodes.into_values().flatten() {
        match node.taken.and_then(|taken| Ok((taken.fingerprint()?.unread, taken.text))) {
            Ok((unread, text)) => {
                if let [unread, more @ ..] = unread.as_slice() {
                    let more = more.len();
                    let error = incomplete(format!(
                        "{} of {} could not be read: {} ({more} more)",
                        unread.key, node.name, unread.reason
                    ));
                    captured.failed.push((node.name.clone(), error));
                }
                captured.texts.insert(node.name, text);
            }
            Err(error) => captured.failed.push((node.name, error)),
        }
    }
    Ok(captured)
}

/// What the agent has to be given on a machine that nobody here can reach: one line for its standard input.
pub fn request_line(world: &World, level: Level) -> Result<String> {
    let call = Call::new(Request::Fingerprint(request(world, level)?));
    serde_json::to_string(&call).attempt(|| "writing a request to the agent")
}

/// The canonical text of the fingerprint in what the agent answered there.
pub fn imported(answer: &[u8]) -> Result<String> {
    answered(answer).and_then(|taken| taken.fingerprint().map(|_| taken.text)).map_err(|error| {
        error.context("importing a fingerprint").hint("the file is what the agent wrote to standard output")
    })
}
