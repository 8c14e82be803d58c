//! `env restart`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Consent, Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::engine::{self, PlanOptions};
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
        let world = session.open(&self.which, Purpose::Change)?;
        let machines = self.machines.chosen(&world.stack)?;
        let all = world.stack.machines.keys();
        let stopped = all.filter(|name| machines.is_empty() || machines.contains(*name)).cloned().collect();
        let options = PlanOptions { machines, ..PlanOptions::default() };
        let (consent, waiting) = (&self.consent, self.waiting);
        let first =
            |watch: &super::watch::Watch<'_>| engine::stop(&world, &stopped, &watch.context).map(|_| ());
        bring_up(session, &world, &Wish { options, consent, waiting, verb: "restart", first: &first })
    }
}
