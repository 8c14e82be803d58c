//! `env up`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Bringing, Output};
use super::session::Session;
use crate::engine::{PlanOptions, World};
use crate::model::Result;
use clap::Args;

/// Bring the stack up to what the Envfile declares; when it is, do nothing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env up                      the whole stack
  env up web                  web and the machines it needs
  env up --replace            also machines from a box, unasked
  env up --name second        a further copy of the stack beside the first
  env up --json | jq          one line for each event, the last is the outcome")]
pub struct Up {
    /// Remove machines that are no longer in the Envfile
    #[arg(long)]
    remove_orphans: bool,
    #[command(flatten)]
    bringing: Bringing,
}

impl Run for Up {
    fn output(&self) -> &Output {
        &self.bringing.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            let machines = self.bringing.machines.chosen(&world.stack)?;
            Ok(PlanOptions { machines, remove_orphans: self.remove_orphans, ..PlanOptions::default() })
        };
        let bringing = &self.bringing;
        bring_up(session, &Wish { verb: "up", bringing, options: &options, stops_first: false, twice: false })
    }
}
