//! Changes: what others do to our machines is seen, and what we change in place takes effect; what is not ours stays.

use super::{World, docker, image, sleeper};
use envup::model::machine::{Machine, NetworkJoin, Port, Restart};
use envup::model::observed::{Contents, State};
use envup::model::size::Size;
use envup::model::stack::Network;
use envup::provider::{Operation, Provider, Scope};
use std::collections::BTreeMap;

fn update(world: &World, machine: &Machine, fields: &[&str]) {
    let new = world.wanted(machine, Vec::new(), Contents::new());
    world.apply(Operation::UpdateMachine { machine: &new, fields }).unwrap();
    let found = world.observe().machine(&machine.name).unwrap().fields.clone();
    assert_eq!(found, world.described(machine, &Contents::new()));
}

#[test]
fn limits_and_networks_change_in_place() {
    let mut world = World::new();
    let front = Network { name: "front".into(), ..Network::default() };
    world.stack.networks.insert("front".into(), front);
    world.make_room();
    let mut machine = sleeper("web");
    world.create(&machine);
    world.start("web");
    let id = world.observe().machine("web").unwrap().engine_id.clone();
    let limits = ["memory", "cpus", "pids", "restart"];
    machine.memory = Some(Size(64 << 20));
    machine.cpus = Some(0.5);
    machine.pids = Some(50);
    machine.restart = Restart::OnFailure(2);
    update(&world, &machine, &limits);
    machine.memory = Some(Size(300 << 20)); // more than the swap limit that came with the first
    machine.cpus = Some(1.5);
    update(&world, &machine, &["memory", "cpus"]);
    machine.memory = None;
    machine.cpus = None;
    machine.pids = None;
    machine.restart = Restart::No;
    update(&world, &machine, &limits);

    let join = NetworkJoin { aliases: ["www".into()].into(), address: None };
    machine.networks.insert("front".into(), join.clone());
    update(&world, &machine, &["network.front"]);
    machine.networks = BTreeMap::from([("front".into(), join)]);
    update(&world, &machine, &["network.default"]);
    assert_eq!(world.observe().machine("web").unwrap().engine_id, id, "the machine is the same");
}

#[test]
fn what_others_changed_is_seen_and_mended() {
    let world = World::new();
    world.make_room();
    let machine = sleeper("web");
    world.create(&machine);
    world.start("web");
    let name = world.identity.machine("web");
    let network = world.identity.network("default");
    let fields = || world.observe().machine("web").unwrap().fields.clone();

    docker(&["update", "--memory", "100m", "--memory-swap", "200m", &name]);
    assert_eq!(fields().get("memory"), Some("100MiB"));
    update(&world, &machine, &["memory"]);
    docker(&["network", "disconnect", &network, &name]);
    assert_eq!(fields().get("network.default"), None);
    update(&world, &machine, &["network.default"]);
    let foreign = format!("foreign-{}", world.identity.id);
    docker(&["network", "create", &foreign]);
    docker(&["network", "connect", &foreign, &name]);
    let field = format!("network.{foreign}");
    assert!(fields().get(&field).is_some());
    update(&world, &machine, &[&field]);
    docker(&["network", "rm", &foreign]);
    docker(&["kill", &name]);
    assert_eq!(world.observe().machine("web").unwrap().state, State::Stopped);
    world.start("web");
    docker(&["pause", &name]);
    assert_eq!(world.observe().machine("web").unwrap().state, State::Paused);
    world.start("web");
    assert_eq!(world.observe().machine("web").unwrap().state, State::Running);
    docker(&["rm", "-f", &name]);
    assert!(world.observe().machine("web").is_none());
}

#[test]
fn an_image_that_moved_under_its_name_is_seen() {
    let world = World::new();
    world.make_room();
    let moving = format!("envup-test-moving:{}", world.identity.id);
    docker(&["tag", image(), &moving]);
    let machine = sleeper("web");
    let mut new = world.wanted(&machine, Vec::new(), Contents::new());
    new.image = &moving;
    world.apply(Operation::CreateMachine(&new)).unwrap();
    let field = || world.observe().machine("web").unwrap().fields.get("image").map(str::to_owned);
    assert_eq!(field().as_deref(), Some(moving.as_str()));
    let changed = docker(&["commit", "-m", "moved", &world.identity.machine("web"), &moving]);
    assert_ne!(field().as_deref(), Some(moving.as_str()), "{changed}");
    docker(&["rmi", "-f", &moving]);
}

#[test]
fn what_is_not_ours_is_never_touched() {
    let world = World::new();
    world.make_room();
    world.create(&sleeper("web"));
    let name = world.identity.machine("web");
    // A committed image carries our labels: what others make from it is theirs.
    let committed = format!("envup-test-committed:{}", world.identity.id);
    docker(&["commit", &name, &committed]);
    let theirs = format!("theirs-{}", world.identity.id);
    docker(&["create", "--name", &theirs, &committed]);
    assert_eq!(world.observe().machines.len(), 1);
    let everything = world.provider.observe(Scope::Host).unwrap();
    assert!(everything.machines.iter().all(|machine| machine.engine_name != theirs));

    // Somebody else's container has the name that ours would have.
    let other = world.identity.machine("other");
    docker(&["create", "--name", &other, image(), "/bin/sleep", "1"]);
    let error = world.create_with(&sleeper("other"), Vec::new(), Contents::new()).unwrap_err();
    assert!(error.message.contains("is not ours"), "{error}");
    // Nothing of ours is there to remove, and theirs stays.
    world.apply(Operation::RemoveMachine("other")).unwrap();
    world.apply(Operation::StopMachine { name: "other", grace: None }).unwrap_err();
    docker(&["rm", &other]);
    docker(&["rm", &theirs]);
    docker(&["rmi", &committed]);
}

#[test]
fn a_taken_port_names_its_owner() {
    let world = World::new();
    world.make_room();
    let publishing = |name: &str, host| Machine {
        ports: vec![Port {
            guest: 80,
            host: Some(host),
            host_ip: "127.0.0.1".into(),
            protocol: "tcp".into(),
        }],
        ..sleeper(name)
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    world.create(&publishing("web", port));
    let error = world.apply(Operation::StartMachine("web")).unwrap_err().to_string();
    assert!(error.contains(&format!("port 127.0.0.1:{port} is taken by ")), "{error}");
    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
    drop(listener);
    world.start("web");
    world.create(&publishing("other", port));
    let error = world.apply(Operation::StartMachine("other")).unwrap_err().to_string();
    assert!(error.contains(&format!("container {}", world.identity.machine("web"))), "{error}");
}

#[test]
fn a_network_is_made_anew_under_machines_that_stay() {
    let mut world = World::new();
    world.make_room();
    let (runs, rests) = (sleeper("runs"), sleeper("rests"));
    for machine in [&runs, &rests] {
        world.create(machine);
    }
    world.start("runs");
    let network = world.stack.networks.get_mut("default").unwrap();
    network.labels.insert("colour".into(), "red".into());
    world.apply(Operation::RemoveNetwork("default")).unwrap();
    world.make_room();
    for machine in [&runs, &rests] {
        update(&world, machine, &["network.default"]);
        world.start(&machine.name);
    }

    // Somebody else removed it while no machine ran: their place in it points to nothing.
    for machine in [&runs, &rests] {
        docker(&["kill", &world.identity.machine(&machine.name)]);
    }
    docker(&["network", "rm", &world.identity.network("default")]);
    world.make_room();
    for machine in [&runs, &rests] {
        update(&world, machine, &["network.default"]);
        world.start(&machine.name);
    }
    assert_eq!(world.observe().machine("rests").unwrap().state, State::Running);
}
