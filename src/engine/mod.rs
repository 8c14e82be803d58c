//! The verbs' work: observe, plan, walk the plan, wait, take down.
//!
//! Never prints and never reads the environment: events go to the context's observer, results are returned.

mod accept;
mod against;
mod baseline;
mod board;
mod box_files;
mod capture;
mod certificates;
mod consent;
mod construction;
mod contents;
mod copy;
mod desired;
mod destroy;
mod drift;
mod early;
mod egress;
mod existing;
mod fingerprint;
mod folders;
mod glance;
mod identity;
mod image_builder;
mod images;
mod journal;
mod keeping;
mod kept;
mod layers;
mod list;
mod logs;
mod machine;
mod matrix;
mod nodes;
mod observe;
mod ownership;
mod planned;
mod prepare;
mod prune;
mod ready;
mod reference;
mod restore;
mod select;
mod snapshots;
mod ssh;
mod start;
mod status;
mod steps;
mod stop;
mod texts;
mod things;
mod together;
mod twice;
mod up;
mod validate;

pub use accept::accept;
pub use against::drift_against;
pub use capture::{Captured, capture, imported, request_line};
pub use consent::{Touches, touches};
pub use copy::{copy_in, copy_out};
pub use destroy::{Destroy, Destroyed, destroy};
pub use drift::{DriftOptions, drift};
pub use existing::{ours, takes_no_changes};
pub use folders::{Sent, send_folders, watch_folders};
pub use image_builder::ImageBuilder;
pub use kept::{kept_layers, prune_layers, remove_layers};
pub use list::{list, listed};
pub use logs::logs;
pub use matrix::matrices;
pub use observe::{View, observe};
pub use ownership::settle;
pub use planned::{PlanOptions, Planned, plan};
pub use prune::prune;
pub use reference::{Known as KnownNode, Reference};
pub use restore::restore_snapshot;
pub use select::select;
pub use snapshots::{find as snapshot, kept_snapshots, remove_snapshot, save_snapshot};
pub use ssh::{FIND_HOST_KEY, SshAccess, ssh_access};
pub use status::{stack_status, status};
pub use stop::stop;
pub use texts::text;
pub use twice::again;
pub use up::{MachineResult, Report, UpOptions, up};
pub use validate::validate_steps;

use crate::boxes::Store;
use crate::model::id::Identity;
use crate::model::observed::ObservedMachine;
use crate::model::stack::Stack;
use crate::model::{Error, Kind, Result};
use crate::provider::Provider;
use crate::state::{LayerRecords, Project};
use crate::transport::Transport;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A stack and everything that is needed to work on it.
pub struct World {
    /// As declared.
    pub stack: Stack,
    /// Who it is on this host.
    pub identity: Identity,
    /// What runs machines.
    pub providers: Providers,
    /// The checkout's own records.
    pub project: Project,
    /// The boxes of this user.
    pub boxes: Store,
    /// What this user knows of layers.
    pub layers: LayerRecords,
    /// This program, by which tools of this host reach machines.
    pub program: PathBuf,
    /// Where things lie that end with a run.
    pub runtime: PathBuf,
}

impl World {
    /// The provider of a machine: of one that exists the one that observed it, also when it left the Envfile or is declared
    /// elsewhere now; else the declared one.
    pub fn provider_of(&self, name: &str, observed: Option<&ObservedMachine>) -> Result<&dyn Provider> {
        // Of several hosts that are one machine, each is known as `machine@host`.
        let machine = name.split_once('@').map_or(name, |(machine, _)| machine);
        let declared = self.stack.machines.get(machine).map(|machine| machine.provider.as_str());
        match observed.map(|machine| machine.provider.as_str()).or(declared) {
            Some(provider) => self.providers.get(provider),
            None => self.provider_of_things(),
        }
    }

    /// The providers that may have something of the stack: those that it uses, and those that it used when it was brought up.
    pub fn all_providers(&self) -> Result<Vec<&dyn Provider>> {
        let mut all = self.providers.of(&self.stack)?;
        for provider in self.providers.0.iter().map(AsRef::as_ref) {
            let is_known = all.iter().any(|known| known.name() == provider.name());
            if !is_known && self.project.remembers_provider(&self.identity.name, provider.name()) {
                all.push(provider);
            }
        }
        Ok(all)
    }

    /// Whether a machine of the stack is declared to be run by this provider.
    pub fn uses(&self, provider: &str) -> bool {
        self.stack.machines.values().any(|machine| machine.provider == provider)
    }

    /// The provider of what no machine uses: the first that the stack uses and that makes any.
    pub fn provider_of_things(&self) -> Result<&dyn Provider> {
        let mut used = self.providers.of(&self.stack)?;
        used.sort_by_key(|provider| !self.uses(provider.name()));
        let makes = used.iter().find(|provider| !provider.capabilities().existing);
        let first = makes.or(used.first()).copied();
        first.ok_or_else(|| Error::new(Kind::Unavailable, "this version has no provider"))
    }
}

/// The providers of this program.
pub struct Providers(pub Vec<Box<dyn Provider>>);

impl Providers {
    /// The provider of this name.
    pub fn get(&self, name: &str) -> Result<&dyn Provider> {
        let known = self.0.iter().find(|provider| provider.name() == name);
        known.map(AsRef::as_ref).ok_or_else(|| {
            Error::new(Kind::Unavailable, format!("the provider `{name}` is not part of this version"))
                .hint("`provider = \"docker\"` and `provider = \"host\"` are; `env-libvirt` has VMs")
        })
    }

    /// Those that the machines of a stack use, each once; all when its Envfile is not at hand. Optional ones are among them also
    /// when it uses them no more: a program has them only where they may matter.
    pub fn of<'a>(&'a self, stack: &Stack) -> Result<Vec<&'a dyn Provider>> {
        if stack.machines.is_empty() {
            return Ok(self.0.iter().map(AsRef::as_ref).collect());
        }
        let mut names: BTreeSet<&str> =
            stack.machines.values().map(|machine| machine.provider.as_str()).collect();
        let optional = self.0.iter().filter(|provider| provider.capabilities().optional);
        names.extend(optional.map(|provider| provider.name()));
        names.into_iter().map(|name| self.get(name)).collect()
    }
}

/// A way into a machine that runs.
pub fn connect(world: &World, name: &str) -> Result<Box<dyn Transport>> {
    world.provider_of(name, None)?.connect(&world.identity, name)
}
