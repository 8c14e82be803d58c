//! How the engine takes snapshots and goes back to them: in which order, what is lost, what is left when a part of it fails.

use crate::support::stage::Stage;
use envup::engine::{self, World};
use envup::event::Context;
use envup::model::Result;
use envup::model::observed::State;
use envup::model::snapshot::KeptSnapshot;
use envup::provider::{Provider, Scope};
use std::collections::BTreeSet;

/// A database with a volume, an application that needs it, and a job that has ended.
const SHOP: &str = r#"
name = "shop"

[machine.db]
image = "postgres:16"
volumes = ["data:/data"]

[[machine.db.provision]]
name = "schema"
shell = "echo schema"

[machine.app]
image = "app:1"
depends_on = ["db"]

[volume.data]
"#;

fn save(world: &World, name: &str, machines: &[&str]) -> Result<KeptSnapshot> {
    engine::save_snapshot(world, name, &set(machines), &Context::silent())
}

fn restore(world: &World, name: &str, machines: &[&str]) -> Result<KeptSnapshot> {
    engine::restore_snapshot(world, name, &set(machines), &Context::silent())
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A stack that is up, with the operations it was asked for until now.
fn up(envfile: &str) -> (Stage, World, usize) {
    let stage = Stage::with(envfile);
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    stage.provider.write("data", "old");
    let (world, done) = (stage.world().unwrap(), stage.provider.operations().len());
    (stage, world, done)
}

fn states(stage: &Stage) -> Vec<(String, State)> {
    let machines = stage.provider.observe(Scope::Host).unwrap().machines;
    machines.into_iter().map(|machine| (machine.name, machine.state)).collect()
}

fn both(state: State) -> Vec<(String, State)> {
    vec![("app".to_owned(), state), ("db".to_owned(), state)]
}

#[test]
fn machines_stop_are_kept_and_start_in_the_order_of_their_needs() {
    let (stage, world, done) = up(SHOP);
    let saved = save(&world, "before", &[]).unwrap();
    assert!(saved.complete);
    assert_eq!((saved.machines, saved.volumes), (vec!["app".into(), "db".into()], vec!["data".to_owned()]));
    assert_eq!(
        stage.provider.operations()[done..],
        [
            "stop machine app",
            "stop machine db",
            "keep machine app",
            "keep machine db",
            "keep volume data",
            "start machine db",
            "start machine app"
        ]
    );
    let again = save(&world, "before", &[]).unwrap_err();
    assert!(again.message.contains("already") && again.hints[0].contains("remove before"), "{again:?}");
    assert!(save(&world, "Before!", &[]).is_err());
}

#[test]
fn restoring_brings_back_data_ledger_and_image_and_the_plan_is_empty() {
    let (stage, world, _) = up(SHOP);
    save(&world, "before", &[]).unwrap();
    stage.provider.write("data", "new");
    stage.write("Envfile", &SHOP.replace("echo schema", "echo other"));
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    stage.write("Envfile", SHOP);

    let done = stage.provider.operations().len();
    restore(&stage.world().unwrap(), "before", &[]).unwrap();
    assert_eq!(stage.provider.read("data"), "old");
    assert_eq!(states(&stage), both(State::Running));
    assert!(stage.plan(&Default::default()).unwrap().plan.is_empty());
    let asked = stage.provider.operations()[done..].join("\n");
    assert!(!asked.contains("run step"), "{asked}");
    assert!(asked.ends_with("start machine db\nstart machine app"), "{asked}");
}

#[test]
fn one_machine_goes_back_alone_unless_others_use_its_volume() {
    let (stage, world, done) = up(SHOP);
    save(&world, "before", &["db"]).unwrap();
    stage.provider.write("data", "new");
    restore(&world, "before", &["db"]).unwrap();
    assert_eq!(stage.provider.read("data"), "old");
    assert!(!stage.provider.operations()[done..].iter().any(|operation| operation.ends_with("machine app")));
    assert!(restore(&world, "before", &["app"]).unwrap_err().message.contains("not in the snapshot"));

    let shared = SHOP.replace("image = \"app:1\"", "image = \"app:1\"\nvolumes = [\"data:/data\"]");
    let (_, world, _) = up(&shared);
    let refused = save(&world, "before", &["db"]).unwrap_err();
    assert!(refused.message.contains("app uses the volume data too"), "{refused:?}");
}

#[test]
fn a_failure_leaves_no_half_snapshot_and_no_stack_that_is_down() {
    let (stage, world, _) = up(SHOP);
    stage.provider.fail("keep volume data");
    assert!(save(&world, "before", &[]).is_err());
    assert_eq!(engine::kept_snapshots(&world).unwrap(), []);
    assert_eq!(states(&stage), both(State::Running));
    stage.provider.mend();

    // Nor does somebody who interrupts.
    let context = Context::silent();
    let cancel = context.cancel.clone();
    stage.provider.watch(move |operation| {
        if operation == "keep machine db" {
            cancel.request();
        }
    });
    assert!(engine::save_snapshot(&world, "before", &BTreeSet::new(), &context).is_err());
    stage.provider.watch(|_| {});
    assert_eq!(engine::kept_snapshots(&world).unwrap(), []);
    assert_eq!(states(&stage), both(State::Running));
}

#[test]
fn what_a_killed_run_left_is_told_not_restored_and_replaced_by_the_next() {
    let (stage, world, _) = up(SHOP);
    // A killed run cannot tidy up.
    let snapshots = stage.provider.snapshots().unwrap();
    save(&world, "before", &[]).unwrap();
    let parts = snapshots.list(&world.identity).unwrap();
    snapshots.remove(&world.identity, &parts[0].part).unwrap();
    assert!(!engine::kept_snapshots(&world).unwrap()[0].complete);
    let refused = restore(&world, "before", &[]).unwrap_err();
    assert!(refused.message.contains("is not complete"), "{refused:?}");
    assert_eq!(states(&stage), both(State::Running));

    save(&world, "before", &[]).unwrap();
    assert_eq!(engine::kept_snapshots(&world).unwrap().len(), 1);
    restore(&world, "before", &[]).unwrap();
    engine::remove_snapshot(&world, "before").unwrap();
    assert!(engine::remove_snapshot(&world, "before").unwrap_err().message.contains("has no snapshot"));
}

#[test]
fn what_was_not_kept_whole_is_refused_before_anything_is_lost() {
    let (stage, world, _) = up(SHOP);
    save(&world, "before", &[]).unwrap();
    stage.provider.write("data", "new");
    stage.provider.fail("verify volume data");
    let done = stage.provider.operations().len();
    let refused = restore(&world, "before", &[]).unwrap_err();
    assert!(refused.message.contains("cannot restore the data on data; nothing was changed"), "{refused:?}");
    let asked = &stage.provider.operations()[done..];
    assert!(asked.iter().all(|operation| operation.starts_with("verify ")), "{asked:?}");
    assert_eq!((stage.provider.read("data"), states(&stage)), ("new".to_owned(), both(State::Running)));
    stage.provider.mend();
    restore(&world, "before", &[]).unwrap();
    assert_eq!(stage.provider.read("data"), "old");
}

#[test]
fn what_was_destroyed_comes_back_and_what_did_not_run_stays_off() {
    let (stage, world, _) = up(SHOP);
    engine::stop(&world, &set(&["app"]), &Context::silent()).unwrap();
    save(&world, "before", &[]).unwrap();
    assert_eq!(states(&stage)[0].1, State::Stopped);
    let everything = engine::Destroy { volumes: false, ..Default::default() };
    engine::destroy(&world, &everything, &Context::silent()).unwrap();
    assert_eq!(states(&stage), []);
    restore(&stage.world().unwrap(), "before", &[]).unwrap();
    let states = states(&stage);
    assert_eq!((states[0].1, states[1].1), (State::Stopped, State::Running));
}
