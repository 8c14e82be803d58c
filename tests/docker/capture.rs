//! `env capture` and `env drift --against`: files that tell what an environment was, for git, for carrying, signed.

use super::stack::Stack;
use std::fs;
use std::process::Command;

const STACK: &str = "[machine.web]\nimage = \"IMAGE\"\n[machine.db]\nimage = \"IMAGE\"\n";

fn stack() -> Stack {
    let stack = Stack::new(STACK);
    stack.up();
    stack
}

#[test]
fn a_capture_is_compared_with_and_cannot_be_forged() {
    let stack = stack();
    stack.env("capture").succeeds().stdout_has("fingerprints/dev/web.json");
    stack.env("drift --against fingerprints/dev").succeeds().stdout_has("in sync");
    let before = stack.project.read("fingerprints/dev/db.json");
    stack.env("capture db").succeeds();
    assert_eq!(stack.project.read("fingerprints/dev/db.json"), before, "git has nothing to show");

    stack.inside("db", "echo 'tester:x:4711:' >> /etc/group");
    stack.env("drift --against fingerprints/dev").exits(2).stdout_has("tester").stdout_has("old");
    stack.env("drift web --against fingerprints/dev/web.json").succeeds();

    let key = stack.project.path("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    stack.env("capture --sign key").succeeds();
    stack.project.write("signers", &format!("* {}", fs::read_to_string(key.with_extension("pub")).unwrap()));
    stack.env("drift --against fingerprints/dev --signers signers").succeeds();
    let manifest = stack.project.read("fingerprints/dev/capture.json");
    stack.project.write("fingerprints/dev/capture.json", &manifest.replace("\"dev\"", "\"uat\""));
    stack.env("drift --against fingerprints/dev").exits(3).stderr_has("signature");
    fs::remove_file(stack.project.path("fingerprints/dev/capture.json.sig")).unwrap();
    stack.project.write("fingerprints/dev/db.json", &before);
    stack.env("drift --against fingerprints/dev").exits(3).stderr_has("db.json");
    stack.env("drift --against nowhere").exits(64).stderr_has("neither");
}

#[test]
fn a_machine_that_nobody_reaches_is_taken_in_by_its_answer() {
    let stack = stack();
    stack.env("capture --kit kit").succeeds().stdout_has("envup-agent");
    stack.env("copy kit web:/tmp/").succeeds();
    let answer = stack.inside("web", "/tmp/kit/envup-agent < /tmp/kit/request; rm -r /tmp/kit");
    stack.project.write("web.answer", &answer);
    stack.env("capture --out carried --import web=web.answer").succeeds().stdout_has("carried/web.json");
    stack.env("drift web --against carried").succeeds();
    stack.env("drift db --against carried").exits(3).stdout_has("no such machine");
    stack.project.write("web.answer", &answer[..answer.len() / 2]);
    stack.env("capture --out carried --import web=web.answer").exits(1).stderr_has("hint:");
}

#[test]
fn what_does_not_run_is_not_captured_in_silence() {
    let stack = stack();
    stack.env("stop db").succeeds();
    stack.env("capture --out part").exits(3).stderr_has("db does not run");
    assert!(stack.project.path("part/web.json").is_file() && !stack.project.path("part/db.json").exists());
}

#[test]
fn environments_stand_side_by_side_with_what_differs_alone() {
    let stack = stack();
    stack.env("capture --out before").succeeds();
    stack.inside("db", "echo 'tester:x:4711:' >> /etc/group");
    stack.env("capture --out after").succeeds();
    stack.env("matrix before before").succeeds().stdout_has("the same everywhere");
    let shown = stack.env("matrix before after dev").exits(2).stdout_has("tester").stdout_has("gid 4711");
    assert!(!shown.stdout.contains("root"), "{shown}");
    stack.env("matrix before after --machine web").succeeds();
    let matrix = stack.env("matrix before after --json").exits(2).json();
    let rows = matrix["machines"][0]["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["section"], &rows[0]["key"]), (1, &"groups".into(), &"tester".into()));
    stack.env("stop db").succeeds();
    stack.env("matrix before dev").exits(3).stdout_has("db of dev: it does not run");
}
