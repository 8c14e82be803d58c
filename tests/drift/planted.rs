//! Plants changes in a machine and asks what changed.

use super::case::Case;
use super::judge::complaints;
use super::programs;
use crate::support::{Project, debian_box, docker};
use std::fmt::Write as _;

const ENVFILE: &str = r#"
[machine.planted]
box = "debian/12"
provision = [
    { file = "programs", to = "/tmp/programs" },
    { file = "change.sh", to = "/tmp/change.sh" },
    { shell = "before.sh" },
]

[drift]
environment = ["CORPUS_*"]
"#;

/// Functions for the scripts of cases.
const TOOLS: &str = include_str!("tools.sh");

/// What all cases need has to be there when `up` takes its baseline; then all changes are made.
#[track_caller]
pub fn in_one_machine(cases: &[&Case]) {
    debian_box();
    let project = Project::new(ENVFILE);
    project.write("before.sh", &script(cases, |case| case.before));
    programs::build(&project);
    project.write("change.sh", &script(cases, |case| case.change));
    project.env("up").succeeds();
    project.env("drift").succeeds();
    let [container] = docker::containers(project.directory()).try_into().unwrap();
    docker::docker(&["exec", &container, "sh", "/tmp/change.sh"]);
    let drift = project.env("drift --json").exits(2);
    let report = drift.json();
    let machine = &report["machines"][0];
    assert_eq!(machine["complete"], true, "{}", machine["unknown"]);
    let complaints = complaints(cases, machine["differences"].as_array().unwrap());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// One script of a part of each case; it says in which of them it failed.
fn script(cases: &[&Case], part: impl Fn(&Case) -> &'static str) -> String {
    let mut script = TOOLS.to_owned();
    for case in cases {
        let _ = writeln!(script, "case_name={}\n{}", shell_words::quote(case.name), part(case));
    }
    script
}
