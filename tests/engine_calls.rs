//! How often the engine is called: counted exactly, because times on a busy machine prove nothing.

mod counting_socket;

use crate::docker_provider::image;
use crate::support::Project;
use counting_socket::CountingSocket;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A checkout whose engine is watched.
struct Checkout {
    project: Project,
    socket: CountingSocket,
}

impl Checkout {
    /// A stack of so many machines from an image.
    fn with(machines: usize) -> Self {
        let mut envfile = "name = \"calls\"\n".to_owned();
        for number in 0..machines {
            write!(envfile, "[machine.m{number}]\nimage = \"{}\"\n", image()).unwrap();
            envfile.push_str("command = [\"/bin/sleep\", \"1000\"]\n");
        }
        Self::of(Project::new(&envfile))
    }

    fn of(project: Project) -> Self {
        let socket = CountingSocket::listen(&project.path("engine.sock"));
        Self { project, socket }
    }

    /// Runs one verb and says what it asked of the engine.
    fn calls(&self, verb: &str) -> BTreeMap<String, usize> {
        self.project.command(&[verb]).var("DOCKER_HOST", &self.socket.host()).run().succeeds();
        self.socket.take(same_in_every_run)
    }
}

/// Names of containers, volumes and the like are `*`.
fn same_in_every_run(request: &str) -> String {
    let word = |word: &str| {
        let named = word.contains("calls-") || word.contains(':') || word.len() >= 64;
        if named { "*".to_owned() } else { word.to_owned() }
    };
    request.split('/').map(word).collect::<Vec<_>>().join("/")
}

fn lines(calls: &BTreeMap<String, usize>) -> String {
    calls.iter().map(|(call, count)| format!("{count:>3} {call}\n")).collect()
}

#[test]
fn an_up_with_nothing_to_do_looks_once_at_everything() {
    let checkout = Checkout::with(10);
    checkout.calls("up");
    let calls = checkout.calls("up");
    insta::assert_snapshot!(lines(&calls), @r"
      1 GET /_ping
     10 GET /containers/*/json
      1 GET /containers/json
      1 GET /networks
      1 GET /volumes
    ");
    let inspects = calls["GET /containers/*/json"];
    assert_eq!(inspects, 10);
    assert!(calls.values().sum::<usize>() - inspects <= 4, "{calls:?}");
}

#[test]
fn an_up_makes_no_call_that_it_could_do_without() {
    // The first on an engine also fills the agent's volume.
    Checkout::with(1).calls("up");
    insta::assert_snapshot!(lines(&Checkout::with(1).calls("up")), @r"
      1 GET /_ping
      1 GET /containers/*/json
      3 GET /containers/json
      1 GET /images/*/json
      4 GET /networks
      1 GET /networks/*
      3 GET /volumes
      1 HEAD /containers/*/archive
      1 POST /containers/*/exec
      1 POST /containers/*/start
      1 POST /containers/create
      1 POST /exec/*/start
      1 POST /networks/create
    ");
    insta::assert_snapshot!(lines(&Checkout::with(10).calls("up")), @r"
      1 GET /_ping
     10 GET /containers/*/json
      3 GET /containers/json
      1 GET /images/*/json
      4 GET /networks
      1 GET /networks/*
      3 GET /volumes
      1 HEAD /containers/*/archive
     10 POST /containers/*/exec
     10 POST /containers/*/start
     10 POST /containers/create
     10 POST /exec/*/start
      1 POST /networks/create
    ");
}

#[test]
fn a_plan_asks_once_for_layers_where_machines_are_made_from_a_box() {
    let machine = |name: &str| {
        format!("[machine.{name}]\nbox = \"debian/12\"\nprovision = [{{ shell = \"echo {name}\" }}]\n")
    };
    let envfile = format!("name = \"calls\"\n{}{}", machine("a"), machine("b"));
    for (project, asked) in [(Project::new(&envfile).with_layers(), Some(&1)), (Project::new(&envfile), None)]
    {
        let socket = CountingSocket::listen(&project.path("engine.sock"));
        let plan = project.command(&["plan"]).var("DOCKER_HOST", &socket.host()).run().exits(2);
        assert_eq!(plan.stdout.contains(", 1 step, kept in a layer"), asked.is_some(), "{plan}");
        let calls = socket.take(same_in_every_run);
        assert_eq!(calls.get("GET /images/json"), asked, "{calls:?}");
    }
}

#[test]
fn a_machine_from_a_layer_is_gone_into_twice_while_it_comes_up() {
    let envfile = "name = \"calls\"\n[machine.web]\nbox = \"debian/12\"\n\
        provision = [{ shell = \"echo calls > /root/log\" }]\n";
    let checkout = Checkout::of(Project::new(envfile).with_layers());
    checkout.calls("up");
    checkout.project.env("destroy --yes").succeeds();
    let calls = checkout.calls("up");
    let made = |call: &str| calls.get(call).copied().unwrap_or(0);
    // It boots and becomes itself in one, and is fingerprinted in the other.
    assert_eq!((made("POST /containers/*/start"), made("POST /exec/*/start")), (1, 2), "{calls:?}");
}

#[test]
fn drift_asks_once_inside_each_machine() {
    let checkout = Checkout::with(3);
    checkout.calls("up");
    insta::assert_snapshot!(lines(&checkout.calls("drift")), @r"
      1 GET /_ping
      3 GET /containers/*/json
      1 GET /containers/json
      1 GET /networks
      1 GET /volumes
      3 POST /containers/*/exec
      3 POST /exec/*/start
    ");
}
