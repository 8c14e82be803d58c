//! A machine in which changes are planted, round by round.

use super::case::Case;
use super::judge::complaints;
use super::programs;
use crate::support::{Project, debian_box, docker};
use std::fmt::Write as _;

const ENVFILE: &str = r#"
[machine.planted]
box = "debian/12"
provision = [{ file = "programs", to = "/tmp/programs" }]

[drift]
environment = ["CORPUS_*"]
"#;

/// Functions for the scripts of cases.
const TOOLS: &str = include_str!("tools.sh");

/// What is there is the ground for changes.
const GROUND: Case = Case { name: "ground", before: "", change: "unpacked", expect: &[] };

/// The machine.
pub struct Planted {
    project: Project,
    container: String,
}

impl Planted {
    /// Brings it up.
    #[track_caller]
    pub fn up() -> Self {
        debian_box();
        let project = Project::new(ENVFILE);
        programs::build(&project);
        project.env("up").succeeds();
        let [container] = docker::containers(project.directory()).try_into().unwrap();
        Self { project, container }
    }

    /// Takes a baseline in which is all that the cases need, makes all their changes, and asks once.
    #[track_caller]
    pub fn plant(&self, cases: &[&Case]) {
        self.run(&script(cases, |case| case.before));
        self.project.env("accept").succeeds();
        self.run(&script(cases, |case| case.change));
        let report = self.project.env("drift --json").exits(2).json();
        let machine = &report["machines"][0];
        assert_eq!(machine["complete"], true, "{}", machine["unknown"]);
        let complaints = complaints(cases, machine["differences"].as_array().unwrap());
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    #[track_caller]
    fn run(&self, script: &str) {
        self.project.write("script.sh", script);
        self.project.env("copy script.sh planted:/tmp/script.sh").succeeds();
        docker::docker(&["exec", &self.container, "sh", "/tmp/script.sh"]);
    }
}

/// One script of a part of each case; it says in which of them it failed.
fn script(cases: &[&Case], part: impl Fn(&Case) -> &'static str) -> String {
    let mut script = TOOLS.to_owned();
    for case in [&GROUND].into_iter().chain(cases.iter().copied()) {
        let _ = writeln!(script, "case_name={}\n{}", shell_words::quote(case.name), part(case));
    }
    script
}
