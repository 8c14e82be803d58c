//! Steps over several machines: their threads meet when the own steps of each are done, and the last one to come runs the step
//! for all.

use super::machine::Work;
use super::steps::{Ran, carry_out};
use crate::event::Context;
use crate::model::{Error, Result};
use crate::plan::Together;
use crate::provision::Target;
use crate::transport::Transport;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often who waits looks whether somebody failed or the user interrupted.
const GLANCE: Duration = Duration::from_millis(100);

/// How it went, by machine.
type Results = BTreeMap<String, Result<Ran>>;

/// Who has come to which step, and how it went.
#[derive(Default)]
pub struct Meetings {
    meetings: Mutex<BTreeMap<String, Meeting>>,
    changed: Condvar,
}

#[derive(Default)]
struct Meeting {
    came: BTreeSet<String>,
    results: Option<Results>,
}

impl Meetings {
    /// Waits until all members have come; the last one does the work, and each is given its own result. Who comes in vain is
    /// told which member failed.
    fn meet(
        &self,
        step: &Together,
        name: &str,
        work: impl FnOnce() -> Results,
        has_failed: &dyn Fn(&str) -> bool,
        context: &Context,
    ) -> Result<Ran> {
        let mut meetings = self.meetings.lock().unwrap_or_else(PoisonError::into_inner);
        let meeting = meetings.entry(step.key.clone()).or_default();
        meeting.came.insert(name.to_owned());
        if step.machines.iter().all(|member| meeting.came.contains(member)) {
            drop(meetings);
            let results = work();
            let mut meetings = self.meetings.lock().unwrap_or_else(PoisonError::into_inner);
            let own = of_member(name, &results);
            meetings.entry(step.key.clone()).or_default().results = Some(results);
            self.changed.notify_all();
            return own;
        }
        loop {
            let meeting = meetings.entry(step.key.clone()).or_default();
            if let Some(results) = &meeting.results {
                return of_member(name, results);
            }
            if let Some(failed) = step.machines.iter().find(|member| has_failed(member)) {
                return Err(Error::skipped(failed));
            }
            // Once the work has begun it is waited for: whoever does it sees the interruption.
            if !step.machines.iter().all(|member| meeting.came.contains(member)) {
                context.check(&format!("waiting for {}", step.machines.join(", ")))?;
            }
            meetings = self.changed.wait_timeout(meetings, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The member's own result; where it went well and another's did not, the step as a whole failed.
fn of_member(name: &str, results: &Results) -> Result<Ran> {
    let own = results.get(name).cloned().unwrap_or_else(|| Err(Error::skipped("the step")));
    match results.iter().find(|(_, result)| result.is_err()) {
        Some((other, _)) if own.is_ok() => Err(Error::skipped(other)),
        _ => own,
    }
}

/// Runs the steps that this machine has together with others, as far as the plan says.
pub fn run(work: &Work<'_>) -> Result<Vec<Ran>> {
    let name = &work.machine.name;
    let has_failed = |member: &str| work.board.has_failed(member);
    let mut ran = Vec::new();
    for step in work.planned.plan.together.iter().filter(|step| step.machines.contains(name)) {
        let over_all = || over_all(work, step);
        ran.push(work.board.meetings.meet(step, name, over_all, &has_failed, work.context)?);
    }
    Ok(ran)
}

fn over_all(work: &Work<'_>, step: &Together) -> Results {
    let all_fail =
        |error: Error| step.machines.iter().map(|name| (name.clone(), Err(error.clone()))).collect();
    let declared = work.world.stack.provision.iter().find(|several| several.key() == step.key);
    let Some(declared) = declared else { return all_fail(Error::failed("the step is not declared")) };
    let transports: Result<Vec<Box<dyn Transport>>> =
        step.machines.iter().map(|name| super::connect(work.world, name)).collect();
    let transports = match transports {
        Ok(transports) => transports,
        Err(error) => return all_fail(error.context(format!("running step {}", step.name))),
    };
    let targets: Vec<Target<'_>> = step
        .machines
        .iter()
        .zip(&transports)
        .map(|(machine, transport)| Target {
            machine,
            transport: transport.as_ref(),
            key: &step.key,
            later: later(work, machine, &step.key),
            workshop: work.workshop,
        })
        .collect();
    let results = carry_out(&declared.step, &targets, work.context);
    step.machines.iter().cloned().zip(results).collect()
}

/// The steps that run in a machine after this one.
fn later<'a>(work: &'a Work<'_>, machine: &str, key: &str) -> &'a [String] {
    let action = work.planned.plan.action(crate::model::action::Target::Machine, machine);
    let steps = action.map(|action| action.steps.as_slice()).unwrap_or_default();
    let place = steps.iter().position(|step| step == key).map_or(steps.len(), |place| place + 1);
    &steps[place..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepStatus;
    use crate::model::Kind;

    fn step() -> Together {
        Together { key: "stack-1".into(), name: "site.yml".into(), machines: vec!["db".into(), "web".into()] }
    }

    fn ran() -> Ran {
        let (step, took) = ("site.yml".to_owned(), Duration::ZERO);
        Ran { step, took, status: StepStatus::Changed, changes: None }
    }

    #[test]
    fn one_works_for_all_and_a_failure_of_one_is_a_failure_of_the_step() {
        for db in [Ok(ran()), Err(Error::failed("no such package"))] {
            let (meetings, worked, context) = (Meetings::default(), Mutex::new(0), Context::silent());
            let meet = |name: &str| {
                let work = || {
                    *worked.lock().unwrap() += 1;
                    [("db".to_owned(), db.clone()), ("web".to_owned(), Ok(ran()))].into()
                };
                meetings.meet(&step(), name, work, &|_| false, &context)
            };
            let (of_db, of_web) = std::thread::scope(|scope| {
                let (of_db, of_web) = (scope.spawn(|| meet("db")), scope.spawn(|| meet("web")));
                (of_db.join().unwrap(), of_web.join().unwrap())
            });
            assert_eq!(*worked.lock().unwrap(), 1);
            assert_eq!((of_db.is_ok(), of_web.is_ok()), (db.is_ok(), db.is_ok()));
            if let Err(error) = of_web {
                assert_eq!((error.kind, error.message.as_str()), (Kind::Skipped, "needs db, which failed"));
            }
        }
    }

    #[test]
    fn nobody_waits_for_a_member_that_failed() {
        let work = || unreachable!("not all have come");
        let result = Meetings::default().meet(&step(), "web", work, &|name| name == "db", &Context::silent());
        assert_eq!(result.unwrap_err().message, "needs db, which failed");
    }
}
