//! Several callers, and callers that die: there is never more than one step, and none is forgotten.

use std::fs;

use envup_agent::{LedgerStatus, Line, OnBusy, Reply, Request, StepRequest, StepStatus};

use crate::support::{Machine, Session, await_that, output, pause, script, status};

/// A step that tells its process id, then goes on until `go` appears.
fn patient(machine: &Machine, key: &str) -> StepRequest {
    let dir = machine.dir.display();
    script(
        key,
        &format!("echo began; echo $$ >> {dir}/began; until [ -e {dir}/go ]; do sleep 0.02; done; echo done"),
    )
}

fn starts(machine: &Machine) -> usize {
    fs::read_to_string(machine.path("began")).unwrap().lines().count()
}

fn alive(pid: &str) -> bool {
    // A zombie that nobody collected yet is dead, too.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|fields| !fields.is_empty() && !fields.starts_with(" Z"))
}

#[test]
fn a_step_outlives_its_caller_and_is_recorded() {
    let machine = Machine::new();
    let session = machine.start(Request::Step(patient(&machine, "1")));
    machine.await_file("began");
    session.kill();
    let running = machine.ledger().running.unwrap();
    assert_eq!((running.key.as_str(), running.digest.as_str()), ("1", "d1"));
    fs::write(machine.path("go"), "").unwrap();
    await_that("the end of the step", || machine.ledger().running.is_none().then_some(()));
    assert_eq!(machine.ledger().ledger.step("1").unwrap().status, LedgerStatus::Applied);
}

#[test]
fn the_next_caller_waits_for_the_same_step_and_takes_its_result() {
    let machine = Machine::new();
    let first = machine.start(Request::Step(patient(&machine, "1")));
    machine.await_file("began");
    first.kill();
    let mut second = machine.start(Request::Step(patient(&machine, "1")));
    assert!(matches!(second.line(), Some(Line::Waiting { step, .. }) if step == "step 1"));
    assert_eq!(second.line(), Some(Line::Output("began\n".to_owned())));
    fs::write(machine.path("go"), "").unwrap();
    let (lines, reply) = second.finish();
    assert_eq!(output(&lines), "done\n");
    assert!(matches!(reply, Reply::Step(ref reply) if reply.attached && reply.status == StepStatus::Changed));
    assert_eq!(starts(&machine), 1);
}

#[test]
fn another_step_runs_after_the_one_that_is_running() {
    let machine = Machine::new();
    let first = machine.start(Request::Step(patient(&machine, "1")));
    machine.await_file("began");
    let mut second = machine.start(Request::Step(script("2", "echo second")));
    assert!(matches!(second.line(), Some(Line::Waiting { .. })));
    fs::write(machine.path("go"), "").unwrap();
    let (lines, reply) = second.finish();
    assert_eq!(output(&lines), "began\ndone\nsecond\n");
    assert!(matches!(reply, Reply::Step(ref reply) if !reply.attached));
    assert_eq!(status(&first.step()), (StepStatus::Changed, Some(0)));
}

#[test]
fn the_same_step_with_other_inputs_runs_again() {
    let machine = Machine::new();
    let first = machine.start(Request::Step(patient(&machine, "1")));
    machine.await_file("began");
    let second =
        machine.start(Request::Step(StepRequest { digest: "d2".to_owned(), ..patient(&machine, "1") }));
    fs::write(machine.path("go"), "").unwrap();
    assert!(!first.step().attached);
    assert!(!second.step().attached);
    assert_eq!(starts(&machine), 2);
    assert_eq!(machine.stored_ledger().step("1").unwrap().digest, "d2");
}

#[test]
fn many_callers_never_run_two_steps_at_once() {
    let machine = Machine::new();
    let dir = machine.dir.display();
    let content = format!("mkdir {dir}/alone; sleep 0.01; rmdir {dir}/alone");
    let sessions: Vec<Session> =
        (0..8).map(|number| machine.start(Request::Step(script(&number.to_string(), &content)))).collect();
    for session in sessions {
        assert_eq!(session.step().status, StepStatus::Changed);
    }
    assert_eq!(machine.stored_ledger().steps.len(), 8);
}

#[test]
fn cancel_ends_the_step_and_all_its_descendants() {
    let machine = Machine::new();
    let dir = machine.dir.display();
    // As a package manager does it: a helper in a session of its own.
    let content = format!("setsid sh -c 'echo $$ > {dir}/helper; exec sleep 100' & wait");
    let session = machine.start(Request::Step(script("1", &content)));
    let helper = machine.await_file("helper");
    let cancelled = machine.run(Request::Cancel { grace_ms: 5000 });
    assert_eq!(cancelled, Reply::Cancelled { step: Some("step 1".to_owned()) });
    assert!(!alive(&helper));
    let reply = session.step();
    assert_eq!((reply.status, reply.signal), (StepStatus::Failed, Some(15)));
    assert_eq!(machine.stored_ledger().step("1").unwrap().status, LedgerStatus::Failed);
    assert_eq!(machine.run(Request::Cancel { grace_ms: 0 }), Reply::Cancelled { step: None });
}

#[test]
fn who_does_not_listen_is_killed_after_the_grace() {
    let machine = Machine::new();
    let dir = machine.dir.display();
    let content = format!("trap '' TERM; echo $$ > {dir}/began; while :; do sleep 0.05; done");
    let session = machine.start(Request::Step(script("1", &content)));
    machine.await_file("began");
    machine.run(Request::Cancel { grace_ms: 50 });
    assert_eq!(session.step().signal, Some(9));
}

#[test]
fn a_step_that_ends_well_because_it_was_told_to_has_failed() {
    let machine = Machine::new();
    let dir = machine.dir.display();
    let content = format!("trap 'exit 0' TERM; echo $$ > {dir}/began; while :; do sleep 0.01; done");
    let session = machine.start(Request::Step(script("1", &content)));
    machine.await_file("began");
    machine.run(Request::Cancel { grace_ms: 5000 });
    assert_eq!(status(&session.step()), (StepStatus::Failed, Some(0)));
}

#[test]
fn a_caller_may_end_what_is_running() {
    let machine = Machine::new();
    let first = machine.start(Request::Step(patient(&machine, "1")));
    machine.await_file("began");
    let reply = machine.step(StepRequest { on_busy: OnBusy::End, ..script("1", "true") });
    assert_eq!((reply.status, reply.attached), (StepStatus::Changed, false));
    assert_eq!(first.step().status, StepStatus::Failed);
    assert_eq!(machine.stored_ledger().step("1").unwrap().status, LedgerStatus::Applied);
}

#[test]
fn a_step_whose_supervisor_was_killed_taints_and_leaves_nothing_running() {
    let machine = Machine::new();
    let session = machine.start(Request::Step(patient(&machine, "1")));
    let pid = machine.await_file("began");
    let record = await_that("the record of the step", || {
        let text = fs::read_to_string(machine.path("state/running.json")).ok()?;
        let record: serde_json::Value = serde_json::from_str(&text).ok()?;
        (!record["leader"].is_null()).then_some(record)
    });
    let supervisor = record["supervisor"]["pid"].to_string();
    std::process::Command::new("kill").args(["-9", &supervisor]).status().unwrap();
    assert!(matches!(session.reply(), Reply::Error { message, .. } if message.contains("was killed")));
    let seen = machine.ledger();
    assert_eq!(seen.running, None);
    assert_eq!(seen.ledger.step("1").unwrap().status, LedgerStatus::Interrupted);
    // The next one waits for nobody, and does not run beside what was left.
    assert!(alive(&pid));
    assert_eq!(machine.step(script("2", "true")).status, StepStatus::Changed);
    while alive(&pid) {
        pause();
    }
    assert_eq!(machine.stored_ledger().step("1").unwrap().status, LedgerStatus::Interrupted);
}
