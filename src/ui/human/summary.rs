//! The last line of `up`: whether it is up, how long it took, where to look, what was slowest.

use super::status::is_loopback;
use crate::event::Outcome;
use crate::model::observed::{PublishedPort, State};
use crate::model::status::StackStatus;
use crate::ui::board::{StepTime, took};
use crate::ui::paint::Paint;

/// A step faster than this is not worth a word.
const SLOW: f64 = 0.5;
/// Between the parts of the line.
const SEPARATOR: &str = " · ";
/// More addresses than this do not fit into a line; `env port` tells them all.
const MOST_ADDRESSES: usize = 3;

/// What the last line is made from.
#[derive(Debug)]
pub struct Summary<'a> {
    /// How the stack stands.
    pub status: &'a StackStatus,
    /// Seconds it took.
    pub seconds: f64,
    /// The step that took longest.
    pub slowest: Option<&'a StepTime>,
    /// Whether nothing had to be done.
    pub unchanged: bool,
}

/// The last line of `up`; what does not fit into the columns stands below it.
pub fn up(summary: &Summary<'_>, columns: usize, paint: Paint) -> String {
    let project = paint.strong(&summary.status.project);
    let first = if summary.unchanged {
        format!("{project} is up, nothing to do ({})", took(summary.seconds))
    } else {
        format!("{project} is up in {}", took(summary.seconds))
    };
    let mut parts = vec![first];
    let running = summary.status.machines.iter().filter(|machine| machine.state == State::Running);
    let ports: Vec<&PublishedPort> = running.flat_map(|machine| &machine.ports).collect();
    parts.extend(ports.iter().take(MOST_ADDRESSES).map(|port| address(port)));
    if ports.len() > MOST_ADDRESSES {
        parts.push(format!("{} more ports", ports.len() - MOST_ADDRESSES));
    }
    if let Some(step) = summary.slowest.filter(|step| step.seconds >= SLOW) {
        parts.push(format!("slowest: {} {} {}", step.machine, step.step, took(step.seconds)));
    }
    folded(&parts, columns, project.len() - summary.status.project.len())
}

/// Joins the parts, a new line before each that would wrap; `unseen` bytes of the first part are colours.
fn folded(parts: &[String], columns: usize, unseen: usize) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (index, part) in parts.iter().enumerate() {
        let length = part.chars().count() - if index == 0 { unseen } else { 0 };
        let separator = match index {
            0 => "",
            _ if width + SEPARATOR.chars().count() + length <= columns => SEPARATOR,
            _ => "\n  ",
        };
        width = if separator == "\n  " { 2 } else { width + separator.chars().count() } + length;
        text.push_str(separator);
        text.push_str(part);
    }
    text + "\n"
}

/// Ports that browsers open are shown as something to click on.
fn address(port: &PublishedPort) -> String {
    let everywhere = matches!(port.host_ip.as_str(), "0.0.0.0" | "::" | "");
    let host = if everywhere || is_loopback(&port.host_ip) { "127.0.0.1" } else { &port.host_ip };
    match port.guest.as_str() {
        "80/tcp" | "3000/tcp" | "5000/tcp" | "8000/tcp" | "8080/tcp" => {
            format!("http://{host}:{}", port.host)
        }
        "443/tcp" | "8443/tcp" => format!("https://{host}:{}", port.host),
        guest if guest.ends_with("/udp") => format!("{host}:{}/udp", port.host),
        _ => format!("{host}:{}", port.host),
    }
}

/// The last lines of an `up` that failed or was interrupted: what is left, and how to go on.
pub fn not_up(project: &str, outcomes: &[(&str, Outcome)], interrupted: bool, paint: Paint) -> String {
    let named = |wanted: fn(Outcome) -> bool| {
        let names = outcomes.iter().filter(|(_, outcome)| wanted(*outcome)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    let groups = [
        (named(|outcome| outcome == Outcome::Failed), "failed"),
        (
            named(|outcome| outcome == Outcome::Skipped),
            if interrupted { "not finished" } else { "not begun" },
        ),
        (named(|outcome| !matches!(outcome, Outcome::Failed | Outcome::Skipped)), "up"),
    ];
    let groups = groups.iter().filter(|(names, _)| !names.is_empty());
    let state: Vec<String> = groups.map(|(names, state)| format!("{names} {state}")).collect();
    let how = if interrupted { "interrupted" } else { "not up" };
    format!(
        "{} is {how}: {}\n{} `env up` goes on from here, `env destroy` takes everything down",
        paint.strong(project),
        state.join(" · "),
        paint.active("hint:")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::status::{MachineStatus, StepCounts};

    #[test]
    fn a_failure_says_what_is_left_and_how_to_go_on() {
        let outcomes = [("db", Outcome::Ready), ("web", Outcome::Failed), ("proxy", Outcome::Skipped)];
        insta::assert_snapshot!(not_up("shop", &outcomes, false, Paint::OFF), @r"
        shop is not up: web failed · proxy not begun · db up
        hint: `env up` goes on from here, `env destroy` takes everything down
        ");
    }

    #[test]
    fn it_says_where_to_look_and_what_was_slow() {
        let ports = ["80/tcp", "5432/tcp"].map(|guest| PublishedPort {
            guest: guest.into(),
            host: 8080,
            host_ip: "127.0.0.1".into(),
        });
        let machine = MachineStatus {
            name: "web".into(),
            provider: "docker".into(),
            state: State::Running,
            exit_code: None,
            ready: true,
            address: None,
            ports: ports.to_vec(),
            steps: StepCounts::default(),
        };
        let status =
            StackStatus { project: "shop".into(), environment: "dev".into(), machines: vec![machine] };
        let slowest = StepTime { machine: "db".into(), step: "puppet".into(), seconds: 2.9 };
        let summary = Summary { status: &status, seconds: 6.8, slowest: Some(&slowest), unchanged: false };
        assert_eq!(
            up(&summary, 200, Paint::OFF),
            "shop is up in 6.8s · http://127.0.0.1:8080 · 127.0.0.1:8080 · slowest: db puppet 2.9s\n"
        );
        assert_eq!(
            up(&summary, 60, Paint::OFF),
            "shop is up in 6.8s · http://127.0.0.1:8080 · 127.0.0.1:8080\n  slowest: db puppet 2.9s\n"
        );
        let summary = Summary { slowest: None, seconds: 0.02, unchanged: true, ..summary };
        assert!(up(&summary, 200, Paint::OFF).starts_with("shop is up, nothing to do (20ms) · http"));
    }
}
