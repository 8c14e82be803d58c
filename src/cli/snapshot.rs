//! `env snapshot`: save, restore, list, remove.

use super::Run;
use super::agree;
use super::options::{Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::Result;
use crate::model::snapshot::KeptSnapshot;
use crate::ui::{exit, human, json};
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// Keep the disks of machines and the data on volumes by a name, and go back to them
#[derive(Debug, Args)]
#[command(after_help = "\
Machines are stopped cleanly while a snapshot is taken and started again afterwards. Secrets are in none.

Examples:
  env snapshot save before-upgrade
  env snapshot restore before-upgrade
  env snapshot list
  env snapshot remove before-upgrade")]
pub struct SnapshotVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Save(Save),
    Restore(Restore),
    List(List),
    Remove(Remove),
}

/// Keep how machines and their volumes are now; they are stopped meanwhile
#[derive(Debug, Args)]
#[command(after_help = "\
A volume that other machines use too is kept only together with them.

Examples:
  env snapshot save before-upgrade
  env snapshot save before-upgrade db     only db and its volumes")]
struct Save {
    /// What it is called from now on
    #[arg(value_name = "NAME")]
    snapshot: String,
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

/// Take machines and their volumes back; what they are now is lost
#[derive(Debug, Args)]
#[command(after_help = "\
Machines are made anew as the Envfile declares them today, on the disks that were kept. Those that ran then are started.

Examples:
  env snapshot restore before-upgrade          asks first
  env snapshot restore before-upgrade db -y    only db and its volumes, without asking")]
struct Restore {
    /// The snapshot
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(super::candidates::snapshots))]
    snapshot: String,
    #[command(flatten)]
    machines: Machines,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

/// List the snapshots of the stack
#[derive(Debug, Args)]
#[command(after_help = "Example: env snapshot list --json")]
struct List {
    #[command(flatten)]
    which: Which,
}

/// Let go of a snapshot
#[derive(Debug, Args)]
#[command(after_help = "Example: env snapshot remove before-upgrade")]
struct Remove {
    /// The snapshot
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(super::candidates::snapshots))]
    snapshot: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

impl Run for SnapshotVerb {
    fn output(&self) -> &Output {
        match &self.verb {
            Verb::Save(verb) => &verb.which.output,
            Verb::Restore(verb) => &verb.which.output,
            Verb::List(verb) => &verb.which.output,
            Verb::Remove(verb) => &verb.which.output,
        }
    }

    fn run(self, session: &Session) -> Result<u8> {
        match self.verb {
            Verb::Save(verb) => verb.run(session)?,
            Verb::Restore(verb) => verb.run(session)?,
            Verb::List(verb) => list(session, &verb)?,
            Verb::Remove(verb) => verb.run(session)?,
        }
        Ok(exit::DONE)
    }
}

impl Save {
    fn run(self, session: &Session) -> Result<()> {
        let world = session.open(&self.which, Purpose::Change)?;
        let machines = self.machines.chosen(&world.stack)?;
        let (mut watch, _lock) = session.taking_down(&world, "snapshot save", &self.waiting)?;
        let saved = engine::save_snapshot(&world, &self.snapshot, &machines, &watch.context)?;
        watch.finish();
        tell(session, &world.identity.name, "saved", &saved);
        Ok(())
    }
}

impl Restore {
    fn run(self, session: &Session) -> Result<()> {
        let world = session.open(&self.which, Purpose::Change)?;
        let machines = self.machines.chosen(&world.stack)?;
        let kept = engine::snapshot(&world, &self.snapshot)?;
        let all =
            if machines.is_empty() { kept.machines.join(", ") } else { self.machines.machines.join(", ") };
        let question = format!("Take {all} back to {}, with all data on their volumes?", self.snapshot);
        agree::to_losing(session, &question, self.yes)?;
        let (mut watch, _lock) = session.taking_down(&world, "snapshot restore", &self.waiting)?;
        let restored = engine::restore_snapshot(&world, &self.snapshot, &machines, &watch.context)?;
        watch.finish();
        tell(session, &world.identity.name, "restored", &restored);
        Ok(())
    }
}

impl Remove {
    fn run(self, session: &Session) -> Result<()> {
        let world = session.open(&self.which, Purpose::Change)?;
        agree::to_losing(session, &format!("Remove the snapshot {}?", self.snapshot), self.yes)?;
        let (mut watch, _lock) = session.taking_down(&world, "snapshot remove", &self.waiting)?;
        engine::remove_snapshot(&world, &self.snapshot)?;
        watch.finish();
        let project = &world.identity.name;
        if session.json {
            json::document(&session.printer, &Removed { project, removed: &self.snapshot });
        } else {
            session.printer.summary(&format!("{project}: snapshot {} removed", self.snapshot));
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Removed<'a> {
    project: &'a str,
    removed: &'a str,
}

fn list(session: &Session, verb: &List) -> Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        project: &'a str,
        snapshots: &'a [KeptSnapshot],
    }
    let world = session.open(&verb.which, Purpose::Look)?;
    let snapshots = engine::kept_snapshots(&world)?;
    if session.json {
        json::document(&session.printer, &Document { project: &world.identity.name, snapshots: &snapshots });
    } else {
        let paint = session.printer.paint();
        session.printer.result(&human::snapshots(&snapshots, crate::state::now(), paint));
    }
    Ok(())
}

fn tell(session: &Session, project: &str, done: &str, snapshot: &KeptSnapshot) {
    #[derive(Serialize)]
    struct Document<'a> {
        project: &'a str,
        result: &'a str,
        snapshot: &'a KeptSnapshot,
    }
    if session.json {
        json::document(&session.printer, &Document { project, result: done, snapshot });
        return;
    }
    let of = [snapshot.machines.as_slice(), snapshot.volumes.as_slice()].concat().join(", ");
    session.printer.summary(&format!("{project}: {} {done} · {of}", snapshot.name));
}
