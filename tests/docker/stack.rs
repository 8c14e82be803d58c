//! A project whose machines live in the real engine, and short ways to say what tests say often.

use super::engine::{self, docker};
use super::running::Running;
use crate::support::{Outcome, Project, identity};
use std::path::Path;

/// A project with a name that nobody else uses; everything of that name goes when the test ends, also copies.
pub struct Stack {
    pub project: Project,
    name: String,
}

impl Stack {
    /// A stack with this Envfile, to which the name is added. `IMAGE` in it stands for the image of most machines.
    pub fn new(envfile: &str) -> Self {
        let project = Project::empty();
        let place =
            project.directory().parent().unwrap().file_name().unwrap().to_string_lossy().to_lowercase();
        let name = place.replace("envup-test-", "t").replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let stack = Self { project, name };
        stack.envfile(envfile);
        stack
    }

    /// Rewrites the Envfile.
    pub fn envfile(&self, text: &str) {
        let text =
            if text.contains("IMAGE") { text.replace("IMAGE", engine::image()) } else { text.to_owned() };
        self.project.write("Envfile", &format!("name = \"{}\"\n{text}", self.name));
    }

    /// What the name of everything in the engine begins with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `env` to its end.
    pub fn env(&self, words: &str) -> Outcome {
        self.project.env(words)
    }

    /// Runs `env` to its end in another directory, as the same user.
    pub fn env_in(&self, directory: &Path, words: &str) -> Outcome {
        let words: Vec<&str> = words.split_whitespace().collect();
        self.project.command(&words).within(directory).run()
    }

    /// Starts `env` and lets it run.
    pub fn start(&self, words: &str) -> Running {
        Running::start(self.project.command(&words.split_whitespace().collect::<Vec<_>>()))
    }

    /// Brings it up; then nothing must be left to do.
    #[track_caller]
    pub fn up(&self) -> Outcome {
        let outcome = self.env("up").succeeds();
        self.nothing_to_do();
        outcome
    }

    /// The plan must be empty.
    #[track_caller]
    pub fn nothing_to_do(&self) {
        self.env("plan").succeeds();
    }

    /// What a plan says of one machine: the action, and the fields that are its reasons.
    #[track_caller]
    pub fn planned(&self, machine: &str) -> (String, Vec<String>) {
        let plan = self.env("plan --json").json();
        let actions = plan["actions"].as_array().unwrap();
        let is_it = |action: &&serde_json::Value| action["target"] == "machine" && action["name"] == machine;
        let action = actions.iter().find(is_it).unwrap_or_else(|| panic!("no {machine} in {plan}"));
        let reasons = action["reasons"].as_array().unwrap().iter();
        let fields = reasons.map(|reason| reason["field"].as_str().unwrap().to_owned()).collect();
        (action["action"].as_str().unwrap().to_owned(), fields)
    }

    /// The plan must have one thing to do: this action on this machine, for these fields.
    #[track_caller]
    pub fn must_plan(&self, machine: &str, action: &str, fields: &[&str]) {
        let plan = self.env("plan --json").exits(2);
        assert_eq!(plan.json()["changes"], 1, "{plan}");
        let (planned, reasons) = self.planned(machine);
        assert_eq!(
            (planned.as_str(), reasons),
            (action, fields.iter().map(|field| (*field).into()).collect())
        );
    }

    /// The container of a machine, by name.
    pub fn container(&self, machine: &str) -> String {
        self.container_of(self.project.directory(), machine)
    }

    /// The container of a machine of the checkout in another directory.
    pub fn container_of(&self, directory: &Path, machine: &str) -> String {
        let id = identity(directory).unwrap();
        format!("{}-{}-{machine}", self.name, &id[..6])
    }

    /// The engine's id of a machine: another one means another container.
    #[track_caller]
    pub fn id(&self, machine: &str) -> String {
        docker(&format!("inspect --format {{{{.Id}}}} {}", self.container(machine)))
    }

    /// Runs a shell script in a machine, through docker.
    #[track_caller]
    pub fn inside(&self, machine: &str, script: &str) -> String {
        docker(&format!("exec {} /bin/sh -c {}", self.container(machine), shell_words::quote(script)))
    }

    /// Runs `env` with exactly these words to its end.
    pub fn env_words(&self, words: &[&str]) -> Outcome {
        self.project.env_words(words)
    }

    /// Names of the layers in the engine that this stack made or used.
    pub fn layers(&self) -> Vec<String> {
        let known = std::fs::read_to_string(self.project.data().join("layers.json")).unwrap_or_default();
        let known: serde_json::Value = serde_json::from_str(&known).unwrap_or_default();
        let keys = known["layers"].as_object().into_iter().flat_map(|layers| layers.keys());
        let names = keys.map(|key| format!("envup-layer:{}", &key[..12]));
        let kept = docker("images --format {{.Repository}}:{{.Tag}} envup-layer");
        names.filter(|name| kept.lines().any(|line| line == name)).collect()
    }

    /// Everything of this stack and its copies in the engine.
    pub fn things(&self) -> Vec<String> {
        engine::things(&format!("{}-", self.name))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        engine::clean(&format!("{}-", self.name));
        // And of other environments.
        engine::clean(&format!("{}.", self.name));
    }
}
