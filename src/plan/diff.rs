//! The plan itself: declared, existing and applied, compared field by field.

use super::desired::{Desired, DesiredMachine, DesiredThing, Known};
use super::reason::{NOT_APPLIED, NOT_KNOWN, differences, steps_to_run};
use super::together::{check, spread};
use super::{Action, Plan, dependencies_first};
use crate::model::Result;
use crate::model::action::{Reason, Target, Verb};
use crate::model::observed::{Observed, ObservedMachine, ObservedThing, State};
use envup_agent::Ledger;
use std::collections::{BTreeMap, BTreeSet};

/// What has to be done to bring `observed` to `desired`.
///
/// Fails only when machines wait for each other in a circle.
pub fn diff(desired: &Desired, observed: &Observed, known: &Known) -> Result<Plan> {
    let mut actions = Vec::new();
    for (key, network) in &desired.networks {
        actions.push(thing(Target::Network, key, network, &observed.networks));
    }
    on_new_ground(desired, &mut actions);
    for (key, volume) in &desired.volumes {
        actions.push(thing(Target::Volume, key, volume, &observed.volumes));
    }
    let new_networks = new_networks(&actions);
    let one = |name: &str, joined: &BTreeSet<String>| {
        machine(name, &desired.machines[name], observed.machine(name), &new_networks, known, joined)
    };
    for name in dependencies_first(&needs(desired))? {
        actions.push(one(name, &BTreeSet::new()));
    }
    let together = spread(desired, &mut actions, one);
    let mut orphans = Vec::new();
    for machine in &observed.machines {
        if desired.machines.contains_key(&machine.name) {
            continue;
        }
        if known.remove_orphans {
            actions.push(gone(Target::Machine, &machine.name, &machine.provider));
        } else {
            orphans.push(machine.name.clone());
        }
    }
    // Volumes hold data: only `destroy --volumes` removes them.
    for network in &observed.networks {
        let key = (network.name.clone(), network.provider.clone());
        if known.remove_orphans && !desired.networks.contains_key(&key) {
            actions.push(gone(Target::Network, &network.name, &network.provider));
        }
    }
    let plan = Plan { actions, orphans, together };
    check(desired, &plan)?;
    Ok(plan)
}

fn needs(desired: &Desired) -> BTreeMap<&str, BTreeSet<&str>> {
    let direct = desired.machines.iter();
    direct
        .map(|(name, machine)| (name.as_str(), machine.depends_on.keys().map(String::as_str).collect()))
        .collect()
}

/// The fields of machines that stand for networks made now, by provider: who was in an old one of that name has to join again.
fn new_networks(actions: &[Action]) -> BTreeSet<(String, String)> {
    let is_new = |action: &&Action| {
        action.target == Target::Network && matches!(action.verb, Verb::Create | Verb::Replace)
    };
    let key = |action: &Action| (action.provider.clone(), format!("network.{}", action.name));
    actions.iter().filter(is_new).map(key).collect()
}

/// What lies on a network that is made or started now is made anew: its own is not there any more.
fn on_new_ground(desired: &Desired, actions: &mut [Action]) {
    // First what the other lies on.
    actions.sort_by_key(|action| (action.name.clone(), desired.networks[&key(action)].ground.is_some()));
    let is_new = |action: &&Action| matches!(action.verb, Verb::Create | Verb::Replace | Verb::Start);
    let new: BTreeSet<_> = actions.iter().filter(is_new).map(key).collect();
    for action in actions.iter_mut() {
        let network = &desired.networks[&key(action)];
        let ground = network.ground.as_ref().map(|provider| (action.name.clone(), provider.clone()));
        if let Some(ground) = ground {
            action.source = format!("{} on that of {}", action.provider, ground.1);
            if action.verb == Verb::Keep && new.contains(&ground) {
                action.verb = Verb::Replace;
                action.reasons.push(Reason::new("ground", Some("gone"), Some("made anew")));
            }
        }
    }
}

fn key(action: &Action) -> (String, String) {
    (action.name.clone(), action.provider.clone())
}

fn thing(
    target: Target,
    (name, provider): &(String, String),
    desired: &DesiredThing,
    observed: &[ObservedThing],
) -> Action {
    let is_it = |thing: &&ObservedThing| {
        thing.name == *name && thing.provider == *provider && thing.machine.is_none()
    };
    let (verb, reasons) = match observed.iter().find(is_it) {
        None => (Verb::Create, Vec::new()),
        Some(thing) => {
            let reasons = differences(&thing.fields, &desired.fields);
            let verb = match reasons.as_slice() {
                [] => Verb::Keep,
                [one] if one.field == "state" => Verb::Start,
                _ => Verb::Replace,
            };
            (verb, reasons)
        }
    };
    Action { reasons, ..plain(target, name, provider, verb) }
}

fn gone(target: Target, name: &str, provider: &str) -> Action {
    let reason = Reason::new("declared", Some("yes"), None);
    Action { reasons: vec![reason], ..plain(target, name, provider, Verb::Destroy) }
}

fn plain(target: Target, name: &str, provider: &str, verb: Verb) -> Action {
    Action {
        target,
        name: name.to_owned(),
        provider: provider.to_owned(),
        verb,
        reasons: Vec::new(),
        source: String::new(),
        is_box: false,
        update: Vec::new(),
        start: false,
        steps: Vec::new(),
        layer: None,
    }
}

fn machine(
    name: &str,
    desired: &DesiredMachine,
    observed: Option<&ObservedMachine>,
    new_networks: &BTreeSet<(String, String)>,
    known: &Known,
    joined: &BTreeSet<String>,
) -> Action {
    let source = format!("{} on {}", desired.source, desired.provider);
    let base = Action {
        source,
        is_box: desired.is_box,
        ..plain(Target::Machine, name, &desired.provider, Verb::Keep)
    };
    let asked = known.run_steps.get(name);
    let all_steps = || {
        let steps = steps_to_run(&desired.steps, &Ledger::default(), asked, joined);
        steps.into_iter().map(|(step, _)| step.key.clone()).collect()
    };
    let create =
        |reasons| Action { verb: Verb::Create, reasons, start: true, steps: all_steps(), ..base.clone() };
    let Some(observed) = observed else { return create(Vec::new()) };
    if observed.construction.is_some() {
        // Nobody keeps work in it yet; whether it can go on is seen when it does.
        return create(vec![Reason::new("layers", Some("under construction"), Some("made"))]);
    }
    let mut reasons = differences(&observed.fields, &desired.fields);
    if observed.provider != desired.provider {
        reasons.push(Reason::new("provider", Some(&observed.provider), Some(&desired.provider)));
    }
    if known.rebuild.contains(name) {
        reasons.push(Reason::new("rebuild", None, Some("asked for")));
    }
    let joined_anew: Vec<&String> = new_networks
        .iter()
        .filter(|(provider, field)| *provider == observed.provider && desired.fields.get(field).is_some())
        .map(|(_, field)| field)
        .filter(|field| !reasons.iter().any(|reason| reason.field == **field))
        .collect();
    reasons.extend(
        joined_anew
            .into_iter()
            .map(|field| Reason::new(field.as_str(), Some("made anew"), Some("joined again"))),
    );
    let capabilities = known.capabilities.get(&desired.provider);
    let can_update = |reason: &Reason| {
        capabilities.is_some_and(|known| known.can_update(&reason.field, observed.is_box && desired.is_box))
    };
    if !reasons.iter().all(can_update) {
        return Action { verb: Verb::Replace, reasons, start: true, steps: all_steps(), ..base };
    }
    let update: Vec<String> = reasons.iter().map(|reason| reason.field.clone()).collect();
    let no_ledger = Ledger::default();
    let ledger = known.ledgers.get(name);
    let mut due = steps_to_run(&desired.steps, ledger.unwrap_or(&no_ledger), asked, joined);
    if known.only_those {
        let is_asked = |key| asked.is_some_and(|asked| asked.contains(key));
        due.retain(|(step, _)| is_asked(&step.key) || joined.contains(&step.key));
    }
    let is_updated_off = |field: &String| capabilities.is_some_and(|known| known.is_updated_off(field));
    let start = match observed.state {
        State::Running => update.iter().any(is_updated_off),
        // A one-shot machine runs again for new inputs.
        State::Stopped | State::Completed if desired.one_shot && observed.exit_code == Some(0) => {
            !due.is_empty()
        }
        _ => true,
    };
    if start {
        let before = match (observed.state, observed.exit_code) {
            (state, Some(code)) if code != 0 => format!("{state} (exit {code})"),
            (state, _) => state.to_string(),
        };
        let after = if observed.state == State::Running { "started again" } else { "running" };
        reasons.push(Reason::new("state", Some(&before), Some(after)));
    }
    let mut steps = Vec::new();
    for (step, mut reason) in due {
        steps.push(step.key.clone());
        if ledger.is_none() && reason.after.as_deref() == Some(NOT_APPLIED) {
            reason.after = Some(NOT_KNOWN.to_owned());
        }
        reasons.push(reason);
    }
    let verb = match () {
        () if !update.is_empty() => Verb::Update,
        () if start => Verb::Start,
        () if !steps.is_empty() => Verb::Provision,
        () => Verb::Keep,
    };
    Action { verb, reasons, update, start, steps, ..base }
}
