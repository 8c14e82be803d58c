//! `env matrix`.

use super::Run;
use super::drift::today;
use super::options::{Output, Which, levels};
use super::reference;
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::Result;
use crate::model::drift::Level;
use crate::ui::{exit, human, json};
use clap::Args;
use clap_complete::ArgValueCandidates;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Show environments side by side, only what differs; exit 2 when something does, 3 when not everything could be read
#[derive(Debug, Args)]
#[command(after_help = "\
Environments stand in the order in which changes pass through them: a later one that is newer is marked with ↑.

Examples:
  env matrix dev production
  env matrix dev test uat production --machine db
  env matrix dev fingerprints/production")]
pub struct Matrix {
    /// Environments of the Envfile, directories of `env capture`, machines as ssh://HOST
    #[arg(value_name = "ENVIRONMENT|PATH", required = true, num_args = 2.., add = ArgValueCandidates::new(super::candidates::environments))]
    environments: Vec<String>,
    /// Only this machine; several are possible
    #[arg(long, value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    machine: Vec<String>,
    /// How much is looked at: no files, files that can have changed, or all files
    #[arg(long, value_parser = levels())]
    level: Option<Level>,
    /// Captures must be signed by one of these (a file of allowed signers, see ssh-keygen)
    #[arg(long, value_name = "FILE")]
    signers: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

impl Run for Matrix {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let level = self.level.unwrap_or(world.stack.drift.level);
        let mut environments = Vec::new();
        for word in &self.environments {
            let signers = self.signers.as_deref();
            environments.push(reference::find(session, &world, word, signers, &self.which, level)?);
        }
        let known = environments.iter().flat_map(|known| known.machines.keys().map(String::as_str));
        let machines = match self.machine.is_empty() {
            true => BTreeSet::new(),
            false => engine::select(&self.machine, known)?,
        };
        for note in environments.iter().flat_map(|known| &known.notes) {
            session.printer.note(note);
        }
        let report = engine::matrices(&world, &environments, &machines, &today());
        if session.json {
            json::document(&session.printer, &report);
        } else {
            let columns = session.printer.screen().result_columns();
            session.printer.result(&human::matrix(&report, columns, session.printer.paint()));
        }
        Ok(match () {
            () if !report.is_complete() => exit::INCOMPLETE,
            () if report.fails(world.stack.drift.fail_on) => exit::DIFFERENT,
            () => exit::DONE,
        })
    }
}
