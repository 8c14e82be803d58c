//! How bad a difference is: the worst that the table says of its fields.
//!
//! The table is data with a word why; `docs/severity.md` is made from it. Projects that see it otherwise have rules.

mod table;
mod when;

use super::difference::{Difference, DifferenceKind};
use crate::model::drift::Severity;
use table::TABLE;
use when::When;

/// A line of the table. Of the lines that fit a field, the first one counts.
#[derive(Debug)]
pub struct Weight {
    section: &'static str,
    /// Pattern of keys; `**` is any.
    key: &'static str,
    /// A field; `*` is any, and stands for the item itself where it is missing or extra.
    field: &'static str,
    when: When,
    severity: Severity,
    why: &'static str,
}

/// How bad a difference is, and why: the line that decided.
pub fn weigh(difference: &Difference) -> (Severity, &'static str) {
    let lines = difference.fields().into_iter().filter_map(|field| line(difference, field));
    let worst = lines.max_by_key(|line| line.severity).or_else(|| line(difference, "*"));
    worst.map_or((Severity::Notable, "it differs"), |line| (line.severity, line.why))
}

/// The first line that fits a field.
fn line(difference: &Difference, field: &str) -> Option<&'static Weight> {
    let (before, after) = difference.field(field);
    let is_whole = difference.kind != DifferenceKind::Changed;
    TABLE.iter().find(|line| {
        line.section == difference.section
            && (line.field == "*" || line.field == field)
            && (line.key == "**" || glob_match::glob_match(line.key, &difference.key))
            // Values of what is missing or extra say little: only lines that are about that, or about a value, count.
            && (!is_whole || matches!(line.when, When::Is(_) | When::SetId) || line.field == "*")
            && line.when.holds(difference.kind, before, after)
    })
}

/// The table for people, in Markdown.
#[cfg(test)]
fn document() -> String {
    let mut text = include_str!("document.md").to_owned();
    for line in TABLE {
        let Weight { section, key, field, when, severity, why } = line;
        let key = if *key == "**" { "any".to_owned() } else { format!("`{key}`") };
        let field = if *field == "*" { "any".to_owned() } else { format!("`{field}`") };
        text +=
            &format!("| {section} | {key} | {field} | {} | {} | {why} |\n", when.words(), severity.as_str());
    }
    text
}

#[cfg(test)]
mod tests;
