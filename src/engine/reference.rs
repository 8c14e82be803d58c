//! What a stack can be compared with besides its own baselines: another environment, a capture, one file.

use super::drift::why as why_not;
use super::fingerprint::request;
use super::nodes::{Node, fingerprints};
use super::{World, observe};
use crate::event::Context;
use crate::model::drift::Level;
use crate::model::duration::age;
use crate::model::{Error, Kind, Result};
use crate::state::Capture;
use crate::transport::Transport;
use crate::transport::fingerprint::take;
use envup_agent::Fingerprint;
use std::collections::BTreeMap;

/// Fingerprints to compare with.
#[derive(Default)]
pub struct Reference {
    /// For people: `production`, the name of a directory.
    pub label: String,
    /// By machine: its nodes by name.
    pub machines: BTreeMap<String, BTreeMap<String, Known>>,
    /// For people: which captures stand in for machines that nobody reaches, why, and how old they are.
    pub notes: Vec<String>,
    /// The other stack, when it was looked at now: files can then be read there.
    pub source: Option<World>,
}

/// What is known of one node.
#[derive(Debug)]
pub struct Known {
    /// Its fingerprint, or why there is none.
    pub fingerprint: Result<Fingerprint>,
    /// How old it is, in seconds, when it was captured and not taken now.
    pub age: Option<u64>,
}

impl Reference {
    /// The machines of another environment as they are now. Of those that cannot be reached, what was captured.
    pub fn of_environment(
        world: World,
        capture: Option<&Capture>,
        level: Level,
        context: &Context,
    ) -> Result<Self> {
        let observed = observe(&world)?.observed;
        let mut reference = Self { label: world.stack.environment.clone(), ..Self::default() };
        for (machine, nodes) in fingerprints(&world, &observed, &|_| true, level, context) {
            for Node { name, taken } in nodes {
                let captured =
                    capture.and_then(|capture| Some((capture.machines.get(&name)?, capture.age_of(&name))));
                let known = match (taken, captured) {
                    // Somebody who answers in a host's place is not made good by what the host was.
                    (Err(error), Some((fingerprint, age))) if is_out_of_reach(&error) => {
                        reference.stands_in(&name, &why_not(&error), age);
                        Known { fingerprint: Ok(fingerprint.clone()), age: Some(age) }
                    }
                    (taken, _) => {
                        Known { fingerprint: taken.and_then(|taken| taken.fingerprint()), age: None }
                    }
                };
                reference.add(&machine, name, known);
            }
        }
        for machine in world.stack.machines.keys() {
            if !reference.machines.contains_key(machine) {
                reference.add_captured(machine, capture);
            }
        }
        reference.source = Some(world);
        Ok(reference)
    }

    /// A capture, whole.
    pub fn of_capture(label: &str, capture: &Capture) -> Self {
        let mut reference = Self { label: label.to_owned(), ..Self::default() };
        for (node, fingerprint) in &capture.machines {
            let machine = node.split('@').next().unwrap_or(node);
            let known = Known { fingerprint: Ok(fingerprint.clone()), age: Some(capture.age_of(node)) };
            reference.add(machine, node.clone(), known);
        }
        reference
    }

    /// One fingerprint that these machines are compared with.
    pub fn of_one<'a>(
        label: &str,
        fingerprint: &Fingerprint,
        machines: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut reference = Self { label: label.to_owned(), ..Self::default() };
        for machine in machines {
            let known = Known { fingerprint: Ok(fingerprint.clone()), age: None };
            reference.add(machine, machine.to_owned(), known);
        }
        reference
    }

    /// One machine that a transport leads into, as it is now, that these machines are compared with.
    pub fn of_transport<'a>(
        world: &World,
        label: &str,
        transport: &dyn Transport,
        level: Level,
        machines: impl IntoIterator<Item = &'a str>,
        context: &Context,
    ) -> Result<Self> {
        let taken = take(transport, request(world, level)?, Vec::new, context)?;
        Ok(Self::of_one(label, &taken.fingerprint()?, machines))
    }

    /// Whether the Envfile says that there is no such machine: then nothing is missing.
    pub fn leaves_out(&self, machine: &str) -> bool {
        self.source.as_ref().is_some_and(|world| !world.stack.machines.contains_key(machine))
    }

    /// Says that a capture is taken for what is there now.
    fn stands_in(&mut self, node: &str, why: &str, seconds: u64) {
        let (label, old) = (&self.label, age(seconds));
        self.notes.push(format!("{node} of {label} is known from its capture, {old} old: {why}"));
    }

    fn add(&mut self, machine: &str, node: String, known: Known) {
        self.machines.entry(machine.to_owned()).or_default().insert(node, known);
    }

    /// A machine that does not run: what was captured of it, or that it does not run.
    fn add_captured(&mut self, machine: &str, capture: Option<&Capture>) {
        let of_machine = |(node, _): &(&String, &Fingerprint)| node.split('@').next() == Some(machine);
        if let Some(capture) = capture {
            for (node, fingerprint) in capture.machines.iter().filter(of_machine) {
                self.stands_in(node, "it does not run", capture.age_of(node));
                let known = Known { fingerprint: Ok(fingerprint.clone()), age: Some(capture.age_of(node)) };
                self.add(machine, node.clone(), known);
            }
        }
        if !self.machines.contains_key(machine) {
            let error = Error::new(Kind::Incomplete, "it does not run");
            self.add(machine, machine.to_owned(), Known { fingerprint: Err(error), age: None });
        }
    }
}

/// Whether nothing at all was heard of a host.
fn is_out_of_reach(error: &Error) -> bool {
    matches!(error.kind, Kind::Incomplete | Kind::Unavailable)
}

/// A node whose fingerprint is there.
pub fn readable<'a>((name, node): (&'a String, &'a Known)) -> Option<(&'a str, &'a Fingerprint)> {
    Some((name.as_str(), node.fingerprint.as_ref().ok()?))
}
