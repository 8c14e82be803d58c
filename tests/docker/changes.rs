//! The Envfile changes while its machines live: networks, volumes, machines that come and go, stops and restarts.

use super::engine::{docker, prefix};
use super::stack::Stack;

const TWO: &str = r#"
[machine.web]
image = "IMAGE"
networks = ["front"]
ports = ["auto:80"]

[machine.db]
image = "IMAGE"
networks = ["front"]
volumes = ["data:/data"]

[network.front]
[volume.data]
"#;

#[test]
fn a_network_with_another_subnet_is_made_anew_and_joined_again() {
    let with = |prefix: &str| {
        TWO.replace("[network.front]", &format!("[network.front]\nsubnet = \"{prefix}.0/24\""))
    };
    let (first, second) = (with(&prefix(1)), with(&prefix(2)));
    let stack = Stack::new(&first);
    stack.up();
    let ids = (stack.id("web"), stack.id("db"));
    stack.envfile(&second);
    let plan = stack.env("plan --json").exits(2).json();
    assert_eq!(plan["actions"][0]["action"], "replace", "{plan}");
    stack.up();
    assert_eq!((stack.id("web"), stack.id("db")), ids, "machines stay");
    assert!(stack.inside("web", "ip addr").contains(&prefix(2)));
    stack.inside("web", "ping -c 1 -W 5 db");

    // Data is never given up for a changed definition.
    stack.inside("db", "echo kept > /data/file");
    stack.envfile(&second.replace("[volume.data]", "[volume.data]\nlabels = { team = \"web\" }"));
    stack.env("up").exits(1).stderr_has("would lose its data");
    assert_eq!(stack.inside("db", "cat /data/file"), "kept");
    stack.envfile(&second);
    stack.up();

    stack.env("destroy --yes").succeeds().stdout_has("data kept");
    stack.up();
    assert_eq!(stack.inside("db", "cat /data/file"), "kept");
}

#[test]
fn machines_that_left_the_envfile_are_shown_and_removed_when_asked() {
    let stack = Stack::new(TWO);
    stack.up();
    let web = stack.id("web");
    let one = TWO.replace("[machine.db]", "[machine.api]");
    stack.envfile(&one);
    stack.env("plan").exits(2).stdout_has("? db");
    stack.env("up").succeeds().stderr_has("--remove-orphans");
    stack.inside("db", "true");
    let status = stack.env("status --json").succeeds().json();
    assert_eq!(status["machines"].as_array().unwrap().len(), 3, "{status}");
    stack.env("up --remove-orphans").succeeds();
    stack.nothing_to_do();
    assert_eq!((stack.id("web"), stack.things().len()), (web, 4), "{:?}", stack.things());
    // What left the Envfile goes with the stack too.
    stack.envfile("[machine.other]\nimage = \"IMAGE\"\n");
    stack.env("destroy --yes --volumes").succeeds();
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn stopped_and_restarted_machines_stay_themselves() {
    // One ends well when it is asked to, the other has to be killed.
    let stubborn = "[machine.db]\ncommand = [\"sleep\", \"1000\"]\nstop_grace = \"1s\"";
    let stack = Stack::new(&TWO.replace("[machine.db]", stubborn));
    stack.up();
    let ids = (stack.id("web"), stack.id("db"));
    stack.env("stop web").succeeds();
    stack.must_plan("web", "start", &["state"]);
    stack.up();
    stack.env("stop").succeeds();
    let status = stack.env("status --json").succeeds().json();
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(machine["state"], "stopped", "{status}");
    }
    stack.up();
    let started = || docker(&format!("inspect -f {{{{.State.StartedAt}}}} {}", stack.container("db")));
    let before = started();
    stack.env("restart db").succeeds();
    assert_ne!(started(), before);
    stack.nothing_to_do();
    assert_eq!((stack.id("web"), stack.id("db")), ids);

    stack.env("destroy --yes db").succeeds();
    stack.env("destroy --yes db").succeeds().stdout_has("nothing was there");
    stack.must_plan("db", "create", &[]);
    stack.env("up web").succeeds();
    stack.must_plan("db", "create", &[]);
    stack.up();
    assert_eq!(stack.id("web"), ids.0);
}

#[test]
fn a_one_shot_machine_runs_once_and_again_when_it_changes() {
    let envfile = r#"
[machine.migrate]
image = "IMAGE"
command = ["sh", "-c", "echo one >> /data/log"]
volumes = ["data:/data"]

[machine.app]
image = "IMAGE"
volumes = ["data:/data"]
depends_on = { migrate = "completed" }
[volume.data]
"#;
    let stack = Stack::new(envfile);
    stack.up();
    stack.up();
    assert_eq!(stack.inside("app", "cat /data/log"), "one");
    let status = stack.env("status --json").succeeds().json();
    assert_eq!(status["machines"][1]["state"], "completed", "{status}");
    stack.envfile(&envfile.replace("echo one", "echo two"));
    stack.up();
    assert_eq!(stack.inside("app", "cat /data/log"), "one\ntwo");

    stack.envfile(&envfile.replace("echo one", "echo three; exit 4; echo"));
    stack.env("up").exits(1).stderr_has("migrate ended with code 4");
    stack.env("up").exits(1);
    stack.envfile(envfile);
    stack.up();
    assert_eq!(stack.inside("app", "cat /data/log"), "one\ntwo\none");
}

#[test]
fn what_needs_a_failed_machine_is_not_begun() {
    let stack = Stack::new(
        "[machine.db]\nimage = \"IMAGE\"\nprovision = [{ shell = \"exit 3\" }]\n\
         [machine.web]\nimage = \"IMAGE\"\ndepends_on = [\"db\"]\n\
         [machine.other]\nimage = \"IMAGE\"\n",
    );
    stack.env("up").exits(1).stderr_has("db failed · web not begun · other up");
    let state = docker(&format!("inspect -f {{{{.State.Status}}}} {}", stack.container("web")));
    assert_eq!(state, "created");
    let lines = stack.env("up --json").exits(1).json_lines();
    assert_eq!(lines.last().unwrap()["result"], "failed");
}
