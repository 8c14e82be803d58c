//! Drift: below each machine a line for each difference, the worst first; at the end the counts.

use super::shorten::apart;
use super::{Table, count};
use crate::drift::{BASELINE, Difference, DifferenceKind, MachineDrift, Report};
use crate::model::drift::Severity;
use crate::ui::paint::Paint;
use envup_agent::{Item, Section};

/// Longer values are cut: `--json` has them whole.
const LONGEST_VALUE: usize = 32;

/// How much of a value is shown on so many columns.
pub fn value_room(columns: usize) -> usize {
    (columns / 4).min(LONGEST_VALUE)
}

/// What is shown of a report.
pub struct Drift<'a> {
    /// What was found.
    pub report: &'a Report,
    /// Also what rules hide.
    pub strict: bool,
    /// Columns of the terminal: keys and values are cut where that is not enough.
    pub columns: usize,
}

/// A report for people.
pub fn drift(view: &Drift<'_>, paint: Paint) -> String {
    let report = view.report;
    let mut text = format!("{}\n", paint.strong(&format!("{} · {}", report.project, report.environment)));
    // Machines that are in sync are worth a line beside others only.
    let is_quiet = |machine: &MachineDrift| shown(machine, view).is_empty() && machine.unknown.is_empty();
    let has_others = report.machines.iter().any(|machine| !is_quiet(machine));
    for machine in &report.machines {
        match is_quiet(machine) {
            false => text += &machine_drift(machine, view, paint),
            true if has_others => text += &format!("  {}  {} in sync\n", paint.good("✓"), machine.machine),
            true => {}
        }
    }
    text + &summary(report, view.strict)
}

/// The differences of a machine that are shown, the worst first.
fn shown<'r>(machine: &'r MachineDrift, view: &Drift<'_>) -> Vec<&'r Difference> {
    let is_shown = |difference: &&Difference| view.strict || difference.rule.is_none();
    let mut shown: Vec<&Difference> = machine.differences.iter().filter(is_shown).collect();
    shown.sort_by_key(|difference| std::cmp::Reverse(difference.severity));
    shown
}

/// One machine of a report; nothing when nothing is shown of it.
pub fn machine_drift(machine: &MachineDrift, view: &Drift<'_>, paint: Paint) -> String {
    let shown = shown(machine, view);
    if shown.is_empty() && machine.unknown.is_empty() {
        return String::new();
    }
    let mut table = Table::indented(2);
    // The sign's column, and as wide when nothing stands below.
    table.row().plain(" ").cell(&machine.machine, paint.strong(&machine.machine));
    // Even with nothing below, how many hosts were looked at and how old a capture is has to be said.
    if !shown.is_empty() || !machine.reference.is_empty() {
        for heading in headings(machine, view.report) {
            table.cell(&heading, paint.dim(&heading));
        }
    }
    for difference in shown {
        let (before, after) = sides(difference, value_room(view.columns));
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
    let mut text = table.render_within(view.columns);
    for unknown in &machine.unknown {
        text += &format!("  {}  {unknown}\n", paint.notable("?"));
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
        also => format!("{key} (+{also})"),
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
fn sides(difference: &Difference, room: usize) -> (String, String) {
    let several = difference.fields().len() > 1;
    let side = |item: &Option<Item>| match item {
        None => "-".to_owned(),
        Some(item) if difference.kind != DifferenceKind::Changed => principal(item),
        Some(item) => shown_value(item, several),
    };
    let mut both = [side(&difference.before), side(&difference.after)];
    apart(&mut both, room);
    let [before, after] = both;
    (before, after)
}

/// The fields of an item that differ somewhere; `named`, when another side has others.
pub fn shown_value(item: &Item, named: bool) -> String {
    let is_only = item.len() == 1;
    // Whose file it is has been the same before; it is only there where nothing was known of the other side.
    let told = item.iter().filter(|(name, _)| is_only || *name != "package");
    let fields: Vec<String> = told.map(|(name, value)| field(name, value, named)).collect();
    if fields.is_empty() { "-".to_owned() } else { fields.join(" ") }
}

/// What people ask first about something that is on one side only.
pub fn principal(item: &Item) -> String {
    const FIRST: [&str; 9] =
        ["version", "value", "active", "uid", "gid", "subject", "process", "needs", "when"];
    let first = FIRST.into_iter().find_map(|name| Some((name, item.get(name)?)));
    first.map_or_else(|| "present".to_owned(), |(name, value)| field(name, value, true))
}

fn field(name: &str, value: &str, named: bool) -> String {
    let value = match name {
        "sha256" | "keyed" | "files" | "documents" if value.len() == 64 => format!("{}…", &value[..8]),
        _ => value.to_owned(),
    };
    let speaks_for_itself =
        ["value", "version", "sha256", "active", "enabled", "subject", "process", "when", "state"]
            .contains(&name);
    if named && !speaks_for_itself { format!("{name} {value}") } else { value }
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
    let verdict = match (parts.is_empty(), report.machines.len()) {
        (false, _) => parts.join(", "),
        (true, 0) => "in sync".to_owned(),
        (true, machines) => format!("{} in sync", count(machines, "machine")),
    };
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
            machines: vec![machine, MachineDrift::new("db")],
            notes: Vec::new(),
        };
        let shown = |strict| drift(&Drift { report: &report, strict, columns: 80 }, Paint::OFF);
        insta::assert_snapshot!(shown(false), @r"
        shop · dev
             web                    baseline  now
          !  libssl3 (+2)  package  3.0.11-1  3.0.17-1
          ~  bob           user     -         uid 1001
          ?  files /root could not be read: permission denied
          ✓  db in sync
        1 breaking, 1 notable, 1 machine not fully read; 1 in noise rules (--strict shows them).
        ");
        assert!(shown(true).contains("/var/log/dpkg.log") && shown(true).contains("(logs)"));
    }
}
