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
pub fn ran(lines: &[serde_json::Value]) -> Vec<String> {
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
    let plan = stack.env("plan --json").exits(2).json();
    let web = plan["actions"].as_array().unwrap().iter().find(|action| action["name"] == "web").unwrap();
    assert_eq!(web["layer"], serde_json::json!({ "covered": ["1", "2"], "made": [] }), "{plan}");
    let again = stack.env("up --json").succeeds().json_lines();
    assert_eq!(ran(&again), ["echo live >> /root/log"]);
    stack.nothing_to_do();
    assert_eq!(stack.inside("web", "cat /root/log /root/made"), format!("{log}\n{made}"));
    let image = docker(&format!("inspect --format {{{{.Config.Image}}}} {}", stack.container("web")));
    assert!(image.starts_with("envup-layer:"), "{image}");
}

#[test]
fn a_failed_step_keeps_no_layer_and_the_next_up_goes_on_there() {
    let envfile = |second: &str| {
        format!(
            "[machine.web]\nbox = \"debian/12\"\nvolumes = [\"data:/data\"]\nports = [\"auto:80\"]\n\
             [[machine.web.provision]]\nshell = \"echo one NONCE >> /root/log\"\n\
             [[machine.web.provision]]\nshell = \"{second}\"\n\
             [[machine.web.provision]]\nshell = \"echo live >> /data/log\"\nlayer = false\n[volume.data]\n"
        )
    };
    let stack = layered(&envfile("ls /data && exit 7"));
    let failed = stack.env("up").exits(1);
    assert!(failed.stderr.contains("run without volumes"), "{failed}");
    // It can be looked into by its name, and says how it stands.
    stack.env_words(&["exec", "web", "--", "test", "!", "-e", "/data"]).succeeds();
    let status = stack.env("status --json").json();
    assert_eq!(status["machines"][0]["state"], "failed", "{status}");
    let (action, reasons) = stack.planned("web");
    assert_eq!((action.as_str(), reasons[0].as_str()), ("create", "layers"));
    assert_eq!(stack.layers(), Vec::<String>::new());

    stack.envfile(&envfile("echo two >> /root/log").replace("NONCE", stack.name()));
    let lines = stack.env("up --json").succeeds().json_lines();
    assert_eq!(ran(&lines), ["echo two >> /root/log", "echo live >> /data/log"]);
    stack.nothing_to_do();
    assert_eq!(stack.inside("web", "cat /root/log /data/log"), format!("one {}\ntwo\nlive", stack.name()));
    assert_eq!(stack.layers().len(), 1);
}

#[test]
fn what_is_done_is_built_anew_when_it_changed() {
    let envfile = |first: &str, second: &str| {
        format!(
            "[machine.web]\nbox = \"debian/12\"\n[[machine.web.provision]]\nshell = \"echo {first} >> /root/log\"\n\
             [[machine.web.provision]]\nshell = \"{second}\"\n"
        )
    };
    let stack = layered(&envfile("one NONCE", "exit 7"));
    stack.env("up").exits(1);
    stack.envfile(&envfile(&format!("other {}", stack.name()), "echo two >> /root/log"));
    stack.up();
    assert_eq!(stack.inside("web", "cat /root/log"), format!("other {}\ntwo", stack.name()));
}

#[test]
fn a_layer_that_would_hold_a_secret_is_refused() {
    let stack = layered(
        r#"
[machine.web]
box = "debian/12"
provision = [{ shell = "echo NONCE > /root/log" }, { shell = "printf 'user=me pw=%s' ${PW} > /etc/app.conf" }]
[secret.password]
file = "password"
"#,
    );
    stack.project.write("password", "hunter-22-NONCE\n");
    let up = stack.project.command(&["up"]).var("PW", "hunter-22-NONCE").run().succeeds();
    assert!(
        up.stderr.contains("no layer of web is kept: ") && up.stderr.contains("holds the secret password"),
        "{up}"
    );
    assert_eq!(stack.layers(), Vec::<String>::new());
    assert_eq!(stack.inside("web", "cat /etc/app.conf"), "user=me pw=hunter-22-NONCE");
    let plan = stack.project.command(&["plan"]).var("PW", "hunter-22-NONCE").run();
    assert_eq!(plan.code, 0, "{plan}");
}
