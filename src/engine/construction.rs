//! Making the layers of a machine: it is built under its own name, but without what a layer must not see, and its disk kept.
//!
//! A machine under construction says so in a label. When a step fails in it, it stays as it is: people look into it by its
//! name, and the next `up` goes on at that step. It is never more than that; what it was built for starts from its layer.

use super::layers::{self, Start, from, note, record};
use super::machine::Work;
use super::{certificates, contents, steps};
use crate::model::action::Verb;
use crate::model::digest::short;
use crate::model::machine::Machine;
use crate::model::{Error, Kind, Result};
use crate::plan::Action;
use crate::plan::layers::{Chain, Link};
use crate::provider::{Layers, NewMachine, Operation, Scope};
use crate::state::now;
use crate::transport::{Captured, Command, Transport, agent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{Ledger, LedgerStatus, Reply, Request, SearchRequest};
use std::time::{Duration, Instant};

/// Takes away what makes a machine this one and no other, and what its package manager can fetch again. Host keys are made
/// anew in a machine that starts from the layer: see [`own_identity`].
const RESET: &str = r#"
set -e
if ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then rm -f /etc/ssh/ssh_host_*; touch /var/lib/envup/needs-host-keys; fi
if [ -s /etc/machine-id ]; then : >/etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed
if command -v apt-get; then apt-get clean; fi
if command -v dnf; then dnf -q clean packages; elif command -v yum; then yum -q clean packages; fi
if command -v apk; then rm -rf /var/cache/apk/*; fi
"#;

/// Makes host keys where the layer's were taken away.
const IDENTITY: &str = "[ ! -e /var/lib/envup/needs-host-keys ] || \
    { ssh-keygen -A && rm /var/lib/envup/needs-host-keys && systemctl --quiet try-restart ssh sshd; } >/dev/null 2>&1 || :";

/// How long a machine may take to put its data in order before its disk is kept.
const GRACE: Duration = Duration::from_secs(60);

/// A layer is also made after a step in the middle when the step took at least so long, and so much longer than making a
/// layer takes: whoever changes a later step does not wait for it again.
const SLOW: Duration = Duration::from_secs(10);
const TIMES_THE_COST: f64 = 4.0;

/// Shorter values are found everywhere by chance.
const SHORTEST_SECRET: usize = 4;

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
        let machine = bare(self.work.machine);
        let action = |verb| Action {
            target: self.work.action.target,
            name: machine.name.clone(),
            verb,
            reasons: Vec::new(),
            source: String::new(),
            is_box: true,
            update: Vec::new(),
            start: true,
            steps: Vec::new(),
        };
        let action = action(Verb::Create);
        let inner = Work { machine: &machine, action: &action, ..*self.work };
        let done = match self.done_before() {
            Some(done) => done,
            None => {
                layers::abandon(self.work)?;
                self.create(&inner, start.layer.as_deref())?;
                start.covered.len()
            }
        };
        inner.doing("starting");
        inner.call(Operation::StartMachine(&machine.name))?;
        let transport = self.work.provider.connect(&self.work.world.identity, &machine.name)?;
        let transport = transport.as_ref();
        inner.boot(transport)?;
        certificates::hand_on(&machine.name, transport, self.work.context)?;
        if !machine.env.is_empty() {
            steps::set_environment(transport, &machine.env, self.work.context)?;
        }
        let mut best = Start { layer: start.layer.clone(), covered: start.covered.clone(), ran: Vec::new() };
        let due = &self.chain.links[done..];
        for (place, link) in due.iter().enumerate() {
            let began = Instant::now();
            let keys = [link.step.clone()];
            let mut ran = steps::run(&machine, &keys, transport, self.work.context)
                .map_err(|error| self.explain(error))?;
            best.ran.append(&mut ran);
            let is_last = place + 1 == due.len();
            if is_last || self.is_slow(began.elapsed()) {
                if !self.keep(&inner, link, transport)? {
                    break;
                }
                let ran = std::mem::take(&mut best.ran);
                best = Start { ran, ..from(self.chain, &link.key, done + place + 1) };
                if !is_last {
                    inner.call(Operation::StartMachine(&machine.name))?;
                    inner.boot(transport)?;
                }
            }
        }
        if due.is_empty() && self.keep(&inner, self.chain.wanted(), transport)? {
            best = from(self.chain, &self.chain.wanted().key, self.chain.links.len());
        }
        // Nothing but its layers is wanted of it.
        inner.call(Operation::RemoveMachine(&machine.name))?;
        Ok(best)
    }

    /// How many steps are done in what is already under construction; `None` when that cannot go on.
    fn done_before(&self) -> Option<usize> {
        let observed = self.work.observed()?;
        let began_with = observed.construction.as_ref()?;
        let no_ledger = Ledger::default();
        let ledger = self.work.planned.view.ledgers.get(&observed.name).unwrap_or(&no_ledger);
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

    /// Stops the machine and keeps its disk; `false` when that cannot or must not be, which is told.
    fn keep(&self, inner: &Work<'_>, link: &Link, transport: &dyn Transport) -> Result<bool> {
        let began = Instant::now();
        inner.doing("making a layer");
        let kept = self.try_to_keep(inner, link, transport);
        match kept {
            Ok(None) => {
                self.record(link, began.elapsed());
                Ok(true)
            }
            Ok(Some(why)) => {
                note(self.work, format!("no layer of {} is kept: {why}", inner.machine.name));
                Ok(false)
            }
            Err(error) if error.kind == Kind::Interrupted => Err(error),
            Err(error) => {
                note(self.work, format!("no layer of {} is kept: {error}", inner.machine.name));
                Ok(false)
            }
        }
    }

    /// Gives the reason when the disk must not be kept.
    fn try_to_keep(
        &self,
        inner: &Work<'_>,
        link: &Link,
        transport: &dyn Transport,
    ) -> Result<Option<String>> {
        let (identity, context) = (&self.work.world.identity, self.work.context);
        let name = inner.machine.name.as_str();
        if !self.is_applied(link, transport)? {
            return Ok(Some("the inputs of a step changed while it ran".to_owned()));
        }
        if let Some(why) = self.holds_secret(transport)? {
            self.work.world.layers.change(|known| {
                known.refused.insert(link.key.clone(), now());
            })?;
            return Ok(Some(why));
        }
        reset(name, transport, context)?;
        inner.call(Operation::StopMachine { name, grace: Some(GRACE) })?;
        inner.board.call(|| self.layers.save(identity, name, &link.key, context))?;
        Ok(None)
    }

    /// Whether the machine's own ledger says that all steps up to this one succeeded, with the inputs that are in the key.
    fn is_applied(&self, link: &Link, transport: &dyn Transport) -> Result<bool> {
        let reply = agent::call(transport, Request::Ledger, &mut |_| {}, self.work.context)?;
        let Reply::Ledger(reply) = reply else { return Err(agent::unexpected(&reply)) };
        let upto = self.chain.covered(&link.key).unwrap_or(0);
        Ok(self.chain.links[..upto].iter().all(|link| {
            let entry = reply.ledger.step(&link.step);
            entry.is_some_and(|entry| entry.status == LedgerStatus::Applied && entry.digest == link.digest)
        }))
    }

    /// Says where a secret of the stack lies on the disk, if one does: a layer would hand it on to whoever starts from it.
    fn holds_secret(&self, transport: &dyn Transport) -> Result<Option<String>> {
        let secrets = contents::secret_values(self.work.world);
        let secrets: Vec<_> =
            secrets.into_iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET).collect();
        if secrets.is_empty() {
            return Ok(None);
        }
        let values = secrets.iter().map(|(_, value)| STANDARD.encode(value)).collect();
        let request = SearchRequest { values, since: self.since()?, below: "/".to_owned() };
        let reply = agent::call(transport, Request::Search(request), &mut |_| {}, self.work.context)?;
        let Reply::Search(reply) = reply else { return Err(agent::unexpected(&reply)) };
        Ok(reply.found.map(|(path, which)| {
            let name = secrets.get(which).map_or("", |(name, _)| *name);
            format!("{path} holds the secret {name}; `layer = false` on the step that puts it there keeps the rest")
        }))
    }

    /// When the machine under construction was made: what was not touched since came with what it began with.
    fn since(&self) -> Result<i64> {
        let machine = &self.work.machine.name;
        let observed = self.work.provider.observe(Scope::Stack(&self.work.world.identity))?;
        let created = observed.machine(machine).and_then(|machine| machine.created);
        Ok(created.map_or(0, |nanoseconds| nanoseconds / 1_000_000_000))
    }

    /// Notes what was made, and makes room for it. Failing at that loses no layer.
    fn record(&self, link: &Link, took: Duration) {
        let world = self.work.world;
        let noted = || -> Result<()> {
            let kept = self.layers.list()?;
            let kept = kept.iter().find(|layer| layer.key == link.key);
            let covered = self.chain.covered(&link.key).unwrap_or(0);
            let covered = from(self.chain, &link.key, covered).covered;
            world.layers.change(|known| {
                known.layers.insert(link.key.clone(), record(self.work.machine, &covered, kept));
                known.cost = Some(took.as_secs_f64());
            })?;
            layers::make_room(world, self.layers, &world.stack.layers, Some(&link.key)).map(|_| ())
        };
        if let Err(error) = noted() {
            note(self.work, format!("layer {} is kept, but not recorded: {error}", short(&link.key)));
        }
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

/// Takes away what the machine is known by.
fn reset(machine: &str, transport: &dyn Transport, context: &crate::event::Context) -> Result<()> {
    let mut output = Captured::default();
    match transport.exec(Command::new(["/bin/sh", "-c", RESET]), &mut output, context)?.code {
        0 => Ok(()),
        code => Err(Error::failed(format!("cannot take its identity from {machine} (exit {code})"))
            .detail(String::from_utf8_lossy(&output.stderr))),
    }
}

/// Gives a machine that started from a layer what was taken away there. One without it still works.
pub fn own_identity(transport: &dyn Transport, context: &crate::event::Context) -> Result<()> {
    let command = Command::new(["/bin/sh", "-c", IDENTITY]);
    transport.exec(command, &mut Captured::default(), context).map(|_| ())
}
