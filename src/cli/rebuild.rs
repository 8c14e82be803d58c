//! `env rebuild`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Consent, Machines, Output, Waiting, Which};
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
    machines: Machines,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

impl Run for Rebuild {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            let machines = self.machines.chosen(&world.stack)?;
            let all = world.stack.machines.keys();
            let rebuild =
                all.filter(|name| machines.is_empty() || machines.contains(*name)).cloned().collect();
            Ok(PlanOptions { machines, rebuild, ..PlanOptions::default() })
        };
        bring_up(
            session,
            &Wish {
                verb: "rebuild",
                which: &self.which,
                consent: &self.consent,
                waiting: self.waiting,
                options: &options,
                stops_first: false,
            },
        )
    }
}
