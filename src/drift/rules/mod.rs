//! Rules: which differences are known to mean nothing, for everybody ([`noise`]) or for one project (`[drift]`).
//!
//! A rule marks a difference and never takes it away: `--strict` shows what was marked. A difference is hidden when rules
//! cover each of its fields; what comes or goes, when a rule covers that. A file that is
//! breaking by itself, such as one with setuid, never comes or goes behind noise.

mod noise;

use super::difference::{Difference, DifferenceKind};
use crate::model::drift::{IgnoreRule, Severity};
use envup_agent::{Fingerprint, Section};
use noise::{NOISE, Noise};

/// The rules that hold for one stack today.
#[derive(Debug, Clone, Default)]
pub struct Rules<'a> {
    project: Vec<&'a IgnoreRule>,
    expired: Vec<&'a IgnoreRule>,
}

impl<'a> Rules<'a> {
    /// Noise, and the rules of a project that have not expired on this day, `YYYY-MM-DD`.
    pub fn new(ignore: &'a [IgnoreRule], today: &str) -> Self {
        // Days that are written like this are ordered as texts.
        let holds = |rule: &&IgnoreRule| rule.until.as_deref().is_none_or(|until| today <= until);
        let (project, expired) = ignore.iter().partition(holds);
        Self { project, expired }
    }

    /// The project's rules that hold no more: what they hid is reported again.
    pub fn expired(&self) -> &[&'a IgnoreRule] {
        &self.expired
    }

    /// Marks what the rules hide of the differences of two fingerprints.
    pub fn apply(&self, differences: &mut [Difference], before: &Fingerprint, after: &Fingerprint) {
        for difference in differences {
            let noise = NOISE.iter().filter(|rule| concerns(rule, difference, before, after)).collect();
            difference.rule = self.name(difference, &noise);
        }
    }

    /// Marks what the project's rules hide of differences that are not of fingerprints.
    pub fn apply_project(&self, differences: &mut [Difference]) {
        for difference in differences {
            difference.rule = self.name(difference, &Vec::new());
        }
    }

    /// Whether the project's rules alone hide a difference.
    pub fn hide(&self, difference: &Difference) -> bool {
        self.name(difference, &Vec::new()).is_some()
    }

    /// The name of the first of the rules that together cover a difference.
    fn name(&self, difference: &Difference, noise: &Vec<&'static Noise>) -> Option<String> {
        let project = || self.project.iter().filter(|rule| fits(rule, difference));
        let named = |rule: &&IgnoreRule| format!("[drift] {}", rule.reason);
        if difference.kind != DifferenceKind::Changed || difference.fields().is_empty() {
            let is_quiet = !difference.is_in(Section::Files) || difference.severity < Severity::Breaking;
            let noise = noise.iter().find(|rule| rule.presence && is_quiet).map(|rule| rule.name.to_owned());
            return noise.or_else(|| project().find(|rule| rule.field.is_none()).map(named));
        }
        let names = difference.fields().into_iter().map(|field| {
            let noise =
                noise.iter().find(|rule| rule.fields.contains(&field)).map(|rule| rule.name.to_owned());
            noise.or_else(|| project().find(|rule| covers(rule, field)).map(named))
        });
        names.collect::<Option<Vec<String>>>()?.into_iter().next()
    }
}

/// Why a class of noise, by its name, is no drift; `None` for what is no class of noise.
pub fn reason(rule: &str) -> Option<&'static str> {
    NOISE.iter().find(|noise| noise.name == rule).map(|noise| noise.reason)
}

/// Whether a class of noise is about this difference at all.
fn concerns(rule: &Noise, difference: &Difference, before: &Fingerprint, after: &Fingerprint) -> bool {
    let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, &difference.key));
    rule.section == difference.section
        && any(rule.keys)
        && !any(rule.except)
        && rule.when.holds(difference, before, after)
}

/// Whether a rule of a project is about this difference.
fn fits(rule: &IgnoreRule, difference: &Difference) -> bool {
    rule.section.as_deref().is_none_or(|section| section == difference.section)
        && rule.key.as_deref().is_none_or(|pattern| matches(pattern, &difference.key))
}

fn covers(rule: &IgnoreRule, field: &str) -> bool {
    rule.field.as_deref().is_none_or(|only| only == field)
}

/// Whether a pattern fits a key: `*` stops at slashes, `**` does not.
fn matches(pattern: &str, key: &str) -> bool {
    pattern == "**" || pattern == key || glob_match::glob_match(pattern, key)
}

/// The classes for people, in Markdown.
#[cfg(test)]
fn document() -> String {
    let list = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let mut text = include_str!("document.md").to_owned();
    for class in NOISE {
        let mut keys = list(class.keys);
        if !class.except.is_empty() {
            keys += &format!("; not {}", list(class.except));
        }
        let fields = if class.fields == noise::CONTENT { "content".to_owned() } else { list(class.fields) };
        let covers = match (class.presence, class.fields) {
            (false, _) => fields,
            (true, []) => "that it is there".to_owned(),
            (true, _) => format!("{fields}, that it is there"),
        };
        let Noise { name, section, reason, when, .. } = class;
        text += &format!("| {name} | {section} | {keys} | {covers}{} | {reason} |\n", when.words());
    }
    text
}

#[cfg(test)]
mod tests;
