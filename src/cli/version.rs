//! `env version`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::model::Result;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Show the version of this program
#[derive(Debug, Args)]
#[command(after_help = "Example: env version --json")]
pub struct Version {
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Document {
    name: &'static str,
    release: &'static str,
}

impl Run for Version {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let release = env!("CARGO_PKG_VERSION");
        if session.json {
            json::document(&session.printer, &Document { name: "envup", release });
        } else {
            session.printer.result(&format!("envup {release}"));
        }
        Ok(exit::DONE)
    }
}
