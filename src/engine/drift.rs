//! What changed: the Envfile against the machines, the steps against what was applied, the baselines against what is there.
//!
//! Reads only: one call of the agent for each machine that runs. Never predicts; never says that a machine is in sync of
//! which some part could not be read.

use super::desired::has_done_its_work;
use super::fingerprint::known_as;
use super::nodes::{Node, fingerprints, running};
use super::planned::{Declared, plan_of};
use super::{PlanOptions, Planned, World, observe};
use crate::drift::{BASELINE, Difference, MachineDrift, Report, Rules, compare_texts};
use crate::event::Context;
use crate::model::action::{Reason, Target};
use crate::model::drift::Level;
use crate::model::observed::{Observed, ObservedMachine, State};
use crate::model::{Error, Kind, Result};
use crate::plan::{AFTER_ANOTHER, Action, RUNS_ALWAYS, WITH_ANOTHER};
use crate::transport::fingerprint::Taken;
use std::collections::{BTreeMap, BTreeSet};

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct DriftOptions {
    /// Only these machines; empty for all.
    pub machines: BTreeSet<String>,
    /// How much is looked at.
    pub level: Level,
    /// The day, `YYYY-MM-DD`: rules of the project may hold until one.
    pub today: String,
}

/// Compares the stack with its Envfile and its baselines.
pub fn drift(world: &World, options: &DriftOptions, context: &Context) -> Result<Report> {
    let mut view = observe(world)?;
    let is_chosen = |name: &str| options.machines.is_empty() || options.machines.contains(name);
    // Machines look at themselves for longer than this host needs to read what is declared and what was.
    let (mut nodes, known) = std::thread::scope(|scope| {
        let observed = &view.observed;
        let known = scope.spawn(|| (Declared::of(world, observed), baselines(world, observed, &is_chosen)));
        (fingerprints(world, observed, &is_chosen, options.level, context), known.join())
    });
    let crashed = |_| Error::failed("reading what is declared ended with a crash of ours");
    let (declared, mut baselines) = known.map_err(crashed)?;
    context.check("comparing")?;
    for (name, nodes) in &nodes {
        if let [Node { taken: Ok(taken), .. }] = nodes.as_slice() {
            // The machine's own word counts more than our copy of it.
            view.ledgers.insert(name.clone(), taken.ledger.ledger.clone());
        }
    }
    let planned =
        PlanOptions { machines: options.machines.clone(), no_layers: true, ..PlanOptions::default() };
    let Planned { plan, view, .. } = plan_of(world, declared?, view, &planned)?;
    let rules = Rules::new(&world.stack.drift.ignore, &options.today);
    let mut machines = Vec::new();
    for action in &plan.actions {
        if action.target == Target::Machine {
            // The plan also has the machines that the chosen ones need.
            if !is_chosen(&action.name) {
                continue;
            }
            let observed = view.observed.machine(&action.name);
            let nodes = nodes.remove(&action.name).unwrap_or_default();
            machines.extend(one_machine(world, action, observed, nodes, &mut baselines, &rules));
        } else if !action.reasons.is_empty() {
            let name = format!("{} {}", action.target.as_str(), action.name);
            machines.push(against_envfile(&name, action, &rules));
        }
    }
    Ok(Report::new(&world.stack, BASELINE, machines, &rules))
}

/// By node: the fingerprint that was taken when it was last brought up.
type Baselines = BTreeMap<String, Result<Option<String>>>;

/// The baselines of those of these machines that run and are declared.
fn baselines(world: &World, observed: &Observed, is_chosen: &(dyn Fn(&str) -> bool + Sync)) -> Baselines {
    let baselines = world.project.baselines();
    let nodes = running(world, observed, is_chosen);
    nodes.map(|(machine, node)| (node.clone(), baselines.load(&known_as(machine, &node)))).collect()
}

/// What the plan would do about it, as differences: the Envfile is what should be, the machine what is.
fn against_envfile(name: &str, action: &Action, rules: &Rules<'_>) -> MachineDrift {
    let cause = |reason: &&Reason| {
        !matches!(reason.after.as_deref(), Some(RUNS_ALWAYS | AFTER_ANOTHER | WITH_ANOTHER))
            && reason.field != "state"
    };
    let difference = |reason: &Reason| match reason.field.strip_prefix("step.") {
        Some(step) => Difference::of_step(step, reason.before.as_deref(), reason.after.as_deref()),
        None => Difference::of_envfile(&reason.field, reason.after.as_deref(), reason.before.as_deref()),
    };
    let mut drift = MachineDrift::new(name);
    drift.differences = action.reasons.iter().filter(cause).map(difference).collect();
    rules.apply_project(&mut drift.differences);
    drift
}

/// The drift of one machine; when it is several hosts, of each of them too.
fn one_machine(
    world: &World,
    action: &Action,
    observed: Option<&ObservedMachine>,
    nodes: Vec<Node>,
    baselines: &mut Baselines,
    rules: &Rules<'_>,
) -> Vec<MachineDrift> {
    let mut drift = against_envfile(&action.name, action, rules);
    let Some(observed) = observed else {
        drift.differences.push(Difference::of_envfile("machine", Some("declared"), None));
        return vec![drift];
    };
    if nodes.is_empty() && !has_done_its_work(world, observed) {
        let state = if observed.state == State::Completed { State::Stopped } else { observed.state };
        let is = state.to_string();
        drift.differences.push(Difference::of_envfile("state", Some("running"), Some(&is)));
        drift.cannot_tell(format!("it is {is}, and what is inside is known of running machines only"));
    }
    let mut drifts = vec![drift];
    for node in nodes {
        let mut drift = MachineDrift::new(&node.name);
        drift.steps_took = node.taken.as_ref().ok().and_then(steps_took);
        let baseline = baselines.remove(&node.name).unwrap_or(Ok(None));
        against_baseline(baseline, node.taken, rules, &mut drift);
        match node.name == action.name {
            true => drifts[0].join(drift),
            false => drifts.push(drift),
        }
    }
    // Of a role of several hosts nothing can be said but what its hosts say.
    if drifts.len() > 1 && drifts[0].complete && drifts[0].differences.is_empty() {
        drifts.remove(0);
    }
    drifts
}

/// How long all steps that were applied took; `None` when there were none.
fn steps_took(taken: &Taken) -> Option<f64> {
    let steps = &taken.ledger.ledger.steps;
    (!steps.is_empty()).then(|| steps.iter().map(|step| step.seconds).sum())
}

/// What changed inside since the baseline was taken; what could not be looked at is said.
fn against_baseline(
    baseline: Result<Option<String>>,
    taken: Result<Taken>,
    rules: &Rules<'_>,
    drift: &mut MachineDrift,
) {
    let compare = |baseline: String, taken: Taken| compare_texts(&baseline, &taken.text, rules);
    let compared = taken.and_then(|taken| baseline?.map(|baseline| compare(baseline, taken)).transpose());
    match compared {
        Ok(Some(comparison)) => drift.add(comparison),
        Ok(None) => drift.cannot_tell("it has no baseline; `env accept` takes one"),
        Err(error) => drift.cannot_tell(why(&error)),
    }
}

/// An error in one line, with the way out.
pub fn why(error: &Error) -> String {
    if error.kind == Kind::Interrupted {
        return "interrupted".to_owned();
    }
    let causes = error.causes.iter().fold(error.message.clone(), |text, cause| format!("{text}: {cause}"));
    error.hints.iter().fold(causes, |text, hint| format!("{text}; {hint}"))
}
