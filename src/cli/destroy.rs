//! `env destroy`.

use super::Run;
use super::agree;
use super::options::{Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine::{self, Destroyed};
use crate::model::Result;
use crate::ui::human::count;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Take machines and networks away; volumes stay unless --volumes is given
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env destroy                     asks first
  env destroy --yes --volumes     everything, also the data, without asking
  env destroy web                 only web
  env destroy --stack shop        a stack of `env list`, also when its directory is gone")]
pub struct Destroy {
    #[command(flatten)]
    machines: Machines,
    /// The stack's volumes and snapshots too, and all data on them
    #[arg(long)]
    volumes: bool,
    /// A stack that `env list` shows, by name or id, without its Envfile: also when its directory is gone
    #[arg(long, value_name = "STACK", conflicts_with_all = ["file", "environment", "name"])]
    stack: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    project: &'a str,
    #[serde(flatten)]
    destroyed: &'a Destroyed,
}

impl Run for Destroy {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = match &self.stack {
            Some(stack) => session.open_listed(stack)?,
            None => session.open(&self.which, Purpose::Change)?,
        };
        let project = &world.identity.name;
        let names = engine::ours(&world, &self.machines.existing(&world)?)?;
        let listed = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let volumes = if self.volumes { ", with all data on its volumes" } else { "" };
        // Machines that were named and are not there are gone: nothing is lost.
        let machines = (!self.machines.machines.is_empty()).then_some(names);
        if machines.as_ref().is_none_or(|machines| !machines.is_empty()) {
            agree::to_losing(session, &format!("Destroy {listed} of {project}{volumes}?"), self.yes)?;
        }
        let (mut watch, _lock) = session.taking_down(&world, "destroy", &self.waiting)?;
        let options = engine::Destroy { machines, volumes: self.volumes };
        let destroyed = engine::destroy(&world, &options, &watch.context)?;
        watch.finish();
        if session.json {
            json::document(&session.printer, &Document { project, destroyed: &destroyed });
        } else {
            session.printer.summary(&summary(project, &destroyed));
        }
        Ok(exit::DONE)
    }
}

fn summary(project: &str, destroyed: &Destroyed) -> String {
    let gone = [
        (&destroyed.machines, "machine"),
        (&destroyed.networks, "network"),
        (&destroyed.volumes, "volume"),
        (&destroyed.snapshots, "snapshot"),
    ];
    let gone: Vec<String> = gone
        .iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, one)| count(names.len(), one))
        .collect();
    let gone =
        if gone.is_empty() { "nothing was there".to_owned() } else { format!("{} gone", gone.join(", ")) };
    let kept = [("data on", &destroyed.kept_volumes), ("snapshot", &destroyed.kept_snapshots)];
    let kept: Vec<String> = kept
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what} {}", names.join(", ")))
        .collect();
    if kept.is_empty() {
        return format!("{project}: {gone}");
    }
    format!("{project}: {gone} · {} kept (`env destroy --volumes` removes it)", kept.join(" and "))
}
