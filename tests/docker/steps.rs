//! Steps in a real machine: which run, which run again, and what a failed one leaves.

use super::stack::Stack;

/// Every step writes its name down.
fn envfile(steps: &[&str]) -> String {
    let steps: String =
        steps.iter().map(|step| format!("[[machine.web.provision]]\n{step}\n")).collect::<Vec<_>>().concat();
    format!("[machine.web]\nimage = \"IMAGE\"\n{steps}")
}

/// The names that were written down since the last look.
fn ran(stack: &Stack) -> String {
    stack.inside("web", "touch /root/log; cat /root/log; rm /root/log").replace('\n', " ")
}

const ONE: &str = r#"shell = "echo one >> /root/log""#;
const TWO: &str = "shell = \"steps/two.sh\"\ninputs = [\"packages.txt\"]";
const THREE: &str = r#"shell = "echo three >> /root/log""#;

#[test]
fn a_changed_input_runs_its_step_and_those_after_it() {
    let stack = Stack::new(&envfile(&[ONE, TWO, THREE]));
    stack.project.write("steps/two.sh", "echo two >> /root/log\n").write("packages.txt", "nginx\n");
    stack.up();
    assert_eq!(ran(&stack), "one two three");
    stack.env("up").succeeds().stdout_has("nothing to do");
    assert_eq!(ran(&stack), "");

    stack.project.write("packages.txt", "nginx\nphp\n");
    assert_eq!(stack.planned("web").1.len(), 2);
    stack.up();
    assert_eq!(ran(&stack), "two three");

    stack.project.write("steps/two.sh", "echo two again >> /root/log\n");
    stack.up();
    assert_eq!(ran(&stack), "two again three");

    stack.envfile(&envfile(&[ONE, TWO, &THREE.replace("three", "3")]));
    stack.up();
    assert_eq!(ran(&stack), "3");

    // A step more runs alone; a step less runs nothing.
    stack.envfile(&envfile(&[ONE, TWO, &THREE.replace("three", "3"), r#"shell = "echo four >> /root/log""#]));
    stack.up();
    assert_eq!(ran(&stack), "four");
    stack.envfile(&envfile(&[ONE, TWO]));
    stack.up();
    assert_eq!(ran(&stack), "");
}

#[test]
fn a_failed_step_fails_the_up_is_shown_and_runs_again() {
    let broken = r#"shell = "echo broken >> /root/log; echo so sad >&2; exit 3""#;
    let stack = Stack::new(&envfile(&[ONE, broken, THREE]));
    stack
        .env("up")
        .exits(1)
        .stderr_has("exited 3")
        .stderr_has("so sad")
        .stderr_has("`env up` goes on from here");
    assert_eq!(ran(&stack), "one broken");
    let status = stack.env("status --json").succeeds().json();
    let web = &status["machines"][0];
    assert_eq!((&web["state"], &web["ready"]), (&"failed".into(), &false.into()), "{status}");
    assert_eq!(web["steps"], serde_json::json!({"applied": 1, "pending": 1, "failed": 1}), "{status}");

    stack.env("plan").exits(2);
    let lines = stack.env("up --json").exits(1).json_lines();
    assert_eq!(lines.last().unwrap()["result"], "failed");
    assert_eq!(ran(&stack), "broken");
    stack.envfile(&envfile(&[ONE, r#"shell = "echo mended >> /root/log""#, THREE]));
    stack.up();
    assert_eq!(ran(&stack), "mended three");
    let status = stack.env("status --json").succeeds().json();
    assert_eq!(status["machines"][0]["state"], "running", "{status}");
}

#[test]
fn run_policies_hold() {
    let step = |name: &str, run: &str| format!("shell = \"echo {name} >> /root/log\"\nrun = \"{run}\"");
    let steps = [step("once", "once"), step("never", "never"), step("changed", "changed")];
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let stack = Stack::new(&envfile(&steps));
    stack.up();
    assert_eq!(ran(&stack), "once changed");

    // A step that runs once stays as it was, whatever becomes of its definition.
    let changed = [step("once2", "once"), step("never2", "never"), step("changed2", "changed")];
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    stack.envfile(&envfile(&changed));
    stack.up();
    assert_eq!(ran(&stack), "changed2");

    let always = step("always", "always");
    stack.envfile(&envfile(&[changed[0], changed[1], changed[2], &always]));
    stack.env("up").succeeds();
    assert_eq!(ran(&stack), "always");
    stack.env("up").succeeds();
    assert_eq!(ran(&stack), "always");

    // What is there to check says whether there is anything to do.
    let checked = "shell = \"echo checked >> /root/log; touch /root/done\"\ncheck = \"test -e /root/done\"";
    stack.envfile(&envfile(&[checked]));
    stack.up();
    assert_eq!(ran(&stack), "checked");
    stack.envfile(&envfile(&[&checked.replace("checked", "checked2")]));
    stack.up();
    assert_eq!(ran(&stack), "");
}

#[test]
fn a_replaced_machine_is_provisioned_anew() {
    let stack = Stack::new(&envfile(&[ONE]));
    stack.up();
    assert_eq!(ran(&stack), "one");
    let id = stack.id("web");
    stack.env("rebuild web").succeeds();
    assert_ne!(stack.id("web"), id);
    assert_eq!(ran(&stack), "one");
    stack.nothing_to_do();
}
