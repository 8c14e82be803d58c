//! Ctrl-C, and two runs at once.

use super::running::{Running, wait_until};
use super::stack::Stack;
use rustix::process::Signal;

const SLOW: &str = r#"
[machine.db]
image = "IMAGE"

[machine.web]
image = "IMAGE"
depends_on = ["db"]
provision = [{ shell = "echo begun; sleep 600" }]

[machine.last]
image = "IMAGE"
depends_on = ["web"]
"#;

#[test]
fn the_first_says_what_is_left_and_how_to_go_on() {
    let stack = Stack::new(SLOW);
    let mut up = stack.start("up --verbose");
    up.until_says("begun");
    up.interrupt();
    let (code, said) = up.end();
    assert_eq!(code, 130, "{said}");
    for expected in ["interrupted", "web, last not finished · db up", "`env up` goes on from here"] {
        assert!(said.contains(expected), "{said}");
    }
    let status = stack.env("status --json").succeeds().json();
    assert_eq!(status["machines"][0]["state"], "running", "{status}");
    assert_eq!(
        stack.inside("web", "ps -o args | grep -c '^sleep 600' || true"),
        "0",
        "the step goes on unseen"
    );

    stack.envfile(&SLOW.replace("sleep 600", "true"));
    stack.up();
    stack.env("destroy --yes").succeeds();
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn a_terminal_that_closes_ends_it_unless_it_was_started_to_outlive_that() {
    let stack = Stack::new(&SLOW.replace("sleep 600", "while [ ! -e /tmp/go ]; do sleep 0.1; done"));
    let mut up = stack.start("up --verbose");
    up.until_says("begun");
    up.signal(Signal::HUP);
    assert_eq!(up.end().0, 130);

    let as_nohup = ["-c", "trap '' HUP; exec \"$0\" up --verbose", env!("CARGO_BIN_EXE_env")];
    let mut up = Running::start(stack.project.program("sh", &as_nohup));
    up.until_says("begun");
    up.signal(Signal::HUP);
    stack.inside("web", "touch /tmp/go");
    let (code, said) = up.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn the_second_stops_at_once() {
    let stubborn = SLOW.replace("sleep 600", "trap '' TERM INT; sleep 600; sleep 600");
    let stack = Stack::new(&stubborn);
    let mut up = stack.start("up --verbose");
    up.until_says("begun");
    up.interrupt();
    up.until_says("again stops at once");
    up.interrupt();
    assert_eq!(up.end().0, 130);
    stack.env("destroy --yes").succeeds();
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn waiting_for_readiness_ends_at_once() {
    let stack = Stack::new("[machine.web]\nimage = \"IMAGE\"\nready = { tcp = 81, timeout = \"10m\" }\n");
    let mut up = stack.start("up --json");
    up.until_says("\"waiting\"");
    up.interrupt();
    let (code, said) = up.end();
    assert!(code == 130 && said.contains("\"result\":\"interrupted\""), "{said}");
    stack.envfile("[machine.web]\nimage = \"IMAGE\"\n");
    stack.nothing_to_do();
}

#[test]
fn a_second_up_waits_or_is_told() {
    let stack = Stack::new(&SLOW.replace("sleep 600", "while [ ! -e /tmp/go ]; do sleep 0.1; done"));
    let mut first = stack.start("up --verbose");
    first.until_says("begun");
    stack.env("up --no-wait").exits(75).stderr_has("locked by").stderr_has("--no-wait");
    stack.env("destroy --yes --no-wait").exits(75);
    let mut second = stack.start("up");
    second.until_says("waiting for `env up`");
    // Who only looks waits for nobody.
    stack.env("status").succeeds();
    stack.env("plan").exits(2);
    stack.env("list").succeeds();

    stack.inside("web", "touch /tmp/go");
    let (code, said) = first.end();
    assert_eq!(code, 0, "{said}");
    let (code, said) = second.end();
    assert!(code == 0 && said.contains("nothing to do"), "{said}");

    // Who waits can be interrupted.
    stack.env("destroy --yes").succeeds();
    let mut first = stack.start("up --verbose");
    first.until_says("begun");
    let mut second = stack.start("up");
    second.until_says("waiting for");
    second.interrupt();
    assert_eq!(second.end().0, 130);
    first.kill();
    wait_until("the lock goes with its process", || stack.env("destroy --yes --no-wait").code == 0);
}
