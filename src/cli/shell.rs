//! `env shell`.

use super::Run;
use super::options::{Output, Which};
use super::remote::{self, Remote};
use super::session::{Purpose, Session};
use crate::engine::World;
use crate::model::{Error, Result};
use clap::Args;
use clap_complete::ArgValueCandidates;

/// The best shell that the machine has, as a login shell.
const SHELL: &str = "if command -v bash >/dev/null 2>&1; then exec bash -l; fi; exec sh -l";

/// Open a shell in a machine
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env shell                the only machine
  env shell db
  env shell db --user postgres")]
pub struct Shell {
    /// The machine; need not be named when there is only one
    #[arg(value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    machine: Option<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    which: Which,
}

impl Run for Shell {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        remote::own_failures(session, || {
            let world = session.open(&self.which, Purpose::Look)?;
            let machine = self.machine(&world)?;
            let command = ["sh", "-c", SHELL].map(str::to_owned).to_vec();
            self.remote.run(session, &world, &machine, command)
        })
    }
}

impl Shell {
    fn machine(&self, world: &World) -> Result<String> {
        let names: Vec<&String> = world.stack.machines.keys().collect();
        match (&self.machine, &names[..]) {
            (Some(name), _) => Ok(name.clone()),
            (None, [only]) => Ok((*only).clone()),
            (None, _) => {
                let names = names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(Error::usage("which machine?").hint(format!("there are: {names}")))
            }
        }
    }
}
