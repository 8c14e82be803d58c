//! Differences between two lists of fields, and why a step has to run.

use super::desired::DesiredStep;
use crate::model::action::Reason;
use crate::model::digest::short;
use crate::model::fields::Fields;
use crate::model::step::RunPolicy;
use envup_agent::{Ledger, LedgerStatus, looks_secret, names_secret_variable};
use std::collections::BTreeSet;

/// Why a step runs that no ledger knows.
pub const NOT_APPLIED: &str = "not applied yet";

/// Why a step may have to run in a machine that cannot be asked before it runs.
pub const NOT_KNOWN: &str = "unless its ledger has it, which cannot be read now";

/// Why a step runs that somebody wants to run.
pub const ASKED_FOR: &str = "asked for";

/// Why a step runs that always does.
pub const RUNS_ALWAYS: &str = "runs always";

/// Why a step runs that was applied on top of what is applied anew.
pub const AFTER_ANOTHER: &str = "a step before it runs";

/// Why a step over several machines runs that is due in another of them.
pub const WITH_ANOTHER: &str = "another of its machines needs it";

/// Every field in which the two sides differ, in the order of the names.
pub fn differences(before: &Fields, after: &Fields) -> Vec<Reason> {
    let names: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| {
            let told = |side: &Fields| side.get(name).map(|value| told(name, value).to_owned());
            Reason::new(name.as_str(), told(before).as_deref(), told(after).as_deref())
        })
        .collect()
}

/// What stands for a value that not everybody may know: plans and drift are shown, logged and sent around.
const HIDDEN: &str = "(hidden)";

/// A field's value, unless it is called or looks like a secret.
fn told<'v>(field: &str, value: &'v str) -> &'v str {
    let is_hidden = match field.split_once('.') {
        Some(("env", variable)) => names_secret_variable(variable) || looks_secret(value),
        Some(("label", _)) => looks_secret(value),
        _ => matches!(field, "command" | "entrypoint") && looks_secret(value),
    };
    if is_hidden { HIDDEN } else { value }
}

/// The steps that have to run in a machine with this ledger, in order, each with its reason.
///
/// A step that runs because of its inputs makes those after it run too: they were applied on top of the old result.
pub fn steps_to_run<'a>(
    steps: &'a [DesiredStep],
    ledger: &Ledger,
    asked: Option<&BTreeSet<String>>,
    joined: &BTreeSet<String>,
) -> Vec<(&'a DesiredStep, Reason)> {
    let mut cascade = false;
    let mut run = Vec::new();
    for step in steps {
        let asked = asked.is_some_and(|keys| keys.contains(&step.key));
        let (before, why) = match ledger.step(&step.key) {
            None => (None, Some(NOT_APPLIED)),
            Some(entry) => {
                let (before, why) = match entry.status {
                    LedgerStatus::Failed => ("failed".to_owned(), Some("failed the last time")),
                    LedgerStatus::Interrupted => ("interrupted".to_owned(), Some("was interrupted")),
                    LedgerStatus::Applied if entry.digest != step.digest => {
                        (format!("sha256 {}", &short(&entry.digest)[..4]), Some("inputs changed"))
                    }
                    LedgerStatus::Applied => ("applied".to_owned(), None),
                };
                (Some(before), why)
            }
        };
        let done = ledger.step(&step.key).is_some_and(|entry| entry.status == LedgerStatus::Applied);
        let why = match step.run {
            _ if asked => Some(ASKED_FOR),
            _ if joined.contains(&step.key) => {
                cascade = true;
                why.or(Some(WITH_ANOTHER))
            }
            RunPolicy::Never => None,
            RunPolicy::Once if done => None,
            RunPolicy::Always => why.or(Some(RUNS_ALWAYS)),
            RunPolicy::Once => why,
            RunPolicy::Changed => {
                cascade |= why.is_some();
                why.or(cascade.then_some(AFTER_ANOTHER))
            }
        };
        if let Some(why) = why {
            run.push((step, Reason::new(field_of(step), before.as_deref(), Some(why))));
        }
    }
    run
}

/// How reasons name a step. One that no Envfile lists has no number: its key is its name.
fn field_of(step: &DesiredStep) -> String {
    match step.key == step.name {
        true => format!("step.{}", step.name),
        false => format!("step.{} {}", step.key, step.name),
    }
}

/// The keys of the steps that these reasons say run because somebody wants it.
pub fn asked_for(steps: &[DesiredStep], reasons: &[Reason]) -> BTreeSet<String> {
    let is_asked = |step: &&DesiredStep| {
        let field = field_of(step);
        reasons.iter().any(|one| one.field == field && one.after.as_deref() == Some(ASKED_FOR))
    };
    steps.iter().filter(is_asked).map(|step| step.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup_agent::StepEntry;

    fn step(key: &str, digest: &str, run: RunPolicy) -> DesiredStep {
        DesiredStep {
            key: key.into(),
            name: format!("s{key}"),
            digest: digest.into(),
            run,
            layer: true,
            copies: false,
            named: false,
        }
    }

    fn ledger(entries: &[(&str, &str, LedgerStatus)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (key, digest, status) in entries {
            ledger.put(StepEntry {
                key: (*key).into(),
                name: String::new(),
                digest: (*digest).into(),
                status: *status,
                changed: true,
                exit_code: None,
                signal: None,
                finished: 0,
                seconds: 0.0,
            });
        }
        ledger
    }

    fn keys(steps: &[DesiredStep], ledger: &Ledger) -> Vec<String> {
        steps_to_run(steps, ledger, None, &BTreeSet::new())
            .into_iter()
            .map(|(step, _)| step.key.clone())
            .collect()
    }

    #[test]
    fn a_changed_step_and_those_after_it_run() {
        use LedgerStatus::Applied;
        let steps = ["aaaa", "bbbb", "cccc"]
            .iter()
            .enumerate()
            .map(|(index, digest)| step(&(index + 1).to_string(), digest, RunPolicy::Changed))
            .collect::<Vec<_>>();
        let applied = [("1", "aaaa", Applied), ("2", "bbbb", Applied), ("3", "cccc", Applied)];
        assert_eq!(keys(&steps, &ledger(&applied)), Vec::<String>::new());
        let changed = [("1", "aaaa", Applied), ("2", "old!", Applied), ("3", "cccc", Applied)];
        assert_eq!(keys(&steps, &ledger(&changed)), ["2", "3"]);
        let failed = [("1", "aaaa", Applied), ("2", "bbbb", LedgerStatus::Failed)];
        assert_eq!(keys(&steps, &ledger(&failed)), ["2", "3"]);
    }

    #[test]
    fn policies_decide() {
        use LedgerStatus::Applied;
        let old = ledger(&[("1", "old!", Applied)]);
        for (policy, runs) in [
            (RunPolicy::Changed, true),
            (RunPolicy::Always, true),
            (RunPolicy::Once, false),
            (RunPolicy::Never, false),
        ] {
            assert_eq!(!keys(&[step("1", "aaaa", policy)], &old).is_empty(), runs, "{policy:?}");
        }
    }

    #[test]
    fn secrets_differ_but_are_not_told() {
        let fields = |value: &str| {
            let names = ["env.API_KEY", "env.MODE", "env.DB", "command"];
            let url = format!("postgres://app:{value}@db/x");
            let values = [value, value, &url, &format!("run --token {value}")];
            Fields(
                names.into_iter().zip(values).map(|(name, value)| (name.into(), value.to_owned())).collect(),
            )
        };
        let reasons = differences(&fields("one"), &fields("two"));
        let told: Vec<_> = reasons.iter().filter_map(|reason| reason.after.as_deref()).collect();
        assert_eq!(told, [HIDDEN, HIDDEN, HIDDEN, "two"]);
    }
}
