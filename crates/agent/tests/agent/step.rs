//! One step at a time: what it is given, how its end is told.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use envup_agent::{ExitCodes, LedgerStatus, Line, Reply, Request, Run, Script, StepRequest, StepStatus};

use crate::support::{Machine, Session, output, script, status};

#[test]
fn a_script_runs_streams_and_is_recorded() {
    let machine = Machine::new();
    let (lines, reply) =
        machine.start(Request::Step(script("1", "echo out; echo err >&2; pwd; cat"))).finish();
    assert_eq!(output(&lines), "out\nerr\n/root\n");
    let Reply::Step(reply) = reply else { panic!("{reply:?}") };
    assert_eq!(status(&reply), (StepStatus::Changed, Some(0)));
    let ledger = machine.stored_ledger();
    let entry = ledger.step("1").unwrap();
    assert_eq!((entry.status, entry.digest.as_str()), (LedgerStatus::Applied, "d1"));
    assert_eq!(machine.ledger().ledger, ledger);
    assert_eq!(machine.ledger().running, None);
    let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("state"), mode("state/ledger.json"), mode("state/step-1.log")), (0o755, 0o644, 0o600));
    assert!(!machine.path("state/step.script").exists());
}

#[test]
fn output_arrives_while_the_step_runs() {
    let machine = Machine::new();
    let go = machine.path("go");
    let mut session = machine
        .start(Request::Step(script("1", &format!("echo first; until [ -e {} ]; do :; done", go.display()))));
    assert_eq!(session.line(), Some(Line::Output("first\n".to_owned())));
    fs::write(go, "").unwrap();
    assert_eq!(session.step().status, StepStatus::Changed);
}

#[test]
fn a_failing_command_ends_the_script_and_taints() {
    let machine = Machine::new();
    let reply = machine.step(script("1", "(exit 3)\necho not reached"));
    assert_eq!(status(&reply), (StepStatus::Failed, Some(3)));
    let entry = machine.stored_ledger().steps.remove(0);
    assert_eq!((entry.status, entry.exit_code), (LedgerStatus::Failed, Some(3)));
    assert_eq!(machine.step(script("1", "true")).status, StepStatus::Changed);
    assert_eq!(machine.stored_ledger().steps.len(), 1);
}

#[test]
fn a_signal_is_told() {
    let reply = Machine::new().step(script("1", "kill -9 $$"));
    assert_eq!((reply.status, reply.exit_code, reply.signal), (StepStatus::Failed, None, Some(9)));
}

#[test]
fn a_step_begins_with_no_signal_blocked_and_nothing_to_read() {
    let content = "grep SigBlk /proc/self/status | cut -f2; readlink /proc/self/fd/0";
    let (lines, _) = Machine::new().start(Request::Step(script("1", content))).finish();
    assert_eq!(output(&lines), "0000000000000000\n/dev/null\n");
}

#[test]
fn a_check_spares_the_step() {
    let machine = Machine::new();
    let marker = machine.path("marker").display().to_string();
    let request = || {
        let check = Some(format!("echo checking; test -e {marker}"));
        StepRequest { check, ..script("1", &format!("echo ran; touch {marker}")) }
    };
    let (lines, _) = machine.start(Request::Step(request())).finish();
    assert_eq!(output(&lines), "ran\n");
    let reply = machine.step(request());
    assert_eq!(status(&reply), (StepStatus::Unchanged, Some(0)));
    let entry = machine.stored_ledger().steps.remove(0);
    assert_eq!((entry.status, entry.changed), (LedgerStatus::Applied, false));
}

#[test]
fn exit_codes_mean_what_the_request_says() {
    let codes = ExitCodes { changed: vec![2], unchanged: vec![0] };
    let machine = Machine::new();
    let step = |code: &str| StepRequest { codes: codes.clone(), ..script(code, &format!("exit {code}")) };
    for (code, expected, changed) in [
        ("0", StepStatus::Unchanged, false),
        ("2", StepStatus::Changed, true),
        ("4", StepStatus::Failed, true),
    ] {
        assert_eq!(status(&machine.step(step(code))), (expected, code.parse().ok()));
        let entry = machine.stored_ledger().step(code).unwrap().clone();
        let applied =
            if expected == StepStatus::Failed { LedgerStatus::Failed } else { LedgerStatus::Applied };
        assert_eq!((entry.status, entry.changed), (applied, changed), "exit {code}");
    }
    // What did not end by itself did not succeed, whatever its code.
    assert_eq!(machine.step(StepRequest { codes, ..script("k", "kill -9 $$") }).status, StepStatus::Failed);
}

#[test]
fn the_step_runs_as_the_user_with_a_small_environment() {
    let machine = Machine::new();
    fs::set_permissions(&machine.dir, fs::Permissions::from_mode(0o755)).unwrap();
    let mut request = script("1", "");
    request.user = Some("daemon:nogroup".to_owned());
    request.cwd = Some("/usr".to_owned());
    request.env.insert("GREETING".to_owned(), "hello world".to_owned());
    request.run = Run::Argv(
        ["sh", "-ec", "id -un; id -Gn; pwd; echo $HOME $USER $GREETING"].map(str::to_owned).to_vec(),
    );
    let (lines, _) = machine.start(Request::Step(request)).finish();
    assert_eq!(output(&lines), "daemon\nnogroup\n/usr\n/usr/sbin daemon hello world\n");
}

#[test]
fn a_script_is_private_to_its_user() {
    let machine = Machine::new();
    let state = machine.path("state");
    let reply =
        machine.step(script("1", &format!("stat -c '%a %u' \"$0\" > {}/seen", machine.dir.display())));
    assert_eq!(reply.status, StepStatus::Changed);
    assert_eq!(fs::read_to_string(machine.path("seen")).unwrap(), "400 0\n");
    assert_eq!(fs::metadata(state).unwrap().uid(), 0);
}

#[test]
fn arguments_and_interpreters_are_honoured() {
    let machine = Machine::new();
    let mut request = script("1", "");
    let run = |content: &str, interpreter: &[&str]| {
        Run::Script(Script {
            content: content.to_owned(),
            args: vec!["a b".to_owned(), "c".to_owned()],
            interpreter: interpreter.iter().map(|part| (*part).to_owned()).collect(),
        })
    };
    request.run = run("#!/bin/bash\nfalse\necho ${BASH_VERSION:+bash} $# \"$1\"", &[]);
    let (lines, _) = machine.start(Request::Step(request.clone())).finish();
    assert_eq!(output(&lines), "bash 2 a b\n");
    request.run = run("#!/bin/bash\nthis is not run", &["echo", "instead"]);
    let (lines, _) = machine.start(Request::Step(request)).finish();
    assert!(output(&lines).starts_with("instead /"));
}

#[test]
fn what_cannot_be_started_says_why() {
    let machine = Machine::new();
    let cases = [
        (Run::Argv(vec!["nosuchprogram".to_owned()]), None, "there is no program nosuchprogram", 127),
        (Run::Argv(vec!["true".to_owned()]), Some("/nowhere"), "there is no directory /nowhere", 127),
        (Run::Argv(vec!["/etc".to_owned()]), None, "cannot run /etc as root: permission denied", 126),
    ];
    for (run, cwd, message, code) in cases {
        let mut request = script("1", "");
        (request.run, request.cwd) = (run, cwd.map(str::to_owned));
        let (lines, reply) = machine.start(Request::Step(request)).finish();
        assert!(output(&lines).contains(message), "{lines:?}");
        assert!(matches!(reply, Reply::Step(reply) if reply.exit_code == Some(code)));
    }
}

#[test]
fn a_daemon_started_by_a_step_lives_on_and_holds_nothing() {
    let machine = Machine::new();
    let pid = machine.path("pid");
    let content = format!("sleep 100 & echo $! > {}", pid.display());
    assert_eq!(machine.step(script("1", &content)).status, StepStatus::Changed);
    assert_eq!(machine.step(script("2", "true")).status, StepStatus::Changed);
    let pid = fs::read_to_string(pid).unwrap();
    assert_eq!(machine.step(script("3", &format!("kill {}", pid.trim()))).status, StepStatus::Changed);
}

#[test]
fn requests_that_cannot_be_understood_are_refused() {
    let refused = |line: &str, part: &str| match Session::start(line).reply() {
        Reply::Error { message, hint } => {
            assert!(message.contains(part), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
            assert!(hint.is_some());
        }
        other => panic!("{other:?}"),
    };
    refused("", "not one that");
    refused(r#"{"version":1,"request":"fly"}"#, "not one that");
    refused(r#"{"version":1,"request":"environment","variables":{"A":["hunter2"]}}"#, "not one that");
    refused(r#"{"version":999,"request":"version"}"#, "version 999");
}
