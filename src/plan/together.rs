//! Steps over several machines: which of them run, over whom, and what their machines wait for meanwhile.
//!
//! Such a step is the last of each of its machines' own. It is due when it is due in any of them, and then runs over all.
//! Machines of a step that runs wait for each other to be started only: what makes them ready may be the step's own work.

use super::desired::{Desired, DesiredMachine};
use super::{Action, Plan};
use crate::model::action::Target;
use crate::model::machine::Condition;
use crate::model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// A step that has to run over several machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Identity in the ledgers.
    pub key: String,
    /// For people.
    pub name: String,
    /// The machines it runs over.
    pub machines: Vec<String>,
}

impl Plan {
    /// What a machine waits for, of another one that it declares to need in this way.
    pub fn condition(&self, machine: &str, need: &str, declared: Condition) -> Condition {
        let has = |step: &Together, name: &str| step.machines.iter().any(|one| one == name);
        let are_together = self.together.iter().any(|step| has(step, machine) && has(step, need));
        if are_together { Condition::Started } else { declared }
    }
}

/// Makes every step over several machines that some machine runs due in all of its machines; `plan_again` plans a machine with
/// these further steps.
pub fn spread(
    desired: &Desired,
    actions: &mut [Action],
    mut plan_again: impl FnMut(&str, &BTreeSet<String>) -> Action,
) -> Vec<Together> {
    let mut joined: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut together = Vec::new();
    for key in &desired.stack_steps {
        let step = |machine: &DesiredMachine| machine.steps.iter().find(|step| step.key == *key).cloned();
        let members: Vec<(&str, String)> = desired
            .machines
            .iter()
            .filter_map(|(name, machine)| Some((name.as_str(), step(machine)?.name)))
            .collect();
        let is_of = |action: &Action| action.target == Target::Machine && action.steps.contains(key);
        if !actions.iter().any(is_of) {
            continue;
        }
        for (name, _) in &members {
            let is_it = |action: &&mut Action| action.target == Target::Machine && action.name == *name;
            let Some(action) = actions.iter_mut().find(is_it).filter(|action| !is_of(action)) else {
                continue;
            };
            let joins = joined.entry(name).or_default();
            joins.insert(key.clone());
            *action = plan_again(name, joins);
        }
        let name = members.first().map(|(_, name)| name.clone()).unwrap_or_default();
        let machines = members.iter().map(|(name, _)| (*name).to_owned()).collect();
        together.push(Together { key: key.clone(), name, machines });
    }
    together
}

/// Fails when machines and steps would wait for each other for ever.
pub fn check(desired: &Desired, plan: &Plan) -> Result<()> {
    let mut waits = Waits { desired, plan, done: BTreeSet::new(), way: Vec::new() };
    for name in desired.machines.keys() {
        waits.visit(Point::Ready(name))?;
    }
    Ok(())
}

/// Something that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Point<'a> {
    /// A machine runs.
    Started(&'a str),
    /// A machine's own steps are done.
    Provisioned(&'a str),
    /// A machine is as declared.
    Ready(&'a str),
    /// A step over several machines is done.
    Step(&'a Together),
}

impl std::fmt::Display for Point<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Started(name) | Self::Provisioned(name) | Self::Ready(name) => formatter.write_str(name),
            Self::Step(step) => write!(formatter, "step {}", step.name),
        }
    }
}

struct Waits<'a> {
    desired: &'a Desired,
    plan: &'a Plan,
    done: BTreeSet<Point<'a>>,
    way: Vec<Point<'a>>,
}

impl<'a> Waits<'a> {
    fn visit(&mut self, point: Point<'a>) -> Result<()> {
        if self.done.contains(&point) {
            return Ok(());
        }
        if let Some(start) = self.way.iter().position(|known| *known == point) {
            // A machine that waits for itself on the way from one point to the next is one word.
            let mut words: Vec<String> =
                self.way[start..].iter().chain([&point]).map(ToString::to_string).collect();
            words.dedup();
            let cycle = words.join(" → ");
            return Err(Error::usage(format!("machines and steps wait for each other: {cycle}")).hint(
                "a machine of a step over several machines is ready after it: let the machine in between not need it, or name it in the step's `machines`",
            ));
        }
        self.way.push(point);
        for next in self.before(point) {
            self.visit(next)?;
        }
        self.way.pop();
        self.done.insert(point);
        Ok(())
    }

    /// What comes before.
    fn before(&self, point: Point<'a>) -> Vec<Point<'a>> {
        let steps = || self.plan.together.iter();
        match point {
            Point::Started(name) => {
                let needs =
                    self.desired.machines.get(name).into_iter().flat_map(|machine| &machine.depends_on);
                let point = |(need, condition): (&'a String, &Condition)| match self
                    .plan
                    .condition(name, need, *condition)
                {
                    Condition::Started => Point::Started(need),
                    Condition::Ready | Condition::Completed => Point::Ready(need),
                };
                needs.map(point).collect()
            }
            Point::Provisioned(name) => vec![Point::Started(name)],
            Point::Ready(name) => {
                let steps = steps().filter(|step| step.machines.iter().any(|machine| machine == name));
                [Point::Provisioned(name)].into_iter().chain(steps.map(Point::Step)).collect()
            }
            Point::Step(step) => step.machines.iter().map(|machine| Point::Provisioned(machine)).collect(),
        }
    }
}

impl PartialOrd for Together {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Together {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(machines: &[(&str, &[&str])]) -> Desired {
        let mut desired = Desired::default();
        for (name, needs) in machines {
            let depends_on = needs.iter().map(|need| ((*need).to_owned(), Condition::Ready)).collect();
            desired
                .machines
                .insert((*name).to_owned(), DesiredMachine { depends_on, ..DesiredMachine::default() });
        }
        desired
    }

    fn plan(machines: &[&str]) -> Plan {
        let machines = machines.iter().map(|machine| (*machine).to_owned()).collect();
        let together = vec![Together { key: "stack-1".into(), name: "site.yml".into(), machines }];
        Plan { together, ..Plan::default() }
    }

    #[test]
    fn machines_of_a_step_wait_for_each_other_to_run_and_others_for_all_of_it() {
        let plan = plan(&["db", "web"]);
        assert_eq!(plan.condition("web", "db", Condition::Ready), Condition::Started);
        assert_eq!(plan.condition("proxy", "web", Condition::Ready), Condition::Ready);
        let stack = desired(&[("db", &[]), ("web", &["db", "cache"]), ("cache", &[]), ("proxy", &["web"])]);
        check(&stack, &plan).unwrap();
    }

    #[test]
    fn a_wait_that_never_ends_is_refused() {
        let stack = desired(&[("db", &[]), ("cache", &["db"]), ("web", &["cache"])]);
        check(&stack, &Plan::default()).unwrap();
        let error = check(&stack, &plan(&["db", "web"])).unwrap_err();
        assert_eq!(
            error.message,
            "machines and steps wait for each other: cache → db → step site.yml → web → cache"
        );
    }
}
