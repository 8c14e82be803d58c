//! `env stop`.

use super::Run;
use super::options::{Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::Result;
use crate::ui::human::count;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Stop machines; `up` starts them again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env stop
  env stop web-*")]
pub struct Stop {
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    project: &'a str,
    stopped: &'a [String],
}

impl Run for Stop {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Change)?;
        let names = self.machines.existing(&world)?;
        let (mut watch, _lock) = session.taking_down(&world, "stop", &self.waiting)?;
        let stopped = engine::stop(&world, &names, &watch.context)?;
        watch.finish();
        let project = &world.identity.name;
        if session.json {
            json::document(&session.printer, &Document { project, stopped: &stopped });
        } else {
            session.printer.summary(&format!("{project}: {} stopped", count(stopped.len(), "machine")));
        }
        Ok(exit::DONE)
    }
}
