//! `env validate`.

use super::Run;
use super::options::{Output, Which};
use super::session::Session;
use crate::model::Result;
use crate::ui::human::count;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Check the Envfile without asking any engine
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env validate
  env validate --file ops/Envfile --env production")]
pub struct Validate {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    file: &'a str,
    project: &'a str,
    environment: &'a str,
    machines: Vec<&'a str>,
    warnings: &'a [String],
}

impl Run for Validate {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let loaded = session.load(&self.which)?;
        let stack = &loaded.stack;
        if session.json {
            let document = Document {
                file: &stack.file.to_string_lossy(),
                project: &stack.name,
                environment: &stack.environment,
                machines: stack.machines.keys().map(String::as_str).collect(),
                warnings: &loaded.warnings,
            };
            json::document(&session.printer, &document);
        } else {
            let machines = count(stack.machines.len(), "machine");
            session.printer.summary(&format!("{} · {}: {machines}, valid", stack.name, stack.environment));
        }
        Ok(exit::DONE)
    }
}
