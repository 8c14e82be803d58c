//! `env accept`.

use super::Run;
use super::options::{Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::Result;
use crate::ui::{exit, json};
use clap::Args;
use serde_json::json;

/// Take what is in the machines now for what should be: the next `drift` compares with it
#[derive(Debug, Args)]
#[command(after_help = "\
`env drift` shows what would be accepted. What should never be reported belongs into `[drift]` of the Envfile.

Examples:
  env accept
  env accept web")]
pub struct Accept {
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

impl Run for Accept {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Change)?;
        let context = session.context();
        let _lock = session.lock(&world, "accept", self.waiting.no_wait, &context)?;
        let machines = self.machines.chosen(&world.stack)?;
        let accepted = engine::accept(&world, &machines, &context)?;
        if session.json {
            json::document(&session.printer, &json!({ "project": world.stack.name, "accepted": accepted }));
        } else {
            let names = if accepted.is_empty() { "no machine runs".to_owned() } else { accepted.join(", ") };
            session.printer.result(&format!("new baseline: {names}\n"));
        }
        Ok(exit::DONE)
    }
}
