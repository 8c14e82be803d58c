//! What a stack can be compared with besides its own baselines: another environment, a capture, one file.

use super::fingerprint::request;
use super::nodes::fingerprints;
use super::{World, observe};
use crate::event::Context;
use crate::model::drift::Level;
use crate::model::{Error, Kind, Result};
use crate::state::Capture;
use crate::transport::Transport;
use crate::transport::fingerprint::take;
use envup_agent::Fingerprint;
use std::collections::BTreeMap;

/// Fingerprints to compare with.
pub struct Reference {
    /// For people: `production`, the name of a directory.
    pub label: String,
    /// By machine: its nodes by name.
    pub machines: BTreeMap<String, BTreeMap<String, Known>>,
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
        let mut reference =
            Self { label: world.stack.environment.clone(), machines: BTreeMap::new(), source: None };
        for (machine, nodes) in fingerprints(&world, &observed, &|_| true, level, context) {
            for node in nodes {
                let now = node.taken.map(|taken| taken.fingerprint);
                let captured =
                    capture.and_then(|capture| Some((capture.machines.get(&node.name)?, capture.age())));
                let known = match (now, captured) {
                    (Err(error), Some((fingerprint, age))) if error.kind != Kind::Interrupted => {
                        Known { fingerprint: Ok(fingerprint.clone()), age: Some(age) }
                    }
                    (now, _) => Known { fingerprint: now, age: None },
                };
                reference.add(&machine, node.name, known);
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
        let mut reference = Self { label: label.to_owned(), machines: BTreeMap::new(), source: None };
        for (node, fingerprint) in &capture.machines {
            let machine = node.split('@').next().unwrap_or(node);
            let known = Known { fingerprint: Ok(fingerprint.clone()), age: Some(capture.age()) };
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
        let mut reference = Self { label: label.to_owned(), machines: BTreeMap::new(), source: None };
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
        let taken = take(transport, request(world, level)?, &[], context)?;
        Ok(Self::of_one(label, &taken.fingerprint, machines))
    }

    fn add(&mut self, machine: &str, node: String, known: Known) {
        self.machines.entry(machine.to_owned()).or_default().insert(node, known);
    }

    /// A machine that does not run: what was captured of it, or that it does not run.
    fn add_captured(&mut self, machine: &str, capture: Option<&Capture>) {
        let captured: Vec<_> = capture
            .iter()
            .flat_map(|capture| {
                let of_machine =
                    |(node, _): &(&String, &Fingerprint)| node.split('@').next() == Some(machine);
                capture
                    .machines
                    .iter()
                    .filter(of_machine)
                    .map(|(node, fingerprint)| (node, fingerprint, capture.age()))
            })
            .collect();
        for (node, fingerprint, age) in &captured {
            self.add(
                machine,
                (*node).clone(),
                Known { fingerprint: Ok((*fingerprint).clone()), age: Some(*age) },
            );
        }
        if captured.is_empty() {
            let error = Error::new(Kind::Incomplete, format!("{machine} of {} does not run", self.label));
            self.add(machine, machine.to_owned(), Known { fingerprint: Err(error), age: None });
        }
    }
}
