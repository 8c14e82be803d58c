//! Whether running steps once more changes anything: told by tools that know, and by the fingerprints before and after.

use super::nodes::{Node, fingerprints};
use super::{PlanOptions, Report, UpOptions, World, observe, plan, up};
use crate::drift::{Rules, compare_texts};
use crate::event::Context;
use crate::model::drift::Level;
use crate::model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// How the second run went.
pub struct Again {
    /// As every run's.
    pub report: Report,
    /// What it changed, by machine; machines that it left as they were are not there.
    pub changes: BTreeMap<String, Vec<String>>,
}

/// Runs the steps of `options` once more; `today`, `YYYY-MM-DD`, is for rules of the project that hold until a day.
pub fn again(
    world: &World,
    options: &PlanOptions,
    up_options: &UpOptions,
    today: &str,
    context: &Context,
) -> Result<Again> {
    let names: BTreeSet<&String> = options.run_steps.keys().collect();
    let look = || -> Result<BTreeMap<String, Vec<Node>>> {
        let view = observe(world)?;
        let chosen = |name: &str| names.iter().any(|one| *one == name);
        Ok(fingerprints(world, &view.observed, &chosen, Level::Fast, context))
    };
    let before = look()?;
    let planned = plan(world, options)?;
    let report = up(world, &planned, up_options, context)?;
    let mut changes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if report.error().is_some() {
        return Ok(Again { report, changes });
    }
    for machine in &report.machines {
        for ran in &machine.steps {
            let told = ran.changes.iter().flatten().map(|change| format!("step {}: {change}", ran.step));
            changes.entry(machine.name.clone()).or_default().extend(told);
        }
    }
    let rules = Rules::new(&world.stack.drift.ignore, today);
    let mut after = look()?;
    for (machine, nodes) in before {
        for (before, after) in nodes.into_iter().zip(after.remove(&machine).unwrap_or_default()) {
            let looked =
                |node: Node| node.taken.map_err(|error| error.context(format!("looking at {}", node.name)));
            let (before, after) = (looked(before)?, looked(after)?);
            let comparison = compare_texts(&before.text, &after.text, &rules)?;
            let seen = comparison.differences.iter().filter(|difference| difference.rule.is_none());
            let told = seen.map(|seen| format!("{} {} ({})", seen.section, seen.key, seen.kind.as_str()));
            changes.entry(machine.clone()).or_default().extend(told);
        }
    }
    changes.retain(|_, changes| !changes.is_empty());
    Ok(Again { report, changes })
}

impl Again {
    /// The changes as an error; `None` when there are none.
    pub fn error(&self) -> Option<Error> {
        let lines = self
            .changes
            .iter()
            .flat_map(|(machine, changes)| changes.iter().map(move |change| format!("{machine}: {change}")));
        let detail = lines.collect::<Vec<_>>().join("\n");
        let error =
            Error::failed("the second run changed something, and steps should find all as they left it");
        (!self.changes.is_empty()).then(|| {
            error.detail(detail).hint("a rule of `[drift]` covers what is known to differ each time")
        })
    }
}
