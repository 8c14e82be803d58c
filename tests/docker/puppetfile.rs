//! Modules that a Puppetfile names, fetched by the real r10k from repositories of this host.
//!
//! What applies them here is a FAKE puppet: a shell script that notes which modules it finds on its module path. The real one does so
//! in the example of a control repository.

use super::stack::Stack;
use std::fs;
use std::process::Command;

const FAKE: &str = r#"#!/bin/sh
# FAKE puppet of envup's tests
if [ "$1" != apply ]; then exit 0; fi # a fingerprint asks for its version
while [ $# -gt 1 ]; do
  case $1 in --modulepath) path=$2 ;; esac
  shift
done
IFS=:
for directory in $path; do
  for module in "$directory"/*; do
    if [ -d "$module/manifests" ]; then echo "${module##*/}"; fi
  done
done >/root/modules
"#;

const ENVFILE: &str = r#"
[machine.web]
image = "IMAGE"

[[machine.web.provision]]
file = "fake"
to = "/usr/local/bin/puppet"
mode = "0755"

[[machine.web.provision]]
puppet = "ops"
"#;

/// A control repository with a module of its own, and one more in a git repository that the Puppetfile names.
fn stack() -> Stack {
    let stack = Stack::new(ENVFILE);
    let project = &stack.project;
    project.write("fake", FAKE).write("ops/manifests/site.pp", "include motd\n");
    project.write("ops/modules/own/manifests/init.pp", "class own {}\n");
    project.write("elsewhere/motd/manifests/init.pp", "class motd {}\n");
    for words in ["init --quiet", "add .", "-c user.name=me -c user.email=me@example.org commit --quiet -m x"]
    {
        let git =
            Command::new("git").args(words.split(' ')).current_dir(project.path("elsewhere/motd")).status();
        assert!(git.unwrap().success());
    }
    let place = project.path("elsewhere/motd");
    project.write(
        "ops/Puppetfile",
        &format!("mod 'own', :local => true\nmod 'motd', :git => '{}'\n", place.display()),
    );
    stack
}

#[test]
fn modules_are_fetched_once_and_beside_the_checkout() {
    let stack = stack();
    stack.env("up").exits(1).stderr_has("web runs ops/Puppetfile with r10k on this host");
    assert_eq!(stack.things(), Vec::<String>::new());
    stack.env("allow").succeeds();
    stack.up();
    assert_eq!(stack.inside("web", "cat /root/modules"), "own\nmotd");
    assert!(!stack.project.path("ops/modules/motd").exists());
    stack.env("up").succeeds().stdout_has("nothing to do");

    // The same Puppetfile needs what it names no more; consent goes with it, and not with what else is there.
    fs::remove_dir_all(stack.project.path("elsewhere")).unwrap();
    stack.project.write("ops/manifests/site.pp", "include motd, own\n");
    let plan = stack.env("plan --json").exits(2).json();
    assert!(plan.to_string().contains("step.2 ops"), "{plan}");
    stack.up();

    // Another one is asked for, and what cannot be fetched is said before anything changes.
    stack.project.change("ops/Puppetfile", "'motd', ", "'motd', :branch => 'main', ");
    stack.env("up").exits(1).stderr_has("--allow=");
    stack.env("allow").succeeds();
    let failed = stack.env("up").exits(1);
    failed
        .stderr_has("step ops: r10k cannot fetch the modules of ops/Puppetfile")
        .stderr_has("elsewhere/motd' does not appear to be a git repository");
    let kept: Vec<_> = fs::read_dir(stack.project.path(".envup/puppet")).unwrap().flatten().collect();
    assert_eq!(kept.iter().filter(|entry| entry.path().is_dir()).count(), 1, "{kept:?}");
}

#[test]
fn what_is_wrong_with_a_puppetfile_creates_nothing() {
    let stack = stack();
    let refused = |code: i32, expected: &[&str]| {
        stack.env("allow").succeeds();
        let outcome = stack.env("up").exits(code);
        expected.iter().fold(outcome, |outcome, expected| outcome.stderr_has(expected));
        assert_eq!(stack.things(), Vec::<String>::new());
    };
    stack.project.write("ops/Puppetfile", "mod 'motd', :git => '/nowhere/motd'\n");
    refused(
        1,
        &["r10k cannot fetch the modules of ops/Puppetfile", "repository '/nowhere/motd' does not exist"],
    );
    stack.project.write("ops/Puppetfile", "mod 'motd', git: 'x'\n)(\n");
    refused(1, &["r10k cannot fetch the modules of ops/Puppetfile", "ops/Puppetfile:2: syntax error"]);
    stack.project.write("ops/Puppetfile", "mod 'motd', :local => true\n");
    refused(1, &["r10k fetched no module motd of ops/Puppetfile"]);

    stack.project.write("ops/Puppetfile", "moduledir '/srv/modules'\nmod 'motd', :git => '/nowhere/motd'\n");
    stack.env("up").exits(64).stderr_has("Puppetfile are not there: motd").stderr_has("/srv/modules");
    stack.project.write("ops/Puppetfile", "mod 'motd', :git => '/nowhere/motd'\n");
    let nothing = stack.project.path("nothing");
    fs::create_dir(&nothing).unwrap();
    let without = stack.project.command(&["up"]).var("PATH", &nothing.to_string_lossy()).run().exits(64);
    without.stderr_has("Puppetfile are not there: motd").stderr_has("sudo apt install r10k");
    assert_eq!(stack.things(), Vec::<String>::new());
}
