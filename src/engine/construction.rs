//! Making the layers of a machine: it is built under its own name, but without what a layer must not see, and its disk kept.
//!
//! A machine under construction says so in a label. When a step fails in it, it stays as it is: people look into it by its
//! name, and the next `up` goes on at that step. It is never more than that; what it was built for starts from its layer.

use super::keeping::{GRACE, MARK};
use super::layers::{self, Start, from};
use super::machine::Work;
use super::{certificates, steps};
use crate::model::machine::Machine;
use crate::model::observed::State;
use crate::model::{Error, Kind, Result};
use crate::plan::layers::Chain;
use crate::provider::{Layers, NewMachine, Operation};
use crate::transport::Transport;
use envup_agent::Ledger;
use std::time::{Duration, Instant};

/// A layer is also made after a step in the middle when the step took at least so long, and so much longer than making a
/// layer takes: whoever changes a later step does not wait for it again.
const SLOW: Duration = Duration::from_secs(10);
const TIMES_THE_COST: f64 = 4.0;

/// How a process ends that was given no time, or whose host went down.
const KILLED: [i64; 2] = [137, 255];

/// What making a layer is taken to cost before it was measured, in seconds.
const FIRST_COST: f64 = 5.0;

/// The making of one machine's layers.
pub struct Construction<'a> {
    pub work: &'a Work<'a>,
    pub layers: &'a dyn Layers,
    pub chain: &'a Chain,
    pub image: &'a str,
}

impl Construction<'_> {
    /// Makes the layers that are missing; `start` is the longest that is there. Gives what to start from then: the last one,
    /// or `start` itself when none could be kept, which is told.
    pub fn make(&self, start: Start) -> Result<Start> {
        self.work.wait_for_networks()?;
        let machine = bare(self.work.machine);
        let inner = Work { machine: &machine, ..*self.work };
        let done = match self.done_before() {
            // Starting it would change the disk under an engine that may still be at it.
            Some(_) if self.is_stopped_to_be_kept() => return self.finish(&inner, start),
            Some(done) => {
                if self.mark().is_some() {
                    // A killed run may have asked the engine to stop it, which would end what we begin in it.
                    inner.call(Operation::StopMachine { name: &machine.name, grace: Some(GRACE) })?;
                }
                done
            }
            None => {
                layers::abandon(self.work)?;
                self.create(&inner, start.layer.as_deref())?;
                start.covered.len()
            }
        };
        let mut transport = wake(&inner)?;
        let (world, provider, context) = (self.work.world, self.work.provider, self.work.context);
        certificates::hand_on(world, &machine, provider, transport.as_ref(), context)?;
        if !machine.env.is_empty() {
            steps::set_environment(transport.as_ref(), &machine.env, self.work.context)?;
        }
        let mut best = Start { layer: start.layer.clone(), covered: start.covered.clone(), ran: Vec::new() };
        let due = &self.chain.links[done..];
        for (place, link) in due.iter().enumerate() {
            let began = Instant::now();
            let keys = [link.step.clone()];
            let mut ran =
                steps::run(&machine, &keys, transport.as_ref(), self.work.workshop, self.work.context)
                    .map_err(|error| self.explain(error))?;
            best.ran.append(&mut ran);
            let is_last = place + 1 == due.len();
            if is_last || self.is_slow(began.elapsed()) {
                if !self.keep(&inner, link, transport.as_ref())? {
                    // They run again, in the machine itself.
                    best.ran.clear();
                    break;
                }
                let ran = std::mem::take(&mut best.ran);
                best = Start { ran, ..from(self.chain, &link.key, done + place + 1) };
                if !is_last {
                    // From the new layer, so that the next one holds only what comes on top of it.
                    inner.call(Operation::RemoveMachine(&machine.name))?;
                    self.create(&inner, Some(&link.key))?;
                    transport = wake(&inner)?;
                }
            }
        }
        if due.is_empty() && self.keep(&inner, self.chain.wanted(), transport.as_ref())? {
            best = from(self.chain, &self.chain.wanted().key, self.chain.links.len());
        }
        // Nothing but its layers is wanted of it.
        inner.call(Operation::RemoveMachine(&machine.name))?;
        Ok(best)
    }

    /// Keeps the disk of a machine that was stopped for just that by a run that was killed then.
    fn finish(&self, inner: &Work<'_>, start: Start) -> Result<Start> {
        let wanted = self.chain.wanted();
        let began = Instant::now();
        let kept = self.told(&inner.machine.name, self.save(inner, wanted).map(|()| None))?;
        if kept {
            self.record(wanted, began.elapsed());
        }
        inner.call(Operation::RemoveMachine(&inner.machine.name))?;
        Ok(if kept { from(self.chain, &wanted.key, self.chain.links.len()) } else { start })
    }

    /// Whether the machine is as it was when its disk was to be kept: everything done, and shut down in good order.
    fn is_stopped_to_be_kept(&self) -> bool {
        let Some(observed) = self.work.observed() else { return false };
        let was_killed = observed.exit_code.is_none_or(|code| KILLED.contains(&code));
        let is_last = self.mark() == Some(&self.chain.wanted().key);
        observed.state == State::Stopped && !was_killed && is_last
    }

    /// The layer that the disk of the machine was to be kept as last.
    fn mark(&self) -> Option<&String> {
        self.work.planned.view.ledgers.get(&self.work.machine.name)?.marks.get(MARK)
    }

    /// How many steps are done in what is already under construction; `None` when that cannot go on.
    fn done_before(&self) -> Option<usize> {
        let observed = self.work.observed()?;
        let began_with = observed.construction.as_ref()?;
        let no_ledger = Ledger::default();
        let ledger = self.work.planned.view.ledgers.get(&observed.name).unwrap_or(&no_ledger);
        if observed.state != State::Running && *ledger == no_ledger {
            // It cannot be asked how far its steps are, or never began with any.
            return None;
        }
        let done = self.chain.done(began_with, ledger)?;
        // From now on only the machine knows how far its steps are, should we be killed.
        self.work.world.project.ledgers().forget(&observed.engine_id).ok()?;
        Some(done)
    }

    fn create(&self, inner: &Work<'_>, layer: Option<&str>) -> Result<()> {
        let source = inner.machine.source_name();
        inner.doing(&format!("creating from {source}, to make a layer"));
        let construction = Some(layer.unwrap_or(&self.chain.base));
        let new = NewMachine { layer, construction, ..inner.new_machine(self.image)? };
        inner.call(Operation::CreateMachine(&new))
    }

    fn is_slow(&self, took: Duration) -> bool {
        let cost = self.work.world.layers.read().cost.unwrap_or(FIRST_COST);
        took >= SLOW && took.as_secs_f64() > TIMES_THE_COST * cost
    }

    /// A step of a layer may have missed what it would have found in the finished machine.
    fn explain(&self, error: Error) -> Error {
        let machine = self.work.machine;
        let missed = [
            (!machine.volumes.is_empty(), "volumes"),
            (!machine.sync.is_empty(), "synced folders"),
            (!machine.secrets.is_empty(), "secrets"),
            (!machine.depends_on.is_empty(), "the machines it needs"),
        ];
        let missed: Vec<&str> = missed.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        if missed.is_empty() || error.kind == Kind::Interrupted {
            return error;
        }
        error.hint(format!(
            "steps that are kept in a layer run without {}: `layer = false` on a step that needs them",
            missed.join(", ")
        ))
    }
}

/// Starts a machine under construction and waits until steps can run in it. The way into it is another one each time it was
/// made anew.
fn wake(inner: &Work<'_>) -> Result<Box<dyn Transport>> {
    inner.doing("starting");
    inner.call(Operation::StartMachine(&inner.machine.name))?;
    let transport = inner.provider.connect(&inner.world.identity, &inner.machine.name)?;
    inner.boot(transport.as_ref(), true, None)?;
    Ok(transport)
}

/// The machine without what its layers must not see, and without what others could take for the finished machine.
fn bare(machine: &Machine) -> Machine {
    let mut bare = machine.clone();
    bare.volumes.clear();
    bare.sync.clear();
    bare.secrets.clear();
    bare.ports.clear();
    bare.expose.clear();
    bare
}
