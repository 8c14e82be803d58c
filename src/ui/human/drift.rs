//! Drift: below each machine a line for each difference, the worst first; at the end the counts.

use super::{Table, count, truncate};
use crate::drift::{BASELINE, Difference, MachineDrift, Report};
use crate::model::drift::Severity;
use crate::ui::paint::Paint;
use envup_agent::Item;

/// Longer values are cut: `--json` has them whole.
const VALUE: usize = 32;

/// What is shown of a report.
pub struct Drift<'a> {
    /// What was found.
    pub report: &'a Report,
    /// Also what rules hide.
    pub strict: bool,
}

/// A report for people.
pub fn drift(view: &Drift<'_>, paint: Paint) -> String {
    let report = view.report;
    let mut text = format!("{}\n", paint.strong(&format!("{} · {}", report.project, report.environment)));
    for machine in &report.machines {
        text += &one(machine, view, paint);
    }
    text + &summary(report, view.strict)
}

fn one(machine: &MachineDrift, view: &Drift<'_>, paint: Paint) -> String {
    let mut shown: Vec<&Difference> =
        machine.differences.iter().filter(|difference| view.strict || difference.rule.is_none()).collect();
    if shown.is_empty() && machine.unknown.is_empty() {
        return String::new();
    }
    shown.sort_by_key(|difference| std::cmp::Reverse(difference.severity));
    let mut table = Table::indented(2);
    table.row().plain("").plain(machine.machine.as_str());
    for heading in headings(machine, view.report) {
        table.cell(&heading, paint.dim(&heading));
    }
    for difference in shown {
        let (before, after) = sides(difference);
        let sign = sign(difference);
        let painted = match difference.severity {
            _ if difference.rule.is_some() => paint.dim(sign),
            Severity::Breaking => paint.bad(sign),
            Severity::Notable => paint.notable(sign),
            Severity::Cosmetic => paint.dim(sign),
        };
        let section = word(&difference.section);
        table.row().cell(sign, painted).plain(key(difference)).cell(section, paint.dim(section));
        table.plain(before).plain(after);
        if let Some(rule) = &difference.rule {
            table.cell(&format!("({rule})"), paint.dim(&format!("({rule})")));
        }
    }
    let mut text = table.render();
    for unknown in &machine.unknown {
        text += &format!("  {} {unknown}\n", paint.notable("?"));
    }
    text
}

/// What each column of values is of: the baseline and now, or here and there.
fn headings(machine: &MachineDrift, report: &Report) -> [String; 3] {
    let against = report.against.clone();
    let (left, right) = match machine.reference.as_str() {
        _ if report.against == BASELINE => (against, "now".to_owned()),
        "" => ("here".to_owned(), against),
        reference => ("here".to_owned(), format!("{against} ({reference})")),
    };
    [String::new(), left, right]
}

fn sign(difference: &Difference) -> &'static str {
    match difference.severity {
        Severity::Breaking => "!",
        Severity::Notable => "~",
        Severity::Cosmetic => "·",
    }
}

/// The key, and how much else came with it.
fn key(difference: &Difference) -> String {
    match difference.also {
        0 => difference.key.clone(),
        also => format!("{} (and {also} with it)", difference.key),
    }
}

/// One thing of a section.
fn word(section: &str) -> &str {
    match section {
        "packages" => "package",
        "runtimes" => "runtime",
        "libraries" => "library",
        "files" => "file",
        "users" => "user",
        "groups" => "group",
        "services" => "service",
        "ports" => "port",
        "sysctls" => "sysctl",
        "limits" => "limit",
        "certificates" => "certificate",
        "mounts" => "mount",
        "schedules" => "schedule",
        "steps" => "step",
        "envfile" => "Envfile",
        other => other,
    }
}

/// Both sides in as few words as tell them apart.
fn sides(difference: &Difference) -> (String, String) {
    let names = difference.before.iter().chain(&difference.after).flat_map(Item::keys);
    let several = names.collect::<std::collections::BTreeSet<_>>().len() > 1;
    let side = |item: &Option<Item>, missing: &str| match item {
        None => missing.to_owned(),
        Some(item) if item.is_empty() => "present".to_owned(),
        Some(item) => {
            let fields = item.iter().map(|(name, value)| field(name, value, several));
            truncate(&fields.collect::<Vec<_>>().join(" "), VALUE)
        }
    };
    (side(&difference.before, "-"), side(&difference.after, "-"))
}

fn field(name: &str, value: &str, named: bool) -> String {
    let value = match name {
        "sha256" | "keyed" | "files" | "documents" if value.len() == 64 => format!("{}…", &value[..8]),
        _ => value.to_owned(),
    };
    if named && !matches!(name, "value" | "version" | "sha256") { format!("{name} {value}") } else { value }
}

fn summary(report: &Report, strict: bool) -> String {
    let all = || report.machines.iter().flat_map(|machine| &machine.differences);
    let hidden = all().filter(|difference| difference.rule.is_some()).count();
    let mut parts: Vec<String> = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let of = |difference: &&Difference| difference.severity == severity && difference.rule.is_none();
        let number = all().filter(of).count();
        if number > 0 {
            parts.push(format!("{number} {}", severity.as_str()));
        }
    }
    let incomplete = report.machines.iter().filter(|machine| !machine.complete).count();
    if incomplete > 0 {
        parts.push(format!("{} not fully read", count(incomplete, "machine")));
    }
    let verdict = if parts.is_empty() { "in sync".to_owned() } else { parts.join(", ") };
    match hidden {
        0 => format!("{verdict}.\n"),
        _ if strict => format!("{verdict}; {hidden} of noise rules.\n"),
        _ => format!("{verdict}; {hidden} in noise rules (--strict shows them).\n"),
    }
}
