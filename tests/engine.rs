//! How the engine walks a plan: what happens at once, what is told, what is left when somebody interrupts or a part of it crashes.

mod from_layer;

use crate::support::recorder::Recorder;
use crate::support::stage::Stage;
use envup::engine::{self, PlanOptions, Report, UpOptions};
use envup::event::{Cancel, Context, Event, Outcome};
use envup::model::observed::State;
use envup::model::{Kind, Result};
use envup::provider::fake::FakeProvider;
use envup::provider::{Provider, Scope};
use envup::transport::authorities::{AUTHORITIES, KEPT};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

/// A database, an application that needs it, and a machine of its own.
const SHOP: &str = r#"
name = "shop"

[machine.db]
image = "postgres:16"
ready = { tcp = 5432 }

[[machine.db.provision]]
name = "schema"
shell = "echo schema"

[machine.app]
image = "app:1"
depends_on = ["db"]

[machine.mail]
image = "mail:1"
"#;

/// The recipe of a box that is built of nothing.
const RECIPE: &str = "format = 1\nname = \"debian/12\"\nversion = \"1\"\n[bootstrap]\nsuite = \"bookworm\"\n\
    variant = \"minbase\"\ncomponents = [\"main\"]\n";

/// So many machines that need nothing.
fn independent(count: usize) -> String {
    let machines = (0..count).map(|number| format!("[machine.m{number}]\nimage = \"i:1\"\n"));
    machines.fold("name = \"many\"\n".to_owned(), |text, machine| text + &machine)
}

/// Does something that must end: a test that waits for ever says nothing.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(60)).expect("it hangs, or it crashed")
}

fn up_in_time(stage: Stage, context: Context) -> (Stage, Result<Report>) {
    in_time(move || {
        let report = stage.up(&context);
        (stage, report)
    })
}

fn outcomes(report: &Report) -> BTreeMap<&str, Outcome> {
    report.machines.iter().map(|machine| (machine.name.as_str(), machine.outcome)).collect()
}

#[test]
fn machines_that_need_nothing_of_each_other_start_at_once() {
    let stage = Stage::with(&independent(4));
    let all_at_once = Arc::new(Barrier::new(4));
    stage.provider.watch(move |operation| {
        if operation.starts_with("start") {
            all_at_once.wait();
        }
    });
    let (_, report) = up_in_time(stage, Context::silent());
    assert!(report.unwrap().machines.iter().all(|machine| machine.outcome == Outcome::Ready));
}

#[test]
fn the_engine_is_asked_for_a_few_things_at_once_only() {
    let stage = Stage::with(&independent(24));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    stage.provider.watch(move |operation| {
        if operation.starts_with("create machine") {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::park_timeout(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let (_, report) = up_in_time(stage, Context::silent());
    assert_eq!(report.unwrap().machines.len(), 24);
    let most = seen.load(Ordering::SeqCst);
    assert!((2..=8).contains(&most), "{most} at once");
}

#[test]
fn machines_are_made_while_their_network_is() {
    let with_network = |envfile: &str, refuses: bool| {
        let stage = Stage::with(envfile);
        stage.write("boxes/debian-12/box.toml", RECIPE);
        let provider = stage.provider.clone();
        provider.set_networks_later();
        if refuses {
            provider.fail("create machine m0");
        }
        stage.provider.watch(move |operation| {
            let asked = || provider.operations().contains(&"create machine m0".to_owned());
            if operation == "create network default" {
                while !asked() {
                    thread::park_timeout(Duration::from_millis(5));
                }
                provider.mend();
            }
        });
        let (stage, report) = up_in_time(stage, Context::silent());
        assert_eq!(outcomes(&report.unwrap())["m0"], Outcome::Ready);
        stage.provider.operations()
    };
    let [image, machine, network, start] =
        ["pull image i:1", "create machine m0", "create network default", "start machine m0"];
    let image_machine = independent(1);
    assert_eq!(with_network(&image_machine, false), [image, machine, network, start]);
    let refused = with_network(&image_machine, true);
    assert_eq!(refused, [image, machine, network, machine, start], "some engines want it first");
    let of_box = with_network("name = \"lab\"\n[machine.m0]\nbox = \"debian/12\"\n", false);
    assert_eq!(of_box[1..], [machine, network, start]);
}

#[test]
fn everything_is_told_in_order_and_an_up_with_nothing_to_do_tells_only_that() {
    let stage = Stage::with(SHOP);
    let recorder = Arc::new(Recorder::default());
    let report = stage.up(&Context::new(Cancel::default(), recorder.clone())).unwrap();
    let names: Vec<&str> = report.machines.iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, ["db", "app", "mail"], "the report keeps the plan's order");
    insta::assert_snapshot!(recorder.about("db"), @r"
    doing creating from postgres:16
    doing starting
    step schema running
    output schema ran
    step schema changed
    end ready provisioned schema
    ");
    insta::assert_snapshot!(recorder.about("app"), @r"
    doing creating from app:1
    waiting db ready
    doing starting
    end ready
    ");
    assert!(matches!(recorder.events().first(), Some(Event::Begin { machines }) if *machines == names));

    let recorder = Arc::new(Recorder::default());
    let before = stage.provider.operations().len();
    let report = stage.up(&Context::new(Cancel::default(), recorder.clone())).unwrap();
    assert!(report.machines.iter().all(|machine| machine.outcome == Outcome::Ready));
    let is_end = |event: &Event| matches!(event, Event::End { detail, .. } if detail.is_empty());
    assert!(recorder.events().iter().skip(1).all(is_end), "{:?}", recorder.events());
    assert_eq!(stage.provider.operations().len(), before);
}

#[test]
fn who_interrupts_gets_everything_ended_and_nothing_goes_on() {
    let stage = Stage::with(SHOP);
    let context = Context::silent();
    let cancel = context.cancel.clone();
    stage.provider.watch(move |operation| {
        if operation == "run step 1 in db" {
            cancel.request();
        }
    });
    let (stage, report) = up_in_time(stage, context);
    let report = report.unwrap();
    assert_eq!(report.error().map(|error| error.kind), Some(Kind::Interrupted));
    let outcomes = outcomes(&report);
    assert_eq!(outcomes["app"], Outcome::Skipped);
    assert_ne!(outcomes["db"], Outcome::Failed);
    let operations = stage.provider.operations();
    assert!(!operations.contains(&"start machine app".to_owned()), "{operations:?}");
    thread::park_timeout(Duration::from_millis(50));
    assert_eq!(stage.provider.operations(), operations, "something goes on behind our back");

    let (stage, report) = up_in_time(stage, Context::silent());
    assert!(report.unwrap().error().is_none());
    assert!(stage.plan(&PlanOptions::default()).unwrap().plan.is_empty());
}

#[test]
fn who_waits_for_a_machine_is_woken_by_an_interruption() {
    let stage = Stage::with(&SHOP.replace("echo schema", "sleep forever"));
    let context = Context::silent();
    let cancel = context.cancel.clone();
    stage.provider.watch(move |operation| {
        if operation == "run step 1 in db" {
            let cancel = cancel.clone();
            thread::spawn(move || {
                thread::park_timeout(Duration::from_millis(100));
                cancel.request();
            });
        }
    });
    let (stage, report) = up_in_time(stage, context);
    let report = report.unwrap();
    assert_eq!(report.error().map(|error| error.kind), Some(Kind::Interrupted));
    assert_eq!(outcomes(&report)["mail"], Outcome::Ready);
    assert!(stage.provider.operations().contains(&"cancel step 1 in db".to_owned()));
}

#[test]
fn a_crash_in_the_work_on_one_machine_is_its_failure_and_hangs_nobody() {
    let stage = Stage::with(SHOP);
    stage.provider.watch(|operation| assert_ne!(operation, "start machine db", "planted"));
    let (stage, report) = up_in_time(stage, Context::silent());
    let report = report.unwrap();
    let outcomes = outcomes(&report);
    assert_eq!(
        (outcomes["db"], outcomes["app"], outcomes["mail"]),
        (Outcome::Failed, Outcome::Skipped, Outcome::Ready)
    );
    assert!(report.error().unwrap().message.contains("crash of ours"));

    stage.provider.watch(|_| {});
    stage.provider.change(|observed| observed.networks.clear());
    stage.provider.watch(|operation| assert_ne!(operation, "create network default", "planted"));
    stage.provider.change(|observed| observed.machines.clear());
    let (_, report) = up_in_time(stage, Context::silent());
    let report = report.unwrap();
    assert!(report.machines.iter().all(|machine| machine.error.is_some()), "{report:?}");
}

#[test]
fn a_machine_that_ends_at_once_did_not_come_up() {
    let stage = Stage::with(&independent(1));
    stage.provider.ends("m0", 127);
    let recorder = Arc::new(Recorder::default());
    let report = stage.up(&Context::new(Cancel::default(), recorder.clone())).unwrap();
    assert_eq!(outcomes(&report)["m0"], Outcome::Failed);
    assert_eq!(report.error().unwrap().message, "m0 started and ended with code 127");
    let mut told = recorder.events().into_iter().filter_map(|event| match event {
        Event::End { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert_eq!(told.next_back(), Some(Outcome::Failed));
}

#[test]
fn a_machine_that_ends_while_its_baseline_is_taken_did_not_come_up() {
    let stage = Stage::with(&independent(1));
    let provider = stage.provider.clone();
    stage.provider.watch(move |operation| {
        if operation == "take fingerprint of m0" {
            provider.change(|observed| {
                (observed.machines[0].state, observed.machines[0].exit_code) = (State::after(3), Some(3));
            });
        }
    });
    let report = stage.up(&Context::silent()).unwrap();
    assert_eq!(report.error().unwrap().message, "m0 started and ended with code 3");
}

#[test]
fn what_was_done_in_a_machine_that_cannot_be_asked_is_not_done_again() {
    let stage = Stage::with(SHOP);
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    engine::stop(&stage.world().unwrap(), &["db".to_owned()].into(), &Context::silent()).unwrap();
    for operation in ["start machine db", "reach machine db"] {
        stage.provider.fail(operation);
    }
    assert!(stage.up(&Context::silent()).unwrap().error().is_some());
    stage.provider.mend();
    let done = stage.provider.operations().len();
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    let asked = stage.provider.operations()[done..].join("\n");
    assert!(asked.contains("start machine db") && !asked.contains("run step"), "{asked}");
}

#[test]
fn a_vm_whose_box_has_no_place_for_authorities_is_told() {
    let stage = Stage::with("name = \"small\"\n[machine.web]\nbox = \"small/1\"\n");
    let recipe = RECIPE.replace("debian/12", "small/1") + "[vm]\ncustomize = \"vm.sh\"\n";
    stage.write("boxes/small-1/box.toml", &recipe);
    stage.write("boxes/small-1/vm.sh", "");
    stage.provider.set_starts_from_disks();
    let recorder = Arc::new(Recorder::default());
    let report = stage.up(&Context::new(Cancel::default(), recorder.clone())).unwrap();
    assert!(report.error().is_none(), "{report:?}");
    let events = recorder.events();
    let is_told =
        |event: &Event| matches!(event, Event::Note { text } if text.contains("no ca-certificates"));
    // On a host without any there is nothing to tell.
    assert_eq!(events.iter().any(is_told), AUTHORITIES.is_some() && KEPT.is_some(), "{events:?}");
}

#[test]
fn a_machine_that_is_gone_takes_no_other_along() {
    let stage = Stage::with(SHOP);
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    let mail = engine::Destroy { machines: Some(["mail".to_owned()].into()), ..Default::default() };
    let destroy = |what: &engine::Destroy| {
        engine::destroy(&stage.world().unwrap(), what, &Context::silent()).unwrap().machines
    };
    assert_eq!(destroy(&mail), ["mail"]);
    // As the command line asks for it, which knows what is there.
    let none = engine::Destroy { machines: Some(Default::default()), ..Default::default() };
    assert_eq!(destroy(&none), Vec::<String>::new());
    assert_eq!(stage.provider.observe(Scope::Host).unwrap().machines.len(), 2);
}

#[test]
fn a_machine_that_exists_is_removed_by_the_provider_that_has_it() {
    let machine = |name: &str, provider: &str| {
        format!("[machine.{name}]\nimage = \"i:1\"\nprovider = \"{provider}\"\nnetworks = [\"lan\"]\n")
    };
    let envfile = |machines: &[(&str, &str)]| {
        machines
            .iter()
            .map(|(name, provider)| machine(name, provider))
            .fold("name = \"two\"\n[network.lan]\nexternal = \"lan\"\n".to_owned(), |all, one| all + &one)
    };
    let other = FakeProvider::named("libvirt");
    let up = |stage: &Stage, machines: &[(&str, &str)]| {
        stage.write("Envfile", &envfile(machines));
        let mut world = stage.world().unwrap();
        world.providers.0.push(Box::new(other.clone()));
        let options = PlanOptions { remove_orphans: true, ..PlanOptions::default() };
        let planned = engine::plan(&world, &options).unwrap();
        let report = engine::up(&world, &planned, &UpOptions::default(), &Context::silent()).unwrap();
        assert!(report.error().is_none(), "{report:?}");
    };
    let names = |provider: &FakeProvider| {
        let observed = provider.observe(Scope::Host).unwrap();
        observed.machines.into_iter().map(|machine| machine.name).collect::<Vec<_>>().join(" ")
    };
    let stage = Stage::new();
    up(&stage, &[("a", "docker"), ("b", "libvirt"), ("c", "libvirt")]);
    assert_eq!((names(&stage.provider).as_str(), names(&other).as_str()), ("a", "b c"));
    up(&stage, &[("a", "docker"), ("b", "libvirt")]);
    assert_eq!((names(&stage.provider).as_str(), names(&other).as_str()), ("a", "b"), "c left the Envfile");
    up(&stage, &[("a", "libvirt"), ("b", "docker")]);
    assert_eq!((names(&stage.provider).as_str(), names(&other).as_str()), ("b", "a"), "both moved");
}

#[test]
fn what_root_wrote_into_a_folder_of_somebody_else_is_handed_over() {
    let machine = |name: &str| format!("[machine.{name}]\nimage = \"i:1\"\nsync = [\"site:/srv\"]\n");
    let stage =
        Stage::with(&format!("name = \"two\"\n{}{}", machine("a"), machine("b").replace("/srv", "/srv:ro")));
    stage.write("site/made", "by root");
    let handed = |stage: &Stage| {
        let operations = stage.provider.operations();
        operations.into_iter().filter(|operation| operation.starts_with("hand over")).collect::<Vec<_>>()
    };
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    assert!(handed(&stage).is_empty(), "the folder is root's own");
    std::os::unix::fs::chown(stage.checkout().join("site"), Some(1000), Some(1000)).unwrap();
    stage.up(&Context::silent()).unwrap();
    assert_eq!(handed(&stage), ["hand over /srv of a"]);
    engine::settle(&stage.world().unwrap(), "a", &Context::silent());
    engine::settle(&stage.world().unwrap(), "b", &Context::silent());
    assert_eq!(handed(&stage).len(), 2, "b only reads it");
}
