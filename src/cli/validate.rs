//! `env validate`.

use super::Run;
use super::options::{Output, Which};
use super::session::Session;
use crate::engine;
use crate::envfile::Loaded;
use crate::model::Result;
use crate::model::error::Finding;
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
    findings: [Finding; 0],
}

/// What is said of an Envfile that is wrong.
#[derive(Serialize)]
struct Wrong<'a> {
    findings: &'a [Finding],
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
            Some(_) => session.load(&self.which).map(|loaded| vec![loaded]),
            None => session.load_all(&self.which),
        };
        let all = match all {
            Err(error) if session.json && !error.findings.is_empty() => {
                json::document(&session.printer, &Wrong { findings: &error.findings });
                return Ok(exit::of(error.kind));
            }
            all => all?,
        };
        all.iter().try_for_each(|loaded| engine::validate_steps(&loaded.stack))?;
        let stack = &all[0].stack;
        if session.json {
            let document = Document {
                file: &stack.file.to_string_lossy(),
                project: &stack.name,
                environment: &stack.environment,
                machines: stack.machines.keys().map(String::as_str).collect(),
                environments: all.iter().map(Environment::of).collect(),
                warnings: all.iter().flat_map(|loaded| &loaded.warnings).map(String::as_str).collect(),
                findings: [],
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
