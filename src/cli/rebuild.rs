//! `env rebuild`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Bringing, Output};
use super::session::Session;
use crate::engine::{PlanOptions, World};
use crate::model::Result;
use clap::Args;

/// Make machines anew from what the Envfile declares; volumes keep their data
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env rebuild web
  env rebuild --replace       the whole stack, without asking")]
pub struct Rebuild {
    #[command(flatten)]
    bringing: Bringing,
}

impl Run for Rebuild {
    fn output(&self) -> &Output {
        &self.bringing.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            let machines = self.bringing.machines.chosen(&world.stack)?;
            let all = world.stack.machines.keys();
            let rebuild =
                all.filter(|name| machines.is_empty() || machines.contains(*name)).cloned().collect();
            Ok(PlanOptions { machines, rebuild, ..PlanOptions::default() })
        };
        let bringing = &self.bringing;
        bring_up(
            session,
            &Wish { verb: "rebuild", bringing, options: &options, stops_first: false, twice: false },
        )
    }
}
