//! `env provision`.

use super::Run;
use super::bring::{Wish, bring_up};
use super::options::{Bringing, Output};
use super::session::Session;
use crate::engine::{self, PlanOptions, World};
use crate::model::machine::Machine;
use crate::model::step::{RunPolicy, Step};
use crate::model::{Error, Result};
use clap::Args;
use clap_complete::ArgValueCandidates;
use std::collections::{BTreeMap, BTreeSet};

/// Run steps again, whether or not they were applied
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env provision db                all steps of db
  env provision --step seed db    the step called seed, also one with `run = \"never\"`
  env provision --step 2 db       its second step
  env provision --twice           all steps two times; fails when the second time changed anything")]
pub struct Provision {
    /// Only this step, by its name or its number
    #[arg(long, value_name = "STEP", add = ArgValueCandidates::new(super::candidates::steps))]
    step: Option<String>,
    /// Run them two times, and fail when the second time changed anything
    #[arg(long)]
    twice: bool,
    #[command(flatten)]
    bringing: Bringing,
}

impl Run for Provision {
    fn output(&self) -> &Output {
        &self.bringing.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let options = |world: &World| {
            let machines = self.bringing.machines.chosen(&world.stack)?;
            let chosen = world.stack.machines.values();
            let chosen = chosen.filter(|machine| machines.is_empty() || machines.contains(&machine.name));
            let (run_steps, only_those) = (self.steps(world, chosen)?, self.step.is_some());
            Ok(PlanOptions { run_steps, only_those, machines, ..PlanOptions::default() })
        };
        let bringing = &self.bringing;
        bring_up(
            session,
            &Wish { verb: "provision", bringing, options: &options, stops_first: false, twice: self.twice },
        )
    }
}

impl Provision {
    /// Keys of the steps to run, by machine.
    fn steps<'a>(
        &self,
        world: &World,
        machines: impl Iterator<Item = &'a Machine>,
    ) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let (mut run, mut refused) = (BTreeMap::new(), None);
        for machine in machines {
            if !machine.takes_changes() {
                refused = Some(&machine.name);
                continue;
            }
            let steps = world.stack.steps_of(machine);
            let chosen: Vec<(String, &Step)> = steps.filter(|(key, step)| self.wants(key, step)).collect();
            let mut keys: BTreeSet<String> = chosen.iter().map(|(key, _)| key.clone()).collect();
            // What only steps need that run when asked for is not there before.
            let needs = chosen.iter().filter(|(_, step)| step.run == RunPolicy::Never);
            keys.extend(needs.filter_map(|(_, step)| step.tool.needs()).map(|need| need.tool.step_name()));
            if !keys.is_empty() {
                run.insert(machine.name.clone(), keys);
            }
        }
        if let Some(step) = self.step.as_ref().filter(|_| run.is_empty() && refused.is_none()) {
            return Err(Error::usage(format!("no step is called `{step}`")).hint(
                "a step is known by its `name`, its script's path, or its number in the machine's list",
            ));
        }
        match refused.filter(|_| run.is_empty()) {
            Some(host) => Err(engine::takes_no_changes(host)),
            None => Ok(run),
        }
    }

    fn wants(&self, key: &str, step: &Step) -> bool {
        match &self.step {
            Some(wanted) => step.name == *wanted || key == wanted,
            None => step.run != RunPolicy::Never,
        }
    }
}
