//! `env list`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::engine;
use crate::model::Result;
use crate::model::status::ListedStack;
use crate::state::Directories;
use crate::ui::{exit, human, json};
use clap::Args;
use serde::Serialize;

/// List all stacks of this host
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env list
  env list --json")]
pub struct List {
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Document {
    stacks: Vec<ListedStack>,
}

impl Run for List {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let stacks =
            engine::list(&session.all_providers(&Directories::from_environment()?), &session.context())?;
        if session.json {
            json::document(&session.printer, &Document { stacks });
        } else {
            session.printer.result(&human::list(&stacks, session.printer.paint()));
        }
        Ok(exit::DONE)
    }
}
