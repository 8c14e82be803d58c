//! `env restart`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Consent, Machines, Output, Waiting, Which};
use super::session::Session;
use crate::engine::{PlanOptions, World};
use crate::model::Result;
use clap::Args;

/// Stop machines and bring them up again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env restart
  env restart web-*")]
pub struct Restart {
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

impl Run for Restart {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            Ok(PlanOptions { machines: self.machines.chosen(&world.stack)?, ..PlanOptions::default() })
        };
        bring_up(
            session,
            &Wish {
                verb: "restart",
                which: &self.which,
                consent: &self.consent,
                waiting: self.waiting,
                options: &options,
                stops_first: true,
            },
        )
    }
}
