//! Keeping the disk of a machine under construction: only of one whose steps all succeeded, that is stopped, that holds no
//! secret of the stack, and that is known by nothing any more.
//!
//! Failing at it fails no `up`: the machine comes up without that layer, and why is told.

use super::construction::Construction;
use super::layers::{from, note, record};
use super::machine::Work;
use super::{contents, identity, kept};
use crate::model::digest::short;
use crate::model::{Kind, Result};
use crate::plan::layers::Link;
use crate::provider::{Operation, Scope};
use crate::state::now;
use crate::transport::{Transport, agent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{LedgerStatus, RecordRequest, Reply, Request, SearchRequest};
use std::time::{Duration, Instant};

/// How long a machine may take to put its data in order before its disk is kept.
pub const GRACE: Duration = Duration::from_secs(60);

/// Says in a ledger which layer its disk is.
pub const MARK: &str = "layer";

/// Shorter values are found everywhere by chance.
const SHORTEST_SECRET: usize = 4;

impl Construction<'_> {
    /// Stops the machine and keeps its disk; `false` when that cannot or must not be, which is told.
    pub(super) fn keep(&self, inner: &Work<'_>, link: &Link, transport: &dyn Transport) -> Result<bool> {
        let began = Instant::now();
        inner.doing("making a layer");
        let kept = self.told(&inner.machine.name, self.try_to_keep(inner, link, transport))?;
        if kept {
            self.record(link, began.elapsed());
        }
        Ok(kept)
    }

    /// Whether a disk was kept; why not is told, unless somebody interrupted.
    pub(super) fn told(&self, machine: &str, kept: Result<Option<String>>) -> Result<bool> {
        let why = match kept {
            Ok(None) => return Ok(true),
            Ok(Some(why)) => why,
            Err(error) if error.kind == Kind::Interrupted => return Err(error),
            Err(error) => error.to_string(),
        };
        note(self.work, format!("no layer of {machine} is kept: {why}"));
        Ok(false)
    }

    /// Gives the reason when the disk must not be kept.
    fn try_to_keep(
        &self,
        inner: &Work<'_>,
        link: &Link,
        transport: &dyn Transport,
    ) -> Result<Option<String>> {
        let (name, context) = (inner.machine.name.as_str(), self.work.context);
        if let Some(why) = self.holds_secret(transport)? {
            self.work.world.layers.change(|known| {
                known.refused.insert(link.key.clone(), now());
            })?;
            return Ok(Some(why));
        }
        identity::reset(name, transport, context)?;
        if !self.is_applied(link, transport)? {
            return Ok(Some("the inputs of a step changed while it ran".to_owned()));
        }
        inner.call(Operation::StopMachine { name, grace: Some(GRACE) })?;
        self.save(inner, link).map(|()| None)
    }

    pub(super) fn save(&self, inner: &Work<'_>, link: &Link) -> Result<()> {
        let (owner, name) = (&self.work.world.identity, inner.machine.name.as_str());
        inner.board.call(|| self.layers.save(owner, name, &link.key, self.work.context))
    }

    /// Whether the machine's own ledger says that all steps up to this one succeeded, with the inputs that are in the key. It
    /// also says from now on which layer its disk is.
    fn is_applied(&self, link: &Link, transport: &dyn Transport) -> Result<bool> {
        let marks = [(MARK.to_owned(), Some(link.key.clone()))].into();
        let request = Request::Record(RecordRequest { marks, ..RecordRequest::default() });
        let reply = agent::call(transport, request, &mut |_| {}, self.work.context)?;
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
    pub(super) fn record(&self, link: &Link, took: Duration) {
        let world = self.work.world;
        let noted = || -> Result<()> {
            let all = self.layers.list()?;
            let made = all.iter().find(|layer| layer.key == link.key);
            let covered = self.chain.covered(&link.key).unwrap_or(0);
            let covered = from(self.chain, &link.key, covered).covered;
            world.layers.change(|known| {
                known.layers.insert(link.key.clone(), record(self.work.machine, &covered, made));
                known.cost = Some(took.as_secs_f64());
            })?;
            let keeper = (self.work.provider.name(), self.layers);
            kept::make_room(keeper, &world.layers, &world.stack.layers, &link.key)
        };
        if let Err(error) = noted() {
            note(self.work, format!("layer {} is kept, but not recorded: {error}", short(&link.key)));
        }
    }
}
