//! Drift: below each machine a line for each difference, the worst first; at the end the counts.

use super::{Table, count, truncate};
use crate::drift::{BASELINE, Difference, DifferenceKind, MachineDrift, Report};
use crate::model::drift::Severity;
use crate::ui::paint::Paint;
use envup_agent::{Item, Section};

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
        text += &machine_drift(machine, view, paint);
    }
    text + &summary(report, view.strict)
}

/// One machine of a report; nothing when nothing is shown of it.
pub fn machine_drift(machine: &MachineDrift, view: &Drift<'_>, paint: Paint) -> String {
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
        let sign = sign_of(difference.severity);
        let painted = match difference.rule {
            Some(_) => paint.dim(sign),
            None => paint.severity(difference.severity, sign),
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
        _ if machine.outlier => (format!("most of {against}"), "this one".to_owned()),
        "" => ("here".to_owned(), against),
        reference => ("here".to_owned(), format!("{against} ({reference})")),
    };
    [String::new(), left, right]
}

/// The one sign of a severity.
pub fn sign_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Breaking => "!",
        Severity::Notable => "~",
        Severity::Cosmetic => "·",
    }
}

/// The key, and how much else came with it.
fn key(difference: &Difference) -> String {
    let key = shown_key(&difference.section, &difference.key);
    match difference.also {
        0 => key.to_owned(),
        also => format!("{key} (and {also} with it)"),
    }
}

/// A key for people: which of the distribution's managers a package is of goes without saying.
pub fn shown_key<'k>(section: &str, key: &'k str) -> &'k str {
    let bare = ["dpkg:", "rpm:", "apk:"].into_iter().find_map(|manager| key.strip_prefix(manager));
    bare.filter(|_| section == Section::Packages.as_str()).unwrap_or(key)
}

/// One thing of a section.
pub fn word(section: &str) -> &str {
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
    let several = difference.fields().len() > 1;
    let side = |item: &Option<Item>| match item {
        None => "-".to_owned(),
        Some(item) if difference.kind != DifferenceKind::Changed => principal(item),
        Some(item) => fields(item, several),
    };
    (side(&difference.before), side(&difference.after))
}

/// The fields of an item that differ somewhere.
pub fn shown_value(item: &Item) -> String {
    fields(item, item.len() > 1)
}

fn fields(item: &Item, named: bool) -> String {
    if item.is_empty() {
        return "-".to_owned();
    }
    let fields = item.iter().map(|(name, value)| field(name, value, named));
    truncate(&fields.collect::<Vec<_>>().join(" "), VALUE)
}

/// What people ask first about something that is on one side only.
fn principal(item: &Item) -> String {
    const FIRST: [&str; 9] =
        ["version", "value", "active", "uid", "gid", "subject", "process", "needs", "when"];
    let first = FIRST.into_iter().find_map(|name| Some((name, item.get(name)?)));
    first.map_or_else(|| "present".to_owned(), |(name, value)| truncate(&field(name, value, true), VALUE))
}

fn field(name: &str, value: &str, named: bool) -> String {
    let value = match name {
        "sha256" | "keyed" | "files" | "documents" if value.len() == 64 => format!("{}…", &value[..8]),
        _ => value.to_owned(),
    };
    if named && !matches!(name, "value" | "version" | "sha256" | "active" | "subject" | "process" | "when") {
        format!("{name} {value}")
    } else {
        value
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn item(fields: &[(&str, &str)]) -> Option<Item> {
        Some(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_worst_comes_first_and_noise_only_when_asked_for() {
        let mut machine = MachineDrift::new("web");
        let mut ssl = Difference::of_envfile("dpkg:libssl3", None, None);
        ssl.section = "packages".into();
        ssl.severity = Severity::Breaking;
        (ssl.before, ssl.after) = (item(&[("version", "3.0.11-1")]), item(&[("version", "3.0.17-1")]));
        ssl.also = 2;
        let mut log = Difference::of_envfile("/var/log/dpkg.log", None, None);
        (log.section, log.rule) = ("files".into(), Some("logs".into()));
        let mut bob = Difference::of_envfile("bob", None, Some(""));
        (bob.section, bob.after) = ("users".into(), item(&[("uid", "1001"), ("shell", "/bin/sh")]));
        machine.differences = vec![log, bob, ssl];
        machine.cannot_tell("files /root could not be read: permission denied");
        let report = Report {
            project: "shop".into(),
            environment: "dev".into(),
            against: BASELINE.into(),
            machines: vec![machine],
            notes: Vec::new(),
        };
        let shown = |strict| drift(&Drift { report: &report, strict }, Paint::OFF);
        insta::assert_snapshot!(shown(false), @r"
        shop · dev
             web                               baseline  now
          !  libssl3 (and 2 with it)  package  3.0.11-1  3.0.17-1
          ~  bob                      user     -         uid 1001
          ? files /root could not be read: permission denied
        1 breaking, 1 notable, 1 machine not fully read; 1 in noise rules (--strict shows them).
        ");
        assert!(shown(true).contains("/var/log/dpkg.log") && shown(true).contains("(logs)"));
    }
}
