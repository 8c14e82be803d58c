//! The commands of plan scripts: what a user does with `env`, to the Envfile, and behind our back.
//!
//! Looking: `plan`, `status`, `layers`, `operations` (of the last acting command, by thing), `order A < B < C` (of these operations).
//! Acting: `up`, `destroy`, `stop`, `prune layers`. The checkout: `envfile <<END`, `file PATH <<END`, `set PATH VALUE`, `unset PATH`,
//! `drop SECTION`, `replace OLD => NEW`, `lose state`. The engine: `keep layers`, `age layers DAYS`, `outside …`, `fail OPERATION`, `mend`, `ends MACHINE CODE`,
//! `unready MACHINE`, `ready MACHINE`, `interrupt OPERATION`.

use super::{edit, outside};
use crate::support::stage::Stage;
use envup::engine::{self, Destroy, PlanOptions, Planned, Report, UpOptions, World};
use envup::event::{Cancel, Context, Silent};
use envup::model::action::Target;
use envup::model::layer::KeptLayer;
use envup::model::{Error, Kind, Result};
use envup::ui::human;
use envup::ui::paint::Paint;
use envup::ui::{error, exit};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

/// A user in front of a stage.
pub struct Actor {
    stage: Stage,
    /// Operation at whose begin the user interrupts.
    interrupt: Option<String>,
    /// How many operations there were before the last acting command.
    before: usize,
}

/// Options and machine patterns of one command.
#[derive(Default)]
struct Given {
    options: BTreeSet<String>,
    machines: Vec<String>,
    steps: Vec<String>,
}

impl Given {
    fn has(&self, option: &str) -> bool {
        self.options.contains(option)
    }
}

impl Actor {
    pub fn new() -> Self {
        Self { stage: Stage::new(), interrupt: None, before: 0 }
    }

    /// Carries out one command and tells what it shows.
    pub fn act(&mut self, command: &str, text: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let rest = |count: usize| words[count..].join(" ");
        let stage = &self.stage;
        let rewrite = |text: String| stage.write("Envfile", &text);
        match words.as_slice() {
            ["envfile"] => rewrite(text.to_owned()),
            ["file", path] => stage.write(path, text),
            ["set", path, ..] => rewrite(edit::set(&stage.read("Envfile"), path, Some(&rest(2)))),
            ["unset", path] => rewrite(edit::set(&stage.read("Envfile"), path, None)),
            ["drop", section] => rewrite(edit::drop(&stage.read("Envfile"), section)),
            ["replace", ..] => {
                let change = rest(1);
                let (old, new) = change.split_once(" => ").unwrap();
                let envfile = stage.read("Envfile");
                assert!(envfile.contains(old), "the Envfile has no {old}");
                rewrite(envfile.replace(old, new));
            }
            ["lose", "state"] => fs::remove_dir_all(stage.checkout().join(".envup")).unwrap(),
            ["outside", change @ ..] => outside::change(&stage.provider, change).unwrap(),
            ["fail", ..] => stage.provider.fail(&rest(1)),
            ["keep", "layers"] => stage.provider.keep_layers(),
            ["age", "layers", days] => stage.provider.age_layers(days.parse::<u64>().unwrap() * 86_400),
            ["layers"] => return self.layers().unwrap(),
            ["prune", "layers", given @ ..] => return self.prune(given.contains(&"--all")).unwrap(),
            ["mend"] => stage.provider.mend(),
            ["ends", machine, code] => stage.provider.ends(machine, code.parse().unwrap()),
            ["unready", machine] => stage.provider.set_ready(machine, false),
            ["ready", machine] => stage.provider.set_ready(machine, true),
            ["interrupt", ..] => self.interrupt = Some(rest(1)),
            ["operations"] => return self.operations(),
            ["order", ..] => return self.order(&rest(1)),
            [verb, given @ ..] => return self.run(verb, given),
            [] => {}
        }
        String::new()
    }

    fn run(&mut self, verb: &str, words: &[&str]) -> String {
        let mut given = Given::default();
        for word in words {
            match word.split_once('=') {
                _ if word.strip_prefix("--step=").is_some() => {
                    given.steps.push(word.trim_start_matches("--step=").to_owned());
                }
                _ if word.starts_with("--") => _ = given.options.insert((*word).to_owned()),
                _ => given.machines.push((*word).to_owned()),
            }
        }
        let (shown, code) = match self.verb(verb, &given) {
            Ok(answer) => answer,
            Err(wrong) => (error::render(&wrong, Paint::OFF) + "\n", exit::of(wrong.kind)),
        };
        self.anonymous(&format!("{shown}exit {code}\n"))
    }

    fn verb(&mut self, verb: &str, given: &Given) -> Result<(String, u8)> {
        let world = self.stage.world()?;
        if matches!(verb, "up" | "destroy" | "stop") {
            self.before = self.stage.provider.operations().len();
        }
        match verb {
            "plan" => {
                let Planned { plan, .. } = engine::plan(&world, &plan_options(&world, given)?)?;
                let heading = format!("{} · {}", world.identity.name, world.stack.environment);
                let code = if plan.is_empty() { exit::DONE } else { exit::DIFFERENT };
                Ok((human::plan(&heading, &plan, Paint::OFF), code))
            }
            "up" => {
                let planned = engine::plan(&world, &plan_options(&world, given)?)?;
                let options = UpOptions { replace: given.has("--replace") };
                let report = engine::up(&world, &planned, &options, &self.context())?;
                Ok(shown(&planned, &report))
            }
            "status" => {
                Ok((human::status(&engine::status(&world, &Context::silent())?, Paint::OFF), exit::DONE))
            }
            "stop" => {
                let names = chosen(&world, &given.machines)?;
                let stopped = engine::stop(&world, &names, &self.context())?;
                Ok((format!("stopped: {}\n", list(&stopped)), exit::DONE))
            }
            "destroy" => {
                let machines = (!given.machines.is_empty()).then(|| given.machines.iter().cloned().collect());
                let options = Destroy { machines, volumes: given.has("--volumes") };
                let destroyed = engine::destroy(&world, &options, &self.context())?;
                let text = format!(
                    "machines: {}\nnetworks: {}\nvolumes: {}, kept: {}\n",
                    list(&destroyed.machines),
                    list(&destroyed.networks),
                    list(&destroyed.volumes),
                    list(&destroyed.kept_volumes)
                );
                Ok((text, exit::DONE))
            }
            other => Err(Error::usage(format!("plan scripts have no command `{other}`"))),
        }
    }

    /// The layers that are kept, in the order in which they were made.
    fn layers(&self) -> Result<String> {
        let world = self.stage.world()?;
        let mut kept = engine::kept_layers(&world.providers, &world.layers)?;
        kept.sort_by_key(|layer| layer.created);
        let line = |layer: &KeptLayer| {
            format!("{}: {}\n", layer.base.clone().unwrap_or_default(), layer.steps.join(", "))
        };
        let lines: String = kept.iter().map(line).collect();
        Ok(if lines.is_empty() { "none\n".to_owned() } else { lines })
    }

    fn prune(&self, all: bool) -> Result<String> {
        let world = self.stage.world()?;
        let removed = engine::prune_layers(&world.providers, &world.layers, &world.stack.layers, all)?;
        Ok(format!("{} gone, {} in use\n", removed.removed.len(), removed.in_use.len()))
    }

    /// A context that is cancelled where the script says.
    fn context(&mut self) -> Context {
        let context = Context::new(Cancel::default(), Arc::new(Silent));
        let (cancel, at) = (context.cancel.clone(), self.interrupt.take());
        self.stage.provider.watch(move |operation| {
            if Some(operation) == at.as_deref() {
                cancel.request();
            }
        });
        context
    }

    /// Operations since the last acting command began. Machines work at the same time: only the order of each thing is sure.
    fn operations(&self) -> String {
        let mut operations = self.recent();
        operations.sort_by_key(|operation| thing(operation));
        if operations.is_empty() { "none\n".to_owned() } else { operations.join("\n") }
    }

    fn order(&self, wanted: &str) -> String {
        let operations = self.recent();
        let place = |operation: &str| operations.iter().position(|known| known == operation);
        let places: Vec<Option<usize>> = wanted.split(" < ").map(place).collect();
        let holds = places.iter().all(Option::is_some) && places.is_sorted();
        if holds { "yes\n".to_owned() } else { format!("NO: {operations:?}\n") }
    }

    fn recent(&self) -> Vec<String> {
        self.stage.provider.operations().split_off(self.before)
    }

    /// Without what differs from run to run.
    fn anonymous(&self, text: &str) -> String {
        let id = self.stage.world().map(|world| world.identity.id.0).unwrap_or_default();
        let text = text.replace(self.stage.checkout().to_str().unwrap(), "/checkout");
        if id.is_empty() { text } else { text.replace(&id[..6], "123456") }
    }
}

/// The last word of what an operation is about, machines after everything else.
fn thing(operation: &str) -> (bool, String) {
    let words: Vec<&str> = operation.split([' ', ':']).collect();
    match words.as_slice() {
        [_, "image" | "box", name @ ..] => (false, format!("box {}", name.join(" "))),
        [_, kind @ ("network" | "volume"), name, ..] => (false, format!("{kind} {name}")),
        [_, "machine", name, ..] | [.., "in" | "of", name] => (true, (*name).to_owned()),
        _ => (true, operation.to_owned()),
    }
}

fn chosen(world: &World, patterns: &[String]) -> Result<BTreeSet<String>> {
    engine::select(patterns, world.stack.machines.keys().map(String::as_str))
}

fn plan_options(world: &World, given: &Given) -> Result<PlanOptions> {
    let named = chosen(world, &given.machines)?;
    let rebuild = if given.has("--rebuild") { named.clone() } else { BTreeSet::new() };
    let steps: BTreeSet<String> = given.steps.iter().cloned().collect();
    let run_steps = named.iter().filter(|_| !steps.is_empty()).map(|name| (name.clone(), steps.clone()));
    Ok(PlanOptions {
        run_steps: run_steps.collect(),
        only_those: given.has("--only-those"),
        remove_orphans: given.has("--remove-orphans"),
        machines: if given.machines.is_empty() { BTreeSet::new() } else { named },
        rebuild,
        no_layers: given.has("--no-layers"),
    })
}

/// What an `up` did, a line for each machine.
fn shown(planned: &Planned, report: &Report) -> (String, u8) {
    let mut text = String::new();
    let interrupted = report.error().is_some_and(|error| error.kind == Kind::Interrupted);
    if planned.plan.is_empty() {
        text += "nothing to do\n";
    }
    for machine in &report.machines {
        let outcome = format!("{:?}", machine.outcome).to_lowercase();
        text += &format!("{} {}: {outcome}", machine.name, machine.verb.as_str());
        if !machine.steps.is_empty() {
            let steps: Vec<&str> = machine.steps.iter().map(|ran| ran.step.as_str()).collect();
            text += &format!(", ran {}", steps.join(", "));
        }
        // What else was under way when the user interrupted is a matter of chance.
        if let Some(wrong) = machine.error.as_ref().filter(|_| !interrupted) {
            text += &format!(", {}", wrong.message);
        }
        text += "\n";
    }
    for network in planned.plan.of(Target::Network).filter(|action| action.verb.as_str() != "keep") {
        text += &format!("network {} {}\n", network.name, network.verb.as_str());
    }
    match report.error() {
        Some(wrong) => (text + &error::render(wrong, Paint::OFF) + "\n", exit::of(wrong.kind)),
        None => (text, exit::DONE),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
