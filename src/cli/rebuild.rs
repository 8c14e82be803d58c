//! `env rebuild`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Consent, Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine::PlanOptions;
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
        let world = session.open(&self.which, Purpose::Change)?;
        let machines = self.machines.chosen(&world.stack)?;
        let all = world.stack.machines.keys();
        let rebuild = all.filter(|name| machines.is_empty() || machines.contains(*name)).cloned().collect();
        let options = PlanOptions { machines, rebuild, ..PlanOptions::default() };
        let (consent, waiting) = (&self.consent, self.waiting);
        bring_up(session, &world, &Wish { options, consent, waiting, verb: "rebuild", first: &|_| Ok(()) })
    }
}
