//! The machines here against a reference: one call of the agent for each, nothing of the Envfile or the steps.

use super::desired::has_done_its_work;
use super::drift::DriftOptions;
use super::drift::why as why_not;
use super::nodes::{Node, fingerprints};
use super::reference::{Known, Reference, readable};
use super::{World, observe};
use crate::drift::{MachineDrift, Report, Rules, compare_by, consensus};
use crate::event::Context;
use crate::model::Result;
use crate::model::duration::age;
use envup_agent::Fingerprint;
use std::collections::BTreeMap;

/// Compares the machines of the stack with those of a reference.
pub fn drift_against(
    world: &World,
    reference: &Reference,
    options: &DriftOptions,
    context: &Context,
) -> Result<Report> {
    let observed = observe(world)?.observed;
    let is_chosen = |name: &str| options.machines.is_empty() || options.machines.contains(name);
    let mut nodes = fingerprints(world, &observed, &is_chosen, options.level, context);
    context.check("comparing")?;
    let rules = Rules::new(&world.stack.drift.ignore, &options.today);
    let (mut machines, mut left_out) = (Vec::new(), Vec::new());
    for name in world.stack.machines.keys().filter(|name| is_chosen(name)) {
        if reference.leaves_out(name) {
            left_out.push(format!("{name} is no machine of {}, as the Envfile says", reference.label));
            continue;
        }
        let here = nodes.remove(name).unwrap_or_default();
        let there = reference.machines.get(name);
        let done = observed.machine(name).is_some_and(|observed| has_done_its_work(world, observed));
        if here.is_empty() && !done {
            let mut drift = MachineDrift::new(name);
            drift.cannot_tell("it does not run here");
            machines.push(drift);
        }
        for node in here {
            machines.extend(one_node(node, there, &reference.label, &rules));
        }
    }
    let mut report = Report::new(&world.stack, &reference.label, machines, &rules);
    report.notes.extend(reference.notes.iter().cloned().chain(left_out));
    Ok(report)
}

/// One machine here against what several nodes there have in common.
fn one_node(
    node: Node,
    there: Option<&BTreeMap<String, Known>>,
    label: &str,
    rules: &Rules<'_>,
) -> Vec<MachineDrift> {
    let mut drift = MachineDrift::new(&node.name);
    let Some(there) = there.filter(|there| !there.is_empty()) else {
        drift.cannot_tell(format!("{label} has no such machine"));
        return vec![drift];
    };
    let known: Vec<(&str, &Fingerprint)> = there.iter().filter_map(readable).collect();
    drift.reference = described(there, known.len());
    for (name, known) in there {
        if let Err(error) = &known.fingerprint {
            drift.cannot_tell(format!("{name} of {label}: {}", why_not(error)));
        }
    }
    let here = match node.taken.and_then(|taken| taken.fingerprint()) {
        Ok(here) => here,
        Err(error) => {
            drift.cannot_tell(why_not(&error));
            return vec![drift];
        }
    };
    let Some(agreed) = consensus(&known, rules) else { return vec![drift] };
    drift.add(compare_by(&here, &agreed.fingerprint, rules));
    let apart = agreed.outliers.into_iter().map(|outlier| {
        let mut drift = MachineDrift { outlier: true, ..MachineDrift::new(outlier.node) };
        drift.add(outlier.comparison);
        drift
    });
    std::iter::once(drift).chain(apart).collect()
}

/// How many nodes there are and how old what is known of them is: `2 of 3 hosts, 3 days old`.
fn described(there: &BTreeMap<String, Known>, known: usize) -> String {
    let mut parts = Vec::new();
    if there.len() > 1 {
        parts.push(format!("{known} of {} hosts", there.len()));
    }
    if let Some(oldest) = there.values().filter_map(|known| known.age).max() {
        parts.push(format!("{} old", age(oldest)));
    }
    parts.join(", ")
}
