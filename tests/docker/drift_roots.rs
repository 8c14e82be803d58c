//! `env drift` on odd machines: without a shell, read-only, without rights, of another user, ended or frozen.

use super::engine::docker;
use super::stack::Stack;
use crate::support::wait_until;
use std::fs;

const ODD: &str = r#"
[machine.bare]
build = { context = "bare" }

[machine.closed]
image = "IMAGE"
read_only = true

[machine.shut]
image = "IMAGE"
tmpfs = ["/tmp", "/var", "/root"]

[machine.powerless]
image = "IMAGE"
cap_drop = ["ALL"]

[machine.served]
image = "IMAGE"
user = "app"
env = { GREETING = "hello" }
command = ["/bin/sh", "-c", "httpd -p 8080 -h /tmp; exec sh /bin/rest"]
ready = { tcp = 8080 }
"#;

/// What `env drift` finds in one machine: sections and keys of what is shown, and everything unknown.
fn told(stack: &Stack, machine: &str, code: i32) -> (Vec<String>, Vec<String>) {
    let drift = stack.env(&format!("drift {machine} --json")).exits(code).json();
    assert_eq!(drift["machines"].as_array().unwrap().len(), 1, "asked of {machine} alone: {drift}");
    let machine = &drift["machines"][0];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let shown = machine["differences"].as_array().unwrap().iter().filter(|entry| entry["rule"].is_null());
    let shown = shown.map(|entry| format!("{} {}", text(&entry["section"]), text(&entry["key"]))).collect();
    (shown, machine["unknown"].as_array().unwrap().iter().map(text).collect())
}

#[test]
fn machines_of_every_kind_are_in_sync_and_their_changes_are_found() {
    let stack = Stack::new(ODD);
    // One static program and nothing else: no shell, no users, no directory but its own.
    stack.project.write(
        "bare/Dockerfile",
        "FROM scratch\nCOPY busybox /busybox\nCMD [\"/busybox\", \"sleep\", \"1000\"]\n",
    );
    fs::copy("/bin/busybox", stack.project.path("bare/busybox")).unwrap();
    stack.up();
    stack.env("drift").succeeds().stdout_has("in sync");
    stack.env("restart").succeeds();
    stack.env("drift").succeeds();
    stack.env("drift --level full").succeeds();

    stack.project.write("planted", "planted\n");
    docker(&format!("cp {} {}:/planted", stack.project.path("planted").display(), stack.container("bare")));
    assert_eq!(told(&stack, "bare", 2).0, ["files /planted"]);
    for machine in ["shut", "powerless"] {
        stack.inside(machine, "echo x:x:4711: >> /etc/group");
        assert_eq!(told(&stack, machine, 2).0, ["groups x"], "{machine}");
    }
    // Root of the machine has no right to look at what another user's process has open; that user has.
    docker(&format!("exec -d -u app {} /bin/httpd -f -p 9090", stack.container("served")));
    wait_until("a second listener is found", || {
        told(&stack, "served", stack.env("drift served").code).0 == ["ports tcp [::]:9090"]
    });
    let drift = stack.env("drift served --json").exits(2).json();
    assert_eq!(drift["machines"][0]["differences"][0]["after"]["process"], "httpd");
}

#[test]
fn what_root_may_not_read_is_told() {
    let stack = Stack::new("[machine.powerless]\nimage = \"IMAGE\"\ncap_drop = [\"ALL\"]\n");
    stack.up();
    stack.inside(
        "powerless",
        "mkdir /open /etc/crontabs; chmod 777 /open /etc/crontabs; ln -s /open/deep/x /etc/anacrontab",
    );
    stack.env("accept --yes").succeeds();
    stack.env("drift").succeeds();
    let own = "umask 077; echo s > /open/secret; mkdir /open/deep; echo '1 1 1 1 1 x' > /etc/crontabs/app";
    docker(&format!("exec -u app {} sh -c {}", stack.container("powerless"), shell_words::quote(own)));
    let (_, unknown) = told(&stack, "powerless", 3);
    for path in
        ["files /open/secret", "files /open/deep", "schedules /etc/crontabs/app", "schedules /etc/anacrontab"]
    {
        let said = format!("{path} could not be read: permission denied");
        assert!(unknown.contains(&said), "{said}: {unknown:?}");
    }
    // Nobody can take on trust what nobody has seen.
    stack.env("accept --yes").succeeds();
    stack.env("drift").exits(3).stdout_has("not fully read");
}

#[test]
fn a_machine_that_is_done_or_frozen_is_told_as_what_it_is() {
    let stack = Stack::new(
        "[machine.once]\nimage = \"IMAGE\"\ncommand = [\"/bin/true\"]\n\
         [machine.db]\nimage = \"IMAGE\"\n\
         [machine.app]\nimage = \"IMAGE\"\ndepends_on = { once = \"completed\", db = \"started\" }\n",
    );
    stack.up();
    stack.env("drift").succeeds().stdout_has("in sync");
    stack.env("drift once").succeeds();
    docker(&format!("pause {}", stack.container("app")));
    let (shown, unknown) = told(&stack, "app", 3);
    assert_eq!(shown, ["envfile state"]);
    assert_eq!(unknown, ["it is paused, and what is inside is known of running machines only"]);
    docker(&format!("unpause {}", stack.container("app")));
    stack.env("drift").succeeds();
    stack.env("stop app").succeeds();
    stack.env("drift").exits(3).stdout_has("it is stopped");
    docker(&format!("rm -f {}", stack.container("app")));
    stack.env("drift").exits(2).stdout_has("machine");
}
