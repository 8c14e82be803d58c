//! The verbs that work in machines that live: exec, shell, copy, logs, port, provision, ssh, list.

use super::engine::docker;
use super::stack::Stack;
use std::fs;
use std::process::Command;

const STACK: &str = r#"
[machine.web]
image = "IMAGE"
ports = ["auto:80", "auto:53/udp"]
env = { GREETING = "hello" }
command = ["sh", "-c", "echo one; sleep 0.3; echo three >&2; . /bin/rest"]
ready = { log = "three" }
provision = [{ shell = "echo setup >> /root/log" }, { name = "seed", shell = "echo seed >> /root/log", run = "never" }]

[machine.db]
image = "IMAGE"
command = ["sh", "-c", "sleep 0.15; echo two; . /bin/rest"]
ready = { log = "two" }
"#;

fn stack() -> Stack {
    let stack = Stack::new(STACK);
    stack.up();
    stack
}

#[test]
fn exec_passes_words_input_output_and_the_code_on() {
    let stack = stack();
    let run = |words: &[&str]| stack.project.command(&[&["exec", "web"], words].concat()).run();
    let outcome = run(&["--", "sh", "-c", "echo out; echo err >&2; exit 42"]).exits(42);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("out\n", "err\n"));
    run(&["printf", "%s|", "a b", "", "$HOME", "--help"]).succeeds().stdout_is("a b||$HOME|--help|");
    run(&["sh", "-c", "echo $GREETING; id -u"]).succeeds().stdout_is("hello\n0\n");
    let words = ["exec", "-u", "app", "-w", "/tmp", "-e", "A=b c", "web", "sh", "-c", "id -un; pwd; echo $A"];
    stack.project.command(&words).run().succeeds().stdout_is("app\n/tmp\nb c\n");
    let input = vec![b'x'; 300_000];
    let counted = stack.project.command(&["exec", "web", "wc", "-c"]).stdin(input).run();
    assert_eq!(counted.succeeds().stdout.trim(), "300000");
    stack
        .project
        .command(&["shell", "web"])
        .stdin("echo in a shell; exit 3\n")
        .run()
        .exits(3)
        .stdout_has("in a shell");

    // Killed inside, missing inside, and our own failures.
    run(&["sh", "-c", "kill -9 $$"]).exits(137);
    let missing = run(&["no-such-program"]).exits(127).stdout_is("");
    missing.stderr_has(
        "cannot run no-such-program in machine web: \"no-such-program\": executable file not found",
    );
    run(&["/tmp"]).exits(126).stdout_is("").stderr_has("permission denied");
    stack.env("exec -u nobody-here web true").exits(125).stdout_is("").stderr_has("nobody-here");
    stack.env("exec -w /nowhere web true").exits(125).stdout_is("").stderr_has("/nowhere");
    stack.env("exec nobody true").exits(125).stderr_has("no machine");
    stack.env("stop db").succeeds();
    stack.env("exec db true").exits(125).stderr_has("hint:");
}

#[test]
fn files_go_in_and_come_out_as_they_were() {
    let stack = stack();
    stack.project.write("tree/sub/file", "content\n").write("one", "1");
    stack.env("copy one web:/tmp/").succeeds();
    stack.env("copy tree web:/tmp/new").succeeds();
    stack.env("copy tree web:/tmp").succeeds();
    assert_eq!(stack.inside("web", "cat /tmp/one /tmp/new/sub/file /tmp/tree/sub/file"), "1content\ncontent");
    stack.inside("web", "chmod 750 /tmp/new/sub/file; ln -s sub/file /tmp/new/link");
    stack.env("copy web:/tmp/new back").succeeds();
    assert_eq!(fs::read_to_string(stack.project.path("back/sub/file")).unwrap(), "content\n");
    assert_eq!(fs::read_link(stack.project.path("back/link")).unwrap().to_str(), Some("sub/file"));
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(stack.project.path("back/sub/file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    stack.env("copy missing web:/tmp/").exits(1);
    stack.env("copy web:/missing .").exits(1).stderr_has("/missing");
}

#[test]
fn logs_come_in_the_order_of_time() {
    let stack = stack();
    // Both began within the same moment: lines of one machine stay in order, and all are there.
    let logs = stack.env("logs").succeeds().stdout_has("two").stdout;
    assert!(logs.find("one").unwrap() < logs.find("three").unwrap(), "{logs}");
    let of_web = stack.env("logs web --tail 1").succeeds().stdout;
    assert!(of_web.contains("three") && !of_web.contains("one") && !of_web.contains("two"), "{of_web}");
    stack.env("logs --since 2099-01-01T00:00:00Z").succeeds().stdout_is("");
    let lines = stack.env("logs --json").succeeds().json_lines();
    assert_eq!(lines.len(), 3);

    let mut follow = stack.start("logs -f web");
    follow.until_says("three");
    docker(&format!("exec {} sh -c 'echo four > /proc/1/fd/1'", stack.container("web")));
    follow.until_says("four");
    follow.interrupt();
    assert!([0, 130].contains(&follow.end().0));

    // Its reader had enough; nothing more is ever written that could tell.
    let one = ["-c", "\"$0\" logs -f web | head -n 1", env!("CARGO_BIN_EXE_env")];
    stack.project.program("sh", &one).run().succeeds().stdout_is("one\n");
}

#[test]
fn ports_steps_and_stacks_are_told() {
    let stack = stack();
    let address = stack.env("port web 80").succeeds().stdout;
    let published = docker(&format!("port {} 80/tcp", stack.container("web")));
    assert_eq!(address.trim(), published);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    stack.env("port web 53/udp").succeeds().stdout_has("127.0.0.1:");
    stack.env("port web 81").exits(1);

    assert_eq!(stack.inside("web", "cat /root/log"), "setup");
    stack.env("provision --step seed web").succeeds();
    assert_eq!(stack.inside("web", "cat /root/log"), "setup\nseed");
    stack.env("provision web --step 1").succeeds();
    assert_eq!(stack.inside("web", "cat /root/log"), "setup\nseed\nsetup");
    stack.nothing_to_do();
    // What else is due waits for an `up`.
    stack.project.change("Envfile", "echo setup >>", "echo other >>");
    stack.env("provision web --step seed").succeeds();
    assert_eq!(stack.inside("web", "cat /root/log"), "setup\nseed\nsetup\nseed");
    stack.up();
    assert_eq!(stack.inside("web", "cat /root/log"), "setup\nseed\nsetup\nseed\nother");

    let listed = stack.env("list --json").succeeds().json();
    let ours = listed["stacks"].as_array().unwrap().iter().find(|listed| listed["project"] == stack.name());
    assert_eq!((&ours.unwrap()["machines"], &ours.unwrap()["running"]), (&2.into(), &2.into()), "{listed}");
}

#[test]
fn the_systems_ssh_reaches_a_box() {
    let stack = Stack::new("[machine.server]\nbox = \"debian/12\"\n");
    stack.up();
    let config = stack.project.path("ssh.conf");
    fs::write(&config, stack.env("ssh-config").succeeds().stdout.replace("[PLACE]", &place(&stack))).unwrap();
    let host = format!("server.{}", stack.name());
    let output = Command::new("ssh")
        .arg("-F")
        .args([config.as_os_str(), host.as_ref(), "echo $USER@$(hostname); exit 7".as_ref()])
        .env("ENVUP_DATA_DIR", stack.project.data())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "root@server\n");
    stack.nothing_to_do();
    // Who only asks for the way in has changed nothing there.
    stack.env("drift").succeeds();
    stack.env("stop").succeeds();
    stack.env("logs").succeeds().stderr_has("can only be read while it runs");
}

/// What outcomes show as `[PLACE]`.
fn place(stack: &Stack) -> String {
    stack.project.directory().parent().unwrap().display().to_string()
}
