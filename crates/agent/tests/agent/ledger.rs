//! The ledger: what the host writes into it, and what damages it must withstand.

use std::collections::BTreeMap;
use std::fs;

use envup_agent::{Ledger, LedgerStatus, RecordRequest, Reply, Request, StepEntry, StepRequest};

use crate::support::{Machine, script};

fn entry(key: &str) -> StepEntry {
    StepEntry {
        key: key.to_owned(),
        name: format!("file {key}"),
        digest: "f".to_owned(),
        status: LedgerStatus::Applied,
        changed: true,
        exit_code: None,
        signal: None,
        finished: 1,
        seconds: 0.1,
    }
}

fn values(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.map(str::to_owned))).collect()
}

#[test]
fn looking_at_a_fresh_machine_leaves_no_trace() {
    let machine = Machine::new();
    let reply = machine.ledger();
    assert_eq!((reply.ledger, reply.running), (Ledger::default(), None));
    assert!(!machine.path("state").exists());
}

#[test]
fn steps_on_top_of_one_that_runs_again_are_forgotten_before_it_runs() {
    let machine = Machine::new();
    for key in ["1", "2", "3"] {
        machine.step(script(key, "true"));
    }
    let ledger = machine.path("state/ledger.json");
    let look = format!("grep -q '\"step 3\"' {} && exit 7; exit 3", ledger.display());
    let again = StepRequest { forget: vec!["2".to_owned(), "3".to_owned()], ..script("1", &look) };
    assert_eq!(machine.step(again).exit_code, Some(3), "it was forgotten too late");
    let left = machine.stored_ledger().steps;
    assert_eq!(left.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["1"]);
}

#[test]
fn the_host_records_what_it_did_itself() {
    let machine = Machine::new();
    machine.step(script("1", "true"));
    let request = RecordRequest {
        steps: vec![entry("2"), entry("3")],
        files: values(&[("app.conf", Some("aa")), ("old", Some("bb"))]),
        env: values(&[("LANG", Some("C.UTF-8"))]),
        marks: values(&[("restart", Some("due"))]),
        forget: Vec::new(),
    };
    assert!(matches!(machine.run(Request::Record(request)), Reply::Ledger(_)));
    let request = RecordRequest {
        forget: vec!["2".to_owned()],
        files: values(&[("old", None)]),
        marks: values(&[("restart", None)]),
        ..RecordRequest::default()
    };
    let Reply::Ledger(reply) = machine.run(Request::Record(request)) else { panic!() };
    assert_eq!(reply.ledger, machine.stored_ledger());
    let keys: Vec<&str> = reply.ledger.steps.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["1", "3"]);
    assert_eq!(reply.ledger.files, BTreeMap::from([("app.conf".to_owned(), "aa".to_owned())]));
    assert_eq!(reply.ledger.env["LANG"], "C.UTF-8");
    assert!(reply.ledger.marks.is_empty());
}

#[test]
fn a_half_written_ledger_is_never_seen() {
    let machine = Machine::new();
    machine.step(script("1", "true"));
    // What a crash between writing and renaming leaves behind.
    fs::write(machine.path("state/ledger.envup-new"), "{\"vers").unwrap();
    machine.step(script("2", "true"));
    assert_eq!(machine.stored_ledger().steps.len(), 2);
    assert!(!machine.path("state/ledger.envup-new").exists());
}

#[test]
fn a_damaged_or_newer_ledger_is_refused_and_left_alone() {
    for (text, part) in [("{\"vers", "damaged"), ("{\"version\":2}", "has version 2")] {
        let machine = Machine::new();
        fs::create_dir(machine.path("state")).unwrap();
        fs::write(machine.path("state/ledger.json"), text).unwrap();
        for request in [Request::Ledger, Request::Record(RecordRequest::default())] {
            let reply = machine.run(request);
            assert!(
                matches!(&reply, Reply::Error { message, hint: Some(_) } if message.contains(part)),
                "{reply:?}"
            );
        }
        assert_eq!(fs::read_to_string(machine.path("state/ledger.json")).unwrap(), text);
    }
}

#[test]
fn a_step_is_not_started_when_its_ledger_cannot_be_read() {
    let machine = Machine::new();
    fs::create_dir(machine.path("state")).unwrap();
    fs::write(machine.path("state/ledger.json"), "[]").unwrap();
    let ran = machine.path("ran");
    let reply = machine.run(Request::Step(script("1", &format!("touch {}", ran.display()))));
    assert!(matches!(reply, Reply::Error { .. }));
    assert!(!ran.exists());
}

#[test]
fn a_machine_without_a_writable_place_is_told_so() {
    let machine = Machine::new();
    fs::write(machine.path("state"), "not a directory").unwrap();
    let reply = machine.run(Request::Step(script("1", "true")));
    assert!(
        matches!(&reply, Reply::Error { message, hint: Some(_) } if message.contains("cannot keep the ledger")),
        "{reply:?}"
    );
}
