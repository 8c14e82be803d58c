//! What is said, and what is left behind, when something goes wrong.

use super::{World, docker, image, sleeper};
use envup::event::Context;
use envup::model::Kind;
use envup::model::observed::{Contents, State};
use envup::provider::docker::{DockerProvider, Surroundings};
use envup::provider::{Operation, PlacedFile, Provider};
use envup::transport::{Captured, Command};
use std::time::{Duration, Instant};

fn provider_at(host: &str) -> DockerProvider {
    let variables = [("DOCKER_HOST".to_owned(), host.to_owned())].into();
    DockerProvider::new(Surroundings { variables, ..Surroundings::default() })
}

#[test]
fn an_engine_that_cannot_be_reached_is_unavailable_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let stale = directory.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let hosts = [
        "unix:///nowhere/docker.sock".to_owned(),
        format!("unix://{}", stale.display()),
        "tcp://127.0.0.1:1".into(),
    ];
    for host in hosts {
        let error = provider_at(&host).check().unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable, "{host}: {error}");
        assert!(error.message.contains("cannot be reached"), "{host}: {error}");
        assert!(!error.hints.is_empty(), "{host}");
    }
}

#[test]
fn a_command_ends_with_its_deadline() {
    let world = World::new();
    world.make_room();
    world.create(&sleeper("web"));
    let transport = world.provider.connect(&world.identity, "web").unwrap();
    let mut output = Captured::default();
    let stopped = transport.exec(Command::new(["/bin/id"]), &mut output, &world.context).unwrap_err();
    assert!(stopped.hints.iter().any(|hint| hint.contains("env up")), "{stopped}");
    world.start("web");
    let context = Context::silent().within(Duration::from_millis(300));
    let begin = Instant::now();
    let error = transport.exec(Command::new(["/bin/sleep", "60"]), &mut output, &context).unwrap_err();
    assert!(error.message.contains("time ran out"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    let gone = world.provider.connect(&world.identity, "gone").unwrap();
    let error = gone.exec(Command::new(["/bin/id"]), &mut output, &world.context).unwrap_err();
    assert_eq!(error.message, "machine gone does not exist");
}

#[test]
fn what_a_killed_run_left_half_made_is_replaced() {
    let world = World::new();
    world.make_room();
    let mut machine = sleeper("web");
    machine.configs = [("page".into(), "/page".into())].into();
    machine.secrets = ["key".into()].into();
    let files = || {
        let file = |path: &str, secret| PlacedFile { path: path.into(), content: b"x".into(), secret };
        vec![file("/page", false), file("/run/secrets/key", true)]
    };
    world.create_with(&machine, files(), Contents::new()).unwrap();
    let name = world.identity.machine("web");
    // As if it had been killed before the machine got its name, and while its secrets were filled in.
    docker(&["rename", &name, &format!("{name}.new")]);
    docker(&["create", "--name", &format!("{name}.secrets.filler"), image(), "/x"]);
    assert!(world.observe().machine("web").is_none(), "what is half-made is no machine");
    let begin = Instant::now();
    world.create_with(&machine, files(), Contents::new()).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
    world.start("web");
    assert_eq!(world.observe().machine("web").unwrap().state, State::Running);
    world.apply(Operation::RemoveMachine("web")).unwrap();
    let left = docker(&["ps", "-aq", "--filter", &format!("name={name}")]);
    assert_eq!(left, "");
    assert_eq!(world.observe().volumes, []);
}

#[test]
fn an_image_that_is_missing_or_not_a_program_is_said_plainly() {
    let world = World::new();
    world.make_room();
    let mut machine = sleeper("web");
    machine.command = Some(vec!["/no/such/program".into()]);
    world.create(&machine);
    let error = world.apply(Operation::StartMachine("web")).unwrap_err();
    assert!(error.to_string().contains("/no/such/program"), "{error}");
    assert_eq!(world.observe().machine("web").unwrap().state, State::Failed);
}

#[test]
fn two_processes_may_bring_the_agent_in_at_once() {
    std::thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(move || {
                let world = World::new();
                world.make_room();
                world.create(&sleeper("web"));
                world.start("web");
                let size = world.shell("web", "wc -c < /run/envup/agent/envup-agent");
                assert_eq!(
                    size.trim().parse::<usize>().unwrap(),
                    envup::transport::agent::AGENT.len(),
                    "{number}"
                );
            });
        }
    });
}
