//! What a difference means, and how both sides become alike: a few lines for people, made from the difference alone.
//!
//! Nothing is looked up and nothing is done. Commands are to be read before they are run: values come from machines, and are
//! quoted for a shell.

mod align;

use super::comparison::Side;
use super::difference::{Difference, DifferenceKind};
use super::rules::reason;
use super::severity::weigh;

/// A difference in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it means: how bad it is, and why.
    pub meaning: String,
    /// Why it is hidden, when a rule hides it.
    pub hidden: Option<String>,
    /// Ways to make both sides alike, the best first: each a line, some with a command.
    pub align: Vec<String>,
}

/// Explains a difference of a machine; `wanted` is the side that is right.
pub fn explain(machine: &str, difference: &Difference, wanted: Side) -> Explanation {
    let (severity, why) = weigh(difference);
    let what = match difference.kind {
        DifferenceKind::Missing => "is not there any more".to_owned(),
        DifferenceKind::Extra => "was not there".to_owned(),
        DifferenceKind::Changed => format!("differs in {}", difference.fields().join(", ")),
    };
    let mut meaning = format!("{} {what}: {why} ({})", difference.key, severity.as_str());
    meaning += &match difference.also {
        0 => String::new(),
        1 => "; 1 more difference comes with it".to_owned(),
        also => format!("; {also} more differences come with it"),
    };
    let hidden = difference.rule.as_deref().map(|rule| match reason(rule) {
        Some(reason) => format!("hidden by the noise rule `{rule}`: {reason}"),
        None => format!("hidden by the Envfile: {}", rule.trim_start_matches("[drift] ")),
    });
    Explanation { meaning, hidden, align: align::align(machine, difference, wanted) }
}

#[cfg(test)]
mod tests;
