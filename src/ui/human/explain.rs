//! Differences in words: what each means, and how both sides become alike.

use crate::drift::{BASELINE, Difference, MachineDrift, Report, Side, explain};
use crate::model::duration::human;
use crate::ui::paint::Paint;
use std::time::Duration;

/// The differences that a key means, by machine: all that are shown when it is empty, else also hidden ones.
pub fn explained<'r>(report: &'r Report, key: &str) -> Vec<(&'r MachineDrift, &'r Difference)> {
    let is_meant = |difference: &Difference| match key {
        "" => difference.rule.is_none(),
        key => difference.key == key || difference.key.rsplit(':').next() == Some(key),
    };
    let of = |machine: &'r MachineDrift| machine.differences.iter().map(move |one| (machine, one));
    report.machines.iter().flat_map(of).filter(|(_, difference)| is_meant(difference)).collect()
}

/// One difference in words; `diff` is what changed in the text of a file, when that may be shown.
pub fn explanation(
    report: &Report,
    machine: &MachineDrift,
    difference: &Difference,
    diff: Option<&str>,
    paint: Paint,
) -> String {
    // What was is right until somebody accepts what is; of another environment, that one is.
    let wanted = if report.against == BASELINE || machine.outlier { Side::Before } else { Side::After };
    let explanation = explain(&machine.machine, difference, wanted);
    let mut text = format!("{}: {}\n", paint.strong(&machine.machine), explanation.meaning);
    for line in explanation.hidden.iter().chain(&explanation.align) {
        text += &format!("  {line}{}\n", cost(machine, line));
    }
    for line in diff.unwrap_or_default().lines() {
        text += &match line.as_bytes().first() {
            Some(b'+') => format!("    {}\n", paint.good(line)),
            Some(b'-') => format!("    {}\n", paint.bad(line)),
            _ => format!("    {line}\n"),
        };
    }
    text
}

/// What making a machine anew takes, behind the line that proposes it.
fn cost(machine: &MachineDrift, line: &str) -> String {
    let took = machine.steps_took.filter(|_| line.contains("env rebuild"));
    let took = took.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    took.map_or_else(String::new, |took| format!(" (its steps took {} the last time)", human(took)))
}
