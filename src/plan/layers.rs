//! Which layers a machine can start from: the chain of their keys, and which of those that are kept have to go.
//!
//! A key is the digest of everything that led to a disk: what the machine starts from, what its steps can see of it, and
//! each step. Whose machine it is does not count: stacks with an equal beginning share layers. Its host name does from the
//! first step on that may act by it: control repositories choose a role by it, packages make certificates for it.

use super::desired::{DesiredMachine, DesiredStep};
use crate::model::digest::Digester;
use crate::model::layer::{Layer, LayerSettings};
use crate::model::step::RunPolicy;
use envup_agent::{Ledger, LedgerStatus};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rule and version of the keys.
const RULE: &str = "layer/2";

/// Fields that leave nothing on a machine's disk by themselves: who it is to others, what is taken away while a layer is made, and limits,
/// which a living machine takes on without its steps being run again.
const NOT_SEEN: [&str; 18] = [
    "hostname",
    "accel",
    "restart",
    "memory",
    "cpus",
    "pids",
    "logging",
    "stop_grace",
    "stop_signal",
    "shm_size",
    "network.",
    "port.",
    "expose.",
    "label.",
    "volume.",
    "sync.",
    "secret.",
    "extra_host.",
];

/// What a machine's disk goes through until its steps no longer fit into layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The key of what it starts from, before any step.
    pub base: String,
    /// One for each step, up to the last that is worth a layer; never empty.
    pub links: Vec<Link>,
}

/// A machine's disk after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The key of a layer made there.
    pub key: String,
    /// The step's key in the ledger.
    pub step: String,
    /// The digest of the step.
    pub digest: String,
}

/// What layers do for a machine that is made, by keys of its steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LayerUse {
    /// Those in the layer that it starts from.
    pub covered: Vec<String>,
    /// Those further ones that go into a layer made for it.
    pub made: Vec<String>,
}

/// The chain of a machine; `placed` is the digest of what is put into it besides what its fields tell. `None` when no layer
/// of it is worth anything.
pub fn chain(machine: &DesiredMachine, placed: &str) -> Option<Chain> {
    let fits = |step: &&DesiredStep| step.layer && matches!(step.run, RunPolicy::Changed | RunPolicy::Once);
    let prefix: Vec<&DesiredStep> = machine.steps.iter().take_while(fits).collect();
    // Files are copied faster than a layer is made.
    let length = prefix.iter().rposition(|step| !step.copies)? + 1;
    let mut base = Digester::new(RULE);
    base.part(&machine.provider).part(placed);
    for (name, value) in machine.fields.0.iter().filter(|(name, _)| is_seen(name)) {
        base.part(name).part(value);
    }
    let base = base.finish();
    let mut links: Vec<Link> = Vec::new();
    for step in &prefix[..length] {
        let before = links.last().map_or(&base, |link| &link.key);
        let mut digester = Digester::new(RULE);
        digester.part(before).part(&step.digest);
        if let Some(name) = machine.fields.get("hostname").filter(|_| step.named) {
            digester.part("name").part(name);
        }
        links.push(Link { key: digester.finish(), step: step.key.clone(), digest: step.digest.clone() });
    }
    Some(Chain { base, links })
}

fn is_seen(field: &str) -> bool {
    !NOT_SEEN.iter().any(|not| if not.ends_with('.') { field.starts_with(not) } else { field == *not })
}

impl Chain {
    /// The last link: a machine that starts from it has no step left to run that fits into a layer.
    pub fn wanted(&self) -> &Link {
        &self.links[self.links.len() - 1]
    }

    /// How many steps a layer covers; 0 for what the chain begins with, `None` for one that is not of this chain.
    pub fn covered(&self, key: &str) -> Option<usize> {
        let begins = (key == self.base).then_some(0);
        begins.or_else(|| self.links.iter().position(|link| link.key == key).map(|place| place + 1))
    }

    /// The longest of these layers that is young enough, and how many steps it covers.
    pub fn longest<'l>(
        &self,
        kept: &'l [Layer],
        settings: &LayerSettings,
        now: u64,
    ) -> Option<(usize, &'l str)> {
        let young = kept.iter().filter(|layer| !is_old(layer, settings, now));
        let fitting = young.filter_map(|layer| Some((self.covered(&layer.key)?, layer.key.as_str())));
        fitting.filter(|(covered, _)| *covered > 0).max()
    }

    /// What these layers do for the machine, and what is made for it.
    pub fn foreseen(&self, kept: &[Layer], settings: &LayerSettings, now: u64) -> LayerUse {
        let covered = self.longest(kept, settings, now).map_or(0, |(covered, _)| covered);
        let keys = |links: &[Link]| links.iter().map(|link| link.step.clone()).collect();
        LayerUse { covered: keys(&self.links[..covered]), made: keys(&self.links[covered..]) }
    }

    /// The same without everything from this layer on; `None` when nothing is left.
    #[must_use]
    pub fn before(mut self, key: &str) -> Option<Self> {
        let place = self.links.iter().position(|link| link.key == key).unwrap_or(self.links.len());
        self.links.truncate(place);
        (!self.links.is_empty()).then_some(self)
    }

    /// How many steps are done in a machine under construction that began with `from`: those of `from`, and those that its
    /// ledger says succeeded. `None` when it has come another way than this chain.
    pub fn done(&self, from: &str, ledger: &Ledger) -> Option<usize> {
        let mut done = self.covered(from)?;
        for link in &self.links[done..] {
            match ledger.step(&link.step) {
                Some(entry) if entry.status == LedgerStatus::Applied => {
                    if entry.digest != link.digest {
                        return None;
                    }
                    done += 1;
                }
                _ => break,
            }
        }
        // What was applied after a step that is not done now was applied on top of something else.
        let is_applied =
            |link: &Link| ledger.step(&link.step).is_some_and(|entry| entry.status == LedgerStatus::Applied);
        let beyond =
            ledger.steps.iter().filter(|entry| !self.links.iter().any(|link| link.step == entry.key));
        (!self.links[done..].iter().any(is_applied) && beyond.count() == 0).then_some(done)
    }
}

/// Whether a layer is older than it may become.
pub fn is_old(layer: &Layer, settings: &LayerSettings, now: u64) -> bool {
    now.saturating_sub(layer.created) > settings.max_age.as_secs()
}

/// Which layers have to go, by key: those that are too old, then those that were not used for longest until the rest fits
/// under the limit. `used` says when each was used last; those that it does not know are somebody else's and
/// stay, as does the one that is `needed` now.
pub fn evicted(
    kept: &[Layer],
    used: &BTreeMap<String, u64>,
    settings: &LayerSettings,
    now: u64,
    needed: Option<&str>,
) -> Vec<String> {
    let ours = kept.iter().filter_map(|layer| Some((*used.get(&layer.key)?, layer)));
    let (old, mut rest): (Vec<_>, Vec<_>) = ours.partition(|(_, layer)| is_old(layer, settings, now));
    rest.sort_by_key(|(used, layer)| (*used, layer.created));
    let mut total: u64 = rest.iter().map(|(_, layer)| layer.size).sum();
    let mut gone: Vec<String> = old.iter().map(|(_, layer)| layer.key.clone()).collect();
    for (_, layer) in rest.iter().filter(|(_, layer)| Some(layer.key.as_str()) != needed) {
        if total <= settings.limit.0 {
            break;
        }
        total -= layer.size;
        gone.push(layer.key.clone());
    }
    gone
}

#[cfg(test)]
mod tests;
