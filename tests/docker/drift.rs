//! `env drift` on real machines: in sync after `up`, and every change from outside is seen.

use super::stack::Stack;

const STACK: &str = r#"
[machine.web]
box = "debian/12"
memory = "512MiB"
provision = [{ shell = "echo one > /etc/one" }]

[machine.app]
image = "IMAGE"
"#;

/// Section, key and kind of all that is shown of a machine.
fn shown(stack: &Stack, machine: &str) -> Vec<(String, String, String)> {
    let drift = stack.env("drift --json").json();
    let machines = drift["machines"].as_array().unwrap();
    let found = machines.iter().find(|entry| entry["machine"] == machine).unwrap();
    let text = |entry: &serde_json::Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let differences = found["differences"].as_array().unwrap().iter();
    differences
        .filter(|entry| entry["rule"].is_null())
        .map(|entry| (text(entry, "section"), text(entry, "key"), text(entry, "kind")))
        .collect()
}

fn difference(section: &str, key: &str, kind: &str) -> (String, String, String) {
    (section.into(), key.into(), kind.into())
}

#[test]
fn what_changes_after_up_is_found_once() {
    let stack = Stack::new(STACK);
    stack.up();
    stack.env("drift").succeeds().stdout_has("in sync");
    stack.env("restart web").succeeds();
    stack.env("drift").succeeds();

    stack.inside("web", "groupadd --gid 4711 testers");
    stack.inside("app", "echo 'x:x:4712:' >> /etc/group");
    stack.env("drift").exits(2).stdout_has("testers");
    assert_eq!(shown(&stack, "web"), [difference("groups", "testers", "extra")]);
    assert_eq!(shown(&stack, "app"), [difference("groups", "x", "extra")]);
    // To start a machine again is not to agree to it.
    stack.env("stop app").succeeds();
    stack.up();
    assert_eq!(shown(&stack, "app"), [difference("groups", "x", "extra")]);
    // Only what was asked for, and only when it is bad enough.
    stack.env("drift app --fail-on breaking").succeeds();

    stack.envfile(&STACK.replace("echo one", "echo other").replace("512MiB", "600MiB"));
    let web = shown(&stack, "web");
    assert!(web.contains(&difference("envfile", "memory", "changed")), "{web:?}");
    assert!(web.iter().any(|(section, ..)| section == "steps"), "{web:?}");
    stack.envfile(STACK);
    stack.env("accept").succeeds().stdout_has("app, web");
    stack.env("drift").succeeds();
}

#[test]
fn a_machine_that_does_not_run_is_never_in_sync() {
    let stack = Stack::new("[machine.app]\nimage = \"IMAGE\"\n");
    stack.env("drift").exits(2);
    stack.up();
    stack.env("stop").succeeds();
    stack.env("drift").exits(3).stdout_has("stopped");
    let drift = stack.env("drift --json").exits(3).json();
    assert_eq!((&drift["complete"], &drift["in_sync"]), (&false.into(), &false.into()));
}

#[test]
fn what_a_project_knows_of_is_hidden_for_a_reason_and_until_a_day() {
    let envfile = |until: &str| {
        let rule = format!("{{ path = \"/srv/uploads/**\", reason = \"user data\", until = \"{until}\" }}");
        format!("[machine.app]\nimage = \"IMAGE\"\n[drift]\nignore = [{rule}]\n")
    };
    let stack = Stack::new(&envfile("2999-12-31"));
    stack.up();
    stack.inside("app", "mkdir -p /srv/uploads && echo x > /srv/uploads/picture");
    stack.env("drift --fail-on breaking").succeeds();
    let shown = stack.env("drift").exits(2).stdout_has("/srv (+1)");
    assert!(!shown.stdout.contains("picture"), "{shown}");
    stack.env("drift --strict").exits(2).stdout_has("picture").stdout_has("user data");
    stack.env("accept").succeeds();
    stack.inside("app", "echo y > /srv/uploads/picture");
    stack.env("drift").succeeds().stdout_has("1 in noise rules");
    stack.envfile(&envfile("2020-01-01"));
    stack.env("drift").exits(2).stdout_has("picture").stderr_has("held until 2020-01-01");
}
