//! Readiness: what is met, what is not, and what is told in between.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use envup_agent::{Call, Line, ProbeReply, ProbeRequest, Reply, Request, Requirement, Unmet};

use crate::support::{Machine, Session, await_that};

fn start(requirements: Vec<Requirement>, timeout_ms: u64) -> Session {
    Machine::new().start(Request::Probe(ProbeRequest { requirements, timeout_ms, interval_ms: None }))
}

fn finish(session: Session) -> (Vec<Unmet>, ProbeReply) {
    let (lines, reply) = session.finish();
    let unmet = |line| if let Line::Probe(unmet) = line { Some(unmet) } else { None };
    match reply {
        Reply::Probe(reply) => (lines.into_iter().filter_map(unmet).collect(), reply),
        other => panic!("no probe but {other:?}"),
    }
}

/// One single try; returns what is missing, if anything.
fn once(requirement: Requirement) -> Option<String> {
    let (_, reply) = finish(start(vec![requirement], 0));
    assert_eq!(reply.ready, reply.failed.is_empty());
    reply.failed.into_iter().next().map(|unmet| unmet.detail)
}

fn tcp(port: u16) -> Requirement {
    Requirement::Tcp { port, host: None }
}

fn cmd(script: &str) -> Requirement {
    Requirement::Cmd { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), user: None }
}

fn http(port: u16) -> Requirement {
    Requirement::Http { url: format!("http://localhost:{port}/health") }
}

fn listener(address: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    listener("127.0.0.1:0").1
}

fn answer(stream: TcpStream, status: &str) -> Vec<String> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.trim().is_empty()) {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        lines.push(line);
    }
    write!(reader.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
    lines
}

#[test]
fn a_listener_is_found_by_either_protocol() {
    let (_four, port) = listener("127.0.0.1:0");
    assert_eq!(once(tcp(port)), None);
    if let Ok(six) = TcpListener::bind("[::1]:0") {
        assert_eq!(once(tcp(six.local_addr().unwrap().port())), None);
    }
    assert_eq!(once(tcp(free_port())), Some("connection refused".to_owned()));
}

#[test]
fn all_requirements_are_awaited_together() {
    let machine = Machine::new();
    let file = machine.path("socket");
    let port = free_port();
    let mut session = start(vec![tcp(port), Requirement::File { path: file.display().to_string() }], 20_000);
    let mut seen = [session.line(), session.line()].map(|line| match line {
        Some(Line::Probe(unmet)) => (unmet.requirement, unmet.detail),
        other => panic!("{other:?}"),
    });
    seen.sort();
    assert_eq!(seen[0], (format!("file {}", file.display()), "no such file or directory".to_owned()));
    assert_eq!(seen[1], (format!("tcp {port}"), "connection refused".to_owned()));
    std::fs::write(&file, "").unwrap();
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (details, reply) = finish(session);
    assert!(reply.ready && details.is_empty(), "{details:?}");
}

#[test]
fn one_of_several_lists_is_enough() {
    let machine = Machine::new();
    let file = machine.path("socket");
    let (port, there) = (free_port(), Requirement::File { path: file.display().to_string() });
    let any = || Requirement::Any { lists: vec![vec![tcp(port)], vec![there.clone(), cmd("exit 0")]] };
    assert_eq!(once(any()), Some("connection refused".to_owned()));
    let mut session = start(vec![any(), cmd("exit 0")], 20_000);
    let detail = "connection refused".to_owned();
    assert_eq!(session.line(), Some(Line::Probe(Unmet { requirement: format!("tcp {port}"), detail })));
    std::fs::write(&file, "").unwrap();
    // Of the other list nothing is told.
    let (details, reply) = finish(session);
    assert!(reply.ready && details.is_empty(), "{details:?}");
    std::fs::remove_file(&file).unwrap();
    let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(once(any()), None);
}

#[test]
fn http_is_ready_when_it_answers_well() {
    let (listener, port) = listener("127.0.0.1:0");
    let session = start(vec![http(port)], 20_000);
    for status in ["503 Service Unavailable", "503 Service Unavailable", "200 OK"] {
        let request = answer(listener.accept().unwrap().0, status);
        assert_eq!(request[0], "GET /health HTTP/1.1\r\n");
        assert_eq!(request[1], format!("Host: localhost:{port}\r\n"));
    }
    let (details, reply) = finish(session);
    assert!(reply.ready);
    let detail = "503 Service Unavailable".to_owned();
    assert_eq!(details, [Unmet { requirement: format!("http://localhost:{port}/health"), detail }]);
}

#[test]
fn time_runs_out_with_the_last_detail() {
    let begin = Instant::now();
    let port = free_port();
    let (_, reply) = finish(start(vec![tcp(port), cmd("echo waiting for the schema; exit 3")], 200));
    assert!(!reply.ready && reply.seconds >= 0.2);
    assert!(begin.elapsed() < Duration::from_secs(5));
    let details: Vec<&str> = reply.failed.iter().map(|unmet| unmet.detail.as_str()).collect();
    assert_eq!(details, ["connection refused", "exit 3: waiting for the schema"]);
}

#[test]
fn a_program_that_hangs_is_killed_with_its_children() {
    let machine = Machine::new();
    let pid = machine.path("pid");
    let script = format!("sleep 100 & echo $! > {}; wait", pid.display());
    let (_, reply) = finish(start(vec![cmd(&script)], 300));
    assert_eq!(reply.failed[0].detail, "still running after 1 s");
    let pid = machine.await_file("pid");
    await_that("the end of the child", || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        (state.is_empty() || state.contains(") Z")).then_some(())
    });
}

#[test]
fn programs_run_as_the_user_and_say_what_is_wrong() {
    let as_daemon = |program: &str| Requirement::Cmd {
        argv: ["sh", "-c", program].map(str::to_owned).to_vec(),
        user: Some("daemon".to_owned()),
    };
    assert_eq!(once(as_daemon("test $(id -un) = daemon")), None);
    let missing = Requirement::Cmd { argv: vec!["nosuch".to_owned()], user: None };
    assert_eq!(once(missing), Some("there is no program nosuch in this machine".to_owned()));
    let nobody = Requirement::Cmd { argv: vec!["true".to_owned()], user: Some("nosuch".to_owned()) };
    assert_eq!(once(nobody), Some("there is no user nosuch in this machine".to_owned()));
}

#[test]
fn what_cannot_be_probed_says_so() {
    let https = Requirement::Http { url: "https://localhost/".to_owned() };
    assert_eq!(once(https), Some("only plain http:// addresses can be probed".to_owned()));
    let unknown = Requirement::Tcp { port: 1, host: Some("nosuchhost".to_owned()) };
    assert_eq!(once(unknown), Some("nosuchhost is not in this machine's /etc/hosts".to_owned()));
    let (listener, port) = listener("127.0.0.1:0");
    let session = start(vec![http(port)], 0);
    drop(listener.accept().unwrap());
    assert_eq!(finish(session).1.failed[0].detail, "the connection was closed without an answer");
}

#[test]
fn waiting_ends_with_the_input_of_a_caller_who_holds_it() {
    let never = Requirement::File { path: "/never".to_owned() };
    let request = ProbeRequest { requirements: vec![never], timeout_ms: 600_000, interval_ms: None };
    let call = Call { ends_with_input: true, ..Call::new(Request::Probe(request)) };
    let mut agent = Command::new(env!("CARGO_BIN_EXE_envup-agent"));
    let mut agent = agent.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = agent.stdin.take().unwrap();
    writeln!(input, "{}", serde_json::to_string(&call).unwrap()).unwrap();
    let mut answers = BufReader::new(agent.stdout.take().unwrap());
    let mut answer = String::new();
    answers.read_line(&mut answer).unwrap();
    assert!(matches!(serde_json::from_str(&answer).unwrap(), Line::Probe(_)), "{answer}");
    // From here on it has nothing to say, and could not find out by its output that nobody listens.
    assert!(agent.try_wait().unwrap().is_none(), "it waits");
    drop(input);
    await_that("the end of the agent", || agent.try_wait().unwrap());
    answer.clear();
    assert_eq!(answers.read_line(&mut answer).unwrap(), 0, "{answer}");
}

#[test]
fn nothing_required_is_ready() {
    assert!(finish(start(Vec::new(), 1000)).1.ready);
}
