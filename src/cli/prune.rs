//! `env prune`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::engine;
use crate::model::Result;
use crate::state::Directories;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Remove what no machine needs any more: built images, old agents
#[derive(Debug, Args)]
#[command(after_help = "\
Stacks are never touched; `env list` shows them, `env destroy` takes one down, with
--stack also when its directory is gone.

Example: env prune")]
pub struct Prune {
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Document {
    result: &'static str,
}

impl Run for Prune {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        engine::prune(&session.all_providers(&Directories::from_environment()?), &session.context())?;
        if session.json {
            json::document(&session.printer, &Document { result: "ok" });
        } else {
            session.printer.note("what no machine needs is gone");
        }
        Ok(exit::DONE)
    }
}
