//! Networks that machines of two providers join, with two fakes: who makes which part when, and what is left of it.

use crate::support::stage::Stage;
use envup::engine::{self, Destroy, PlanOptions, Report, UpOptions, World};
use envup::event::Context;
use envup::model::action::{Target, Verb};
use envup::model::observed::ObservedThing;
use envup::provider::fake::FakeProvider;
use envup::provider::{Provider, Scope};

const DB: &str = "name = \"two\"\n[machine.db]\nimage = \"db:1\"\n";
const WEB: &str = "[machine.web]\nimage = \"web:1\"\nprovider = \"libvirt\"\n";

/// A stage with an engine whose networks are ground for the other's.
struct Both {
    stage: Stage,
    ground: FakeProvider,
}

impl Both {
    fn with(envfile: &str) -> Self {
        Self { stage: Stage::with(envfile), ground: FakeProvider::ground("libvirt") }
    }

    fn world(&self) -> World {
        let mut world = self.stage.world().unwrap();
        world.providers.0.push(Box::new(self.ground.clone()));
        world
    }

    fn plan(&self) -> engine::Planned {
        let options = PlanOptions { remove_orphans: true, ..PlanOptions::default() };
        engine::plan(&self.world(), &options).unwrap()
    }

    #[track_caller]
    fn up(&self) -> Report {
        let options = UpOptions::default();
        let report = engine::up(&self.world(), &self.plan(), &options, &Context::silent()).unwrap();
        assert!(report.error().is_none(), "{report:?}");
        assert!(self.plan().plan.is_empty(), "{:?}", self.plan().plan);
        report
    }

    /// What the plan does with the parts of the network, and why.
    fn parts(&self) -> Vec<(String, Verb)> {
        let plan = self.plan().plan;
        plan.of(Target::Network).map(|action| (action.provider.clone(), action.verb)).collect()
    }

    /// What was done with networks since the last time, by the engine that lies on the other and by the other.
    fn networks(&self) -> [Vec<String>; 2] {
        [&self.stage.provider, &self.ground].map(|provider| {
            let mut all = provider.operations();
            all.retain(|operation| {
                ["network", "admit", "dismiss"].iter().any(|word| operation.contains(word))
            });
            all
        })
    }
}

fn part(provider: &str, verb: Verb) -> (String, Verb) {
    (provider.to_owned(), verb)
}

fn networks(provider: &FakeProvider) -> Vec<ObservedThing> {
    provider.observe(Scope::Host).unwrap().networks
}

#[test]
fn one_provider_makes_the_network_and_the_other_builds_on_it() {
    let both = Both::with(&format!("{DB}{WEB}"));
    assert_eq!(both.parts(), [part("libvirt", Verb::Create), part("docker", Verb::Create)]);
    both.up();
    let [above, below] = both.networks();
    assert_eq!(above, ["create network default on that of libvirt"]);
    assert_eq!(below, ["create network default", "admit db to default"]);

    let destroyed = engine::destroy(&both.world(), &Destroy::default(), &Context::silent()).unwrap();
    assert_eq!(destroyed.networks, ["default"], "two parts are one network");
    assert!(networks(&both.stage.provider).is_empty() && networks(&both.ground).is_empty());
}

#[test]
fn the_part_on_top_goes_first_and_comes_last_when_the_network_is_made_anew() {
    let network = "[network.default]\nsubnet = \"10.5.0.0/24\"\n";
    let both = Both::with(&format!("{DB}{WEB}{network}"));
    both.up();
    both.stage.write("Envfile", &format!("{DB}{WEB}{}", network.replace("10.5", "10.6")));
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for (name, provider) in [("above", &both.stage.provider), ("below", &both.ground)] {
        let order = order.clone();
        provider.watch(move |operation| {
            if operation.contains(" network ") {
                order.lock().unwrap().push(format!("{name}: {operation}"));
            }
        });
    }
    both.up();
    let expected = [
        "above: remove network default",
        "below: remove network default",
        "below: create network default",
        "above: create network default on that of libvirt",
    ];
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn what_lies_on_a_network_that_went_away_is_made_anew() {
    let both = Both::with(&format!("{DB}{WEB}"));
    both.up();
    both.ground.change(|observed| observed.networks.clear());
    assert_eq!(both.parts(), [part("libvirt", Verb::Create), part("docker", Verb::Replace)]);
    both.up();
    // One that only does not run is started.
    both.ground.change(|observed| observed.networks[0].fields.set("state", "down"));
    assert_eq!(both.parts(), [part("libvirt", Verb::Start), part("docker", Verb::Replace)]);
}

#[test]
fn a_network_is_shared_exactly_as_long_as_machines_of_both_are_declared() {
    let both = Both::with(DB);
    both.up();
    assert!(networks(&both.ground).is_empty());
    both.stage.write("Envfile", &format!("{DB}{WEB}"));
    assert_eq!(both.parts(), [part("libvirt", Verb::Create), part("docker", Verb::Replace)]);
    both.up();
    both.stage.write("Envfile", DB);
    assert_eq!(both.parts(), [part("docker", Verb::Replace), part("libvirt", Verb::Destroy)]);
    both.up();
    assert!(networks(&both.ground).is_empty(), "the last machine of libvirt's left");
    assert_eq!(networks(&both.stage.provider).len(), 1);

    // The other way round: who leaves is forgotten.
    both.stage.write("Envfile", &format!("{DB}{WEB}"));
    both.up();
    both.stage.write("Envfile", &format!("name = \"two\"\n{WEB}"));
    assert_eq!(both.parts(), [part("libvirt", Verb::Keep), part("docker", Verb::Destroy)]);
    both.up();
    assert_eq!(both.ground.operations().last().unwrap(), "dismiss db");
}

#[test]
fn a_volume_is_one_providers() {
    let mount = "volumes = [\"data:/data\"]\n";
    let both = Both::with(&format!("{DB}{mount}{WEB}{mount}[volume.data]\n"));
    let error = engine::plan(&both.world(), &PlanOptions::default()).err().unwrap();
    assert_eq!(error.message, "machines of docker and libvirt cannot share volume data");
    let both = Both::with(&format!("{DB}{WEB}{mount}[volume.data]\n"));
    both.up();
    assert_eq!(both.ground.observe(Scope::Host).unwrap().volumes.len(), 1);
    assert!(both.stage.provider.observe(Scope::Host).unwrap().volumes.is_empty());
}
