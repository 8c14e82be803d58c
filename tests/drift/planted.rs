//! A container in which changes are planted, round by round.

use super::corpus::case::Case;
use super::corpus::judge::complaints;
use super::corpus::{ENVFILE, programs, script};
use crate::support::{Project, debian_box, docker};

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
        programs::build(project.directory());
        project.env("up").succeeds();
        let [container] = docker::containers(project.directory()).try_into().unwrap();
        Self { project, container }
    }

    /// Takes a baseline in which is all that the cases need, makes all their changes, and asks once.
    #[track_caller]
    pub fn plant(&self, cases: &[&Case]) {
        self.run(&script(cases, |case| case.before));
        self.project.env("accept --yes").succeeds();
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
