//! One difference, as every part of drift and its JSON speak of it.

use super::severity::weigh;
use crate::model::drift::Severity;
use envup_agent::{Item, Section};
use serde::Serialize;

/// The section of differences between the Envfile and a machine.
const ENVFILE: &str = "envfile";

/// The section of differences between the steps and what was applied.
const STEPS: &str = "steps";

/// In which way two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DifferenceKind {
    /// Only the side before has it.
    Missing,
    /// Only the side after has it.
    Extra,
    /// Both have it, with other values.
    Changed,
}

impl DifferenceKind {
    /// As JSON and people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
        }
    }

    /// The kind when both sides change places.
    pub fn mirrored(self) -> Self {
        match self {
            Self::Missing => Self::Extra,
            Self::Extra => Self::Missing,
            Self::Changed => Self::Changed,
        }
    }
}

/// Something in which two sides differ. The side before is what should be, or what was; the side after is what is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// A section of the fingerprint, or `envfile`, or `steps`.
    pub section: String,
    /// What it is about, as its section calls things.
    pub key: String,
    /// In which way.
    pub kind: DifferenceKind,
    /// The fields before: all of them of what is missing, those that differ of what changed.
    pub before: Option<Item>,
    /// The fields after: all of them of what is extra, those that differ of what changed.
    pub after: Option<Item>,
    /// How bad it is.
    pub severity: Severity,
    /// The name of the rule that hides it.
    pub rule: Option<String>,
    /// How many differences with the same cause are counted with it.
    pub also: usize,
}

impl Difference {
    /// A difference of a fingerprint's section; the sides that are there say of which kind.
    pub fn of_item(section: Section, key: &str, before: Option<Item>, after: Option<Item>) -> Self {
        Self::new(section.as_str(), key, before, after)
    }

    /// The Envfile says `declared`, the machine has `actual`.
    pub fn of_envfile(field: &str, declared: Option<&str>, actual: Option<&str>) -> Self {
        let item = |value: &str| Item::from([("value".to_owned(), value.to_owned())]);
        Self::new(ENVFILE, field, declared.map(item), actual.map(item))
    }

    /// A step that would run: `was` is what the ledger knows of it, `why` is why it has to run.
    pub fn of_step(step: &str, was: Option<&str>, why: Option<&str>) -> Self {
        let item = |state: &str| Item::from([("state".to_owned(), state.to_owned())]);
        Self::new(STEPS, step, Some(item("applied")), was.map(|was| item(why.unwrap_or(was))))
    }

    fn new(section: &str, key: &str, before: Option<Item>, after: Option<Item>) -> Self {
        let kind = match (&before, &after) {
            (Some(_), None) => DifferenceKind::Missing,
            (None, Some(_)) => DifferenceKind::Extra,
            _ => DifferenceKind::Changed,
        };
        let (section, key) = (section.to_owned(), key.to_owned());
        let mut difference =
            Self { section, key, kind, before, after, severity: Severity::Notable, rule: None, also: 0 };
        difference.severity = weigh(&difference).0;
        difference
    }

    /// Whether it is about this section of a fingerprint.
    pub fn is_in(&self, section: Section) -> bool {
        self.section == section.as_str()
    }

    /// A field's value before and after.
    pub fn field(&self, name: &str) -> (Option<&str>, Option<&str>) {
        (value(&self.before, name), value(&self.after, name))
    }

    /// The names of the fields on either side, sorted.
    pub fn fields(&self) -> Vec<&str> {
        let sides = self.before.iter().chain(&self.after);
        let mut names: Vec<&str> = sides.flat_map(|item| item.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn value<'a>(side: &'a Option<Item>, name: &str) -> Option<&'a str> {
    side.as_ref().and_then(|item| item.get(name)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_the_contract_says() {
        let difference = Difference::of_envfile("memory", Some("512MiB"), Some("256MiB"));
        assert_eq!(
            serde_json::to_value(&difference).unwrap(),
            serde_json::json!({
                "section": "envfile", "key": "memory", "kind": "changed",
                "before": {"value": "512MiB"}, "after": {"value": "256MiB"},
                "severity": "notable", "rule": null, "also": 0
            })
        );
    }

    #[test]
    fn a_step_should_be_applied_and_is_not() {
        let never = Difference::of_step("1 base.sh", None, Some("not applied yet"));
        assert_eq!((never.kind, never.after), (DifferenceKind::Missing, None));
        let failed = Difference::of_step("1 base.sh", Some("failed"), Some("failed the last time"));
        assert_eq!(failed.field("state"), (Some("applied"), Some("failed the last time")));
    }
}
