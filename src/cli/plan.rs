//! `env plan`.

use super::Run;
use super::bring::no_layers;
use super::options::{Machines, Output, Which};
use super::session::{Purpose, Session};
use crate::engine::{self, PlanOptions};
use crate::model::Result;
use crate::ui::json::PlanDocument;
use crate::ui::{exit, human, json};
use clap::Args;

/// Show what `up` would do and why; exit 2 when that is something
#[derive(Debug, Args)]
#[command(
    name = "plan",
    after_help = "\
Examples:
  env plan
  env plan web-* --json"
)]
pub struct PlanVerb {
    #[command(flatten)]
    machines: Machines,
    /// As if `up --remove-orphans` were asked: machines that left the Envfile go
    #[arg(long)]
    remove_orphans: bool,
    #[command(flatten)]
    which: Which,
}

impl Run for PlanVerb {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let machines = self.machines.chosen(&world.stack)?;
        let (remove_orphans, no_layers) = (self.remove_orphans, no_layers(session));
        let options = PlanOptions { machines, remove_orphans, no_layers, ..PlanOptions::default() };
        let plan = engine::plan(&world, &options)?.plan;
        let (project, environment) = (&world.stack.name, &world.stack.environment);
        if session.json {
            json::document(&session.printer, &PlanDocument::new(project, environment, &plan));
        } else {
            let heading = format!("{project} · {environment}");
            session.printer.result(&human::plan(&heading, &plan, session.printer.paint()));
        }
        Ok(if plan.is_empty() { exit::DONE } else { exit::DIFFERENT })
    }
}
