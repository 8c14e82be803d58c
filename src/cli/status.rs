//! `env status`.

use super::Run;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::Result;
use crate::ui::{exit, human, json};
use clap::Args;

/// Show how the machines stand
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env status
  env status --json")]
pub struct Status {
    #[command(flatten)]
    which: Which,
}

impl Run for Status {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let status = engine::status(&world, &session.context())?;
        if session.json {
            json::document(&session.printer, &status);
        } else {
            session.printer.result(&human::status(&status, session.printer.paint()));
        }
        Ok(exit::DONE)
    }
}
