//! Whose machines are whose: copies, moves, lost records, and containers that only look like ours.

use super::engine::docker;
use super::stack::Stack;
use std::fs;
use std::path::Path;
use std::process::Command;

const STACK: &str = r#"
[machine.web]
image = "IMAGE"
volumes = ["data:/data"]
secrets = ["token"]
provision = [{ shell = "hostname > /data/step" }]

[volume.data]
[secret.token]
file = "token"
"#;

fn stack() -> Stack {
    let stack = Stack::new(STACK);
    stack.project.write("token", "t0ken");
    stack.up();
    stack
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[test]
fn a_copy_lives_beside_its_original() {
    let stack = stack();
    let original = stack.project.directory().to_owned();
    let id = stack.id("web");
    let (copied, second) = (original.with_file_name("copied"), original.with_file_name("second"));
    copy(&original, &copied);
    fs::create_dir(&second).unwrap();
    for file in ["Envfile", "token"] {
        fs::copy(original.join(file), second.join(file)).unwrap();
    }
    for other in [&copied, &second] {
        stack.env_in(other, "plan").exits(2).stdout_has("create");
        stack.env_in(other, "up").succeeds();
        stack.env_in(other, "plan").succeeds();
    }
    assert_eq!(stack.things().len(), 3 * 4, "{:?}", stack.things());
    stack.nothing_to_do();

    stack.env_in(&copied, "destroy --yes --volumes").succeeds();
    stack.nothing_to_do();
    stack.env_in(&second, "plan").succeeds();
    assert_eq!((stack.id("web"), stack.things().len()), (id, 2 * 4));
    // A further copy of one checkout, by name.
    let further = format!("{}-further", stack.name());
    stack.env(&format!("up --name {further}")).succeeds();
    stack.env(&format!("destroy --yes --volumes --name {further}")).succeeds();
    stack.nothing_to_do();
}

#[test]
fn environments_live_beside_each_other() {
    let stack = Stack::new(&format!("{STACK}\n[environment.test.machine.web]\nenv = {{ MODE = 'test' }}\n"));
    stack.project.write("token", "t0ken");
    stack.up();
    let (dev, test) = (stack.id("web"), format!("{}.test", stack.name()));
    stack.env("plan --env test").exits(2).stdout_has("create");
    stack.env("up --env test").succeeds();
    stack.env("plan --env test").succeeds();
    stack.env("exec --env test web -- /bin/sh -c set").succeeds().stdout_has("MODE='test'");
    stack.nothing_to_do();
    assert_eq!(stack.id("web"), dev);
    stack.env("list").succeeds().stdout_has(&test);
    // By its full name, as when the Envfile does not declare it any more.
    stack.env(&format!("destroy --yes --volumes --stack {test}")).succeeds();
    stack.env("plan --env test").exits(2).stdout_has("create");
    stack.nothing_to_do();
    assert_eq!(stack.id("web"), dev);
}

#[test]
fn a_moved_one_keeps_its_machines_and_a_lost_record_loses_none() {
    let mut stack = stack();
    let id = stack.id("web");
    fs::remove_dir_all(stack.project.path(".envup")).unwrap();
    stack.nothing_to_do();
    stack.env("status").succeeds().stdout_has("ready");
    stack.up();
    assert_eq!(stack.id("web"), id);

    stack.project.move_to("moved");
    stack.nothing_to_do();
    stack.up();
    assert_eq!(stack.id("web"), id);
    // Moved, and then the record lost as well.
    fs::remove_dir_all(stack.project.path(".envup")).unwrap();
    stack.nothing_to_do();
    stack.up();
    assert_eq!(stack.id("web"), id);
    stack.env("destroy --yes --volumes").succeeds();
}

#[test]
fn what_only_looks_like_ours_is_never_touched() {
    let stack = stack();
    let web = stack.container("web");
    let image = super::engine::image();
    // A similar name; our labels by way of a committed machine; both with the stack's name in front so that they are
    // removed when the test ends.
    let (similar, committed) = (format!("{web}-2"), format!("{}-experiment", stack.name()));
    docker(&format!("run -d --name {similar} {image}"));
    docker(&format!("commit {web} {}-committed:1", stack.name()));
    docker(&format!("run -d --name {committed} {}-committed:1", stack.name()));
    let ids =
        || docker(&format!("inspect --format {{{{.Id}}}}{{{{.State.StartedAt}}}} {similar} {committed}"));
    let before = ids();

    stack.nothing_to_do();
    let status = stack.env("status --json").succeeds().json();
    assert_eq!(status["machines"].as_array().unwrap().len(), 1, "{status}");
    stack.envfile(&STACK.replace("[machine.web]", "[machine.api]"));
    stack.env("up --remove-orphans").succeeds();
    stack.env("stop").succeeds();
    stack.env("destroy --yes --volumes").succeeds();
    stack.env("prune").succeeds();
    assert_eq!(ids(), before);

    // A foreign container that has our machine's very name is in the way, and stays.
    docker(&format!("rename {committed} {web}"));
    stack.envfile(STACK);
    docker(&format!("rename {web} {committed}"));
    docker(&format!("rename {similar} {web}"));
    stack.env("up").exits(1).stderr_has("is not ours");
    stack.env("destroy --yes --volumes").succeeds();
    assert_eq!(docker(&format!("inspect --format {{{{.State.Running}}}} {web}")), "true");
}
