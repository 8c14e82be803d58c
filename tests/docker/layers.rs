//! Layers in a real engine: what a machine starts from, what makes it start from something else, and what is never kept.

use super::engine::docker;
use super::stack::Stack;

/// A stack with layers of its own: the name in its first step makes every key one that no other run has.
pub fn layered(envfile: &str) -> Stack {
    let mut stack = Stack::new("");
    stack.project = std::mem::replace(&mut stack.project, crate::support::Project::empty()).with_layers();
    stack.envfile(&envfile.replace("NONCE", stack.name()));
    stack
}

/// Two steps that fit into a layer and one that does not; each writes its name down.
const STEPS: &str = r#"
[machine.web]
box = "debian/12"
[[machine.web.provision]]
shell = "echo one NONCE >> /root/log; date +%s%N > /root/made"
[[machine.web.provision]]
shell = "echo two >> /root/log"
[[machine.web.provision]]
shell = "echo live >> /root/log"
layer = false
"#;

/// Names of the steps that a run says it ran, with how often.
fn ran(lines: &[serde_json::Value]) -> Vec<String> {
    let is_end = |line: &&serde_json::Value| line["event"] == "step" && line["status"] != "running";
    lines.iter().filter(is_end).map(|line| line["step"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_next_machine_starts_from_the_layer() {
    let stack = layered(STEPS);
    stack.up();
    let made = stack.inside("web", "cat /root/made");
    let log = format!("one {}\ntwo\nlive", stack.name());
    assert_eq!(stack.inside("web", "cat /root/log"), log);
    assert_eq!(ran(&stack.env("up --json").json_lines()), Vec::<String>::new());

    stack.env("destroy --yes").succeeds();
    let again = stack.env("up --json").succeeds().json_lines();
    assert_eq!(ran(&again), ["echo live >> /root/log"]);
    stack.nothing_to_do();
    assert_eq!(stack.inside("web", "cat /root/log /root/made"), format!("{log}\n{made}"));
    let image = docker(&format!("inspect --format {{{{.Config.Image}}}} {}", stack.container("web")));
    assert!(image.starts_with("envup-layer:"), "{image}");
}
