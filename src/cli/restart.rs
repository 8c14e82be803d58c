//! `env restart`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Bringing, Output};
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
    bringing: Bringing,
}

impl Run for Restart {
    fn output(&self) -> &Output {
        &self.bringing.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            Ok(PlanOptions {
                machines: self.bringing.machines.chosen(&world.stack)?,
                ..PlanOptions::default()
            })
        };
        let bringing = &self.bringing;
        bring_up(
            session,
            &Wish { verb: "restart", bringing, options: &options, stops_first: true, twice: false },
        )
    }
}
