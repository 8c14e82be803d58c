//! `env validate`.

use super::Run;
use super::options::{Output, Which};
use super::session::Session;
use crate::envfile::Loaded;
use crate::model::Result;
use crate::ui::human::count;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Check the Envfile without asking any engine, as every environment has it
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
    /// All that were checked, with the one above.
    environments: Vec<Environment<'a>>,
    warnings: Vec<&'a str>,
}

#[derive(Serialize)]
struct Environment<'a> {
    name: &'a str,
    machines: Vec<&'a str>,
}

impl<'a> Environment<'a> {
    fn of(loaded: &'a Loaded) -> Self {
        let machines = loaded.stack.machines.keys().map(String::as_str).collect();
        Self { name: &loaded.stack.environment, machines }
    }
}

impl Run for Validate {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let all = match self.which.environment {
            Some(_) => vec![session.load(&self.which)?],
            None => session.load_all(&self.which)?,
        };
        let stack = &all[0].stack;
        if session.json {
            let document = Document {
                file: &stack.file.to_string_lossy(),
                project: &stack.name,
                environment: &stack.environment,
                machines: stack.machines.keys().map(String::as_str).collect(),
                environments: all.iter().map(Environment::of).collect(),
                warnings: all.iter().flat_map(|loaded| &loaded.warnings).map(String::as_str).collect(),
            };
            json::document(&session.printer, &document);
        } else {
            for stack in all.iter().map(|loaded| &loaded.stack) {
                let machines = count(stack.machines.len(), "machine");
                session
                    .printer
                    .summary(&format!("{} · {}: {machines}, valid", stack.name, stack.environment));
            }
        }
        Ok(exit::DONE)
    }
}
