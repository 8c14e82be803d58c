//! `env exec`.

use super::Run;
use super::options::{Output, Which};
use super::remote::{self, Remote};
use super::session::{Purpose, Session};
use crate::model::Result;
use clap::Args;
use clap_complete::ArgValueCandidates;

/// Run a command in a machine; its exit code is ours, 125 is a failure of our own
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env exec web -- nginx -t
  env exec db -- psql -U postgres
  tar c . | env exec web -- tar x -C /srv")]
pub struct Exec {
    /// The machine
    #[arg(value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    machine: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    which: Which,
}

impl Run for Exec {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        remote::own_failures(session, || {
            let world = session.open(&self.which, Purpose::Look)?;
            self.remote.run(session, &world, &self.machine, self.command.clone())
        })
    }
}
