//! Bringing one machine to what its action says: image, create, start, boot, environment, steps, ready.

use super::baseline::is_unfinished;
use super::board::{Board, Stage};
use super::layers::{self, Start};
use super::{
    Planned, World, certificates, contents, desired, folders, images, observe, ready, steps, things, together,
};
use crate::event::{Context, Event, Outcome};
use crate::model::action::{Target, Verb};
use crate::model::machine::{Condition, Init, Machine};
use crate::model::observed::{ObservedMachine, State};
use crate::model::ready::Ready;
use crate::model::{Error, Result};
use crate::plan::{self, Action};
use crate::provider::{NewMachine, Operation, Provider};
use crate::provision::Workshop;
use crate::transport::Transport;
use envup_agent::Ledger;
use std::collections::BTreeSet;

/// One machine of a walk.
pub struct Work<'a> {
    pub world: &'a World,
    pub planned: &'a Planned,
    pub action: &'a Action,
    pub machine: &'a Machine,
    pub provider: &'a dyn Provider,
    pub board: &'a Board,
    pub workshop: &'a Workshop<'a>,
    pub context: &'a Context,
}

/// How it ended, and what ran.
pub struct Done {
    pub outcome: Outcome,
    pub steps: Vec<steps::Ran>,
    /// It was not waited until everything in it has started: that is still to be done.
    pub is_booting: bool,
}

impl Work<'_> {
    /// Does all that the action says; the board is told of every stage.
    pub fn run(&self) -> Result<Done> {
        let replaced = self.action.verb == Verb::Replace;
        let mut from = Start::default();
        if replaced || self.action.verb == Verb::Create {
            from = self.create(replaced)?;
        }
        self.wait_for_needs()?;
        if !self.action.update.is_empty() {
            self.update()?;
        }
        let name = self.machine.name.as_str();
        if self.action.start {
            self.wait_for_networks()?;
            self.doing("starting");
            self.call(Operation::StartMachine(name))?;
        }
        self.board.reached(name, Stage::Started);
        let mut ran = std::mem::take(&mut from.ran);
        let instead = self.instead_of_boot(&from);
        ran.append(&mut self.provision(&from, instead)?);
        ran.append(&mut together::run(self)?);
        if desired::is_one_shot(self.world, name) {
            return self.complete(ran);
        }
        self.provider.reach(&self.world.identity, name, self.context)?;
        if let Some(ready) = self.machine.ready.as_ref().filter(|_| !self.machine.is_several()) {
            let before = self.observed().filter(|_| !self.action.start);
            let known = before.and_then(|observed| observed.direct);
            ready::wait(self.machine, ready, known, self.provider, &self.world.identity, self.context)?;
        }
        self.board.reached(name, Stage::Ready);
        let is_booting = instead.is_some();
        if is_booting {
            self.doing("booting");
        }
        Ok(Done { outcome: Outcome::Ready, steps: ran, is_booting })
    }

    fn create(&self, replaced: bool) -> Result<Start> {
        let key = images::key(self.machine, self.known_image());
        let image = self.board.image(&key, || {
            images::ensure(self.world, self.machine, self.known_image(), self.provider, self.context)
        })?;
        if replaced {
            self.doing("removing the old one");
            let name = self.machine.name.as_str();
            let former = self.world.provider_of(name, self.observed())?;
            for operation in [Operation::StopMachine { name, grace: None }, Operation::RemoveMachine(name)] {
                self.board.call(|| former.apply(&self.world.identity, operation, self.context))?;
            }
        }
        for name in self.machine.volumes.iter().filter_map(|mount| mount.volume.as_deref()) {
            self.board.wait_for(&board_name(Target::Volume, name), Condition::Ready, self.context)?;
        }
        let needs_networks = !self.can_join_later();
        if needs_networks {
            self.wait_for_networks()?;
        }
        let from = layers::start(self, &image)?;
        let layer = from.layer.as_deref();
        let kept = layer.map(|_| format!(" and a layer with {}", layers::steps(from.covered.len())));
        self.doing(&format!("creating from {}{}", self.machine.source_name(), kept.unwrap_or_default()));
        let new = NewMachine { layer, ..self.new_machine(&image)? };
        let made = self.call(Operation::CreateMachine(&new));
        if made.is_err() && !needs_networks {
            // Some engines look for the network already here.
            self.wait_for_networks()?;
            self.call(Operation::CreateMachine(&new))?;
            return Ok(from);
        }
        made.map(|()| from)
    }

    /// Whether it is made while its network is made: what an engine takes most of its time for, it then does at once.
    /// Several networks are joined one after the other when the machine is made. Its construction waits on its own.
    fn can_join_later(&self) -> bool {
        let is_new = |name: &String| {
            let action = self.planned.plan.action(Target::Network, name);
            // Another provider's network gives the machine its place when it is made.
            action.is_some_and(|action| action.verb == Verb::Create) && !self.world.stack.is_shared(name)
        };
        let networks = &self.machine.networks;
        let capable = self.provider.capabilities().networks_later;
        capable && networks.len() == 1 && networks.keys().all(is_new)
    }

    pub(super) fn wait_for_networks(&self) -> Result<()> {
        let mut networks = self.machine.networks.keys().map(|name| board_name(Target::Network, name));
        networks.try_for_each(|name| self.board.wait_for(&name, Condition::Ready, self.context))
    }

    /// The machine as it is declared.
    pub(super) fn new_machine<'m>(&'m self, image: &'m str) -> Result<NewMachine<'m>> {
        new_machine(self.world, self.machine, image)
    }

    fn wait_for_needs(&self) -> Result<()> {
        for (name, condition) in &self.machine.depends_on {
            if self.action.start || !self.action.steps.is_empty() {
                let condition = self.planned.plan.condition(&self.machine.name, name, *condition);
                let requirement = format!("{name} {}", condition.as_str());
                let machine = self.machine.name.clone();
                self.context.emit(Event::Waiting { machine, requirement, detail: String::new() });
                self.board.wait_for(name, condition, self.context)?;
            }
        }
        Ok(())
    }

    fn update(&self) -> Result<()> {
        // The environment of a box machine is the agent's business, see `provision`.
        let of_engine = self.action.update.iter().filter(|field| !field.starts_with("env."));
        let fields: Vec<&str> = of_engine.map(String::as_str).collect();
        if fields.is_empty() {
            return Ok(());
        }
        let joined = fields.iter().filter_map(|field| field.strip_prefix("network."));
        for network in joined.filter(|name| self.world.stack.networks.contains_key(*name)) {
            self.board.wait_for(&board_name(Target::Network, network), Condition::Ready, self.context)?;
        }
        let new = self.new_machine(self.known_image())?;
        let wants_off = fields.iter().any(|field| self.provider.capabilities().is_updated_off(field));
        if wants_off && self.observed().is_some_and(|observed| observed.state.is_on()) {
            self.doing("stopping");
            let (name, grace) = (self.machine.name.as_str(), self.machine.stop_grace);
            self.call(Operation::StopMachine { name, grace })?;
        }
        self.doing(&format!("updating {}", fields.join(", ")));
        self.call(Operation::UpdateMachine { machine: &new, fields: &fields })
    }

    /// Everything that happens inside a machine that runs, before it can be ready. `instead` of a whole boot, that is enough.
    fn provision(&self, from: &Start, instead: Option<&Ready>) -> Result<Vec<steps::Ran>> {
        let (machine, context) = (self.machine, self.context);
        let due = self.action.steps.iter().filter(|key| !from.covered.contains(*key));
        let mut due: Vec<String> = due.cloned().collect();
        // What is put into a new machine is in its layer.
        let bare = from.layer.is_none();
        let fresh = matches!(self.action.verb, Verb::Create | Verb::Replace);
        // A run that was killed may have left it while it booted, before anything was done in it.
        let was_left = || is_unfinished(self.world, &self.planned.view.observed, &self.machine.name);
        let untouched = fresh || self.has_no_ledger() && (self.action.verb != Verb::Keep || was_left());
        let boots = machine.is_box() && machine.init == Init::Systemd && (self.action.start || untouched);
        let environment =
            machine.is_box() && (fresh && bare && !machine.env.is_empty() || self.updates("env."));
        let contents = machine.is_box() && (self.updates("config.") || self.updates("secret."));
        if bare && !boots && !environment && !contents && due.is_empty() {
            return Ok(Vec::new());
        }
        let transport = self.provider.connect(&self.world.identity, &machine.name)?;
        let transport = transport.as_ref();
        if boots || !bare {
            self.boot(transport, !bare, instead)?;
        }
        if !fresh && !self.planned.view.ledgers.contains_key(&machine.name) {
            self.ask_what_is_due(&mut due)?;
        }
        if untouched && boots && bare {
            certificates::hand_on(self.world, machine, self.provider, transport, context)?;
        }
        if environment {
            steps::set_environment(transport, &machine.env, context)?;
        }
        if contents {
            let (_, digests) = contents::contents(self.world, machine)?;
            let old = self.planned.view.ledgers.get(&machine.name).cloned().unwrap_or_default();
            steps::remove_files(&machine.name, &self.left_configs(), transport, context)?;
            steps::record_contents(transport, &digests, &old, context)?;
        }
        folders::send(self.world, machine, self.workshop, context)?;
        if let Some(observed) = self.observed().filter(|_| !fresh) {
            // From now on only the machine knows how far its steps are, should we be killed.
            self.world.project.ledgers().forget(&observed.engine_id)?;
        }
        steps::run(machine, &due, transport, self.workshop, context)
    }

    /// Takes away the steps that the machine's own ledger has: it could not be read before the machine ran.
    fn ask_what_is_due(&self, due: &mut Vec<String>) -> Result<()> {
        let Some(observed) = self.observed() else { return Ok(()) };
        let ledger = observe::read_ledger(self.world, self.provider, observed)?.unwrap_or_default();
        let steps = desired::describe(self.world, self.machine, self.known_image())?.steps;
        let asked = plan::asked_for(&steps, &self.action.reasons);
        let run = plan::steps_to_run(&steps, &ledger, Some(&asked), &BTreeSet::new());
        due.retain(|key| run.iter().any(|(step, _)| step.key == *key));
        Ok(())
    }

    /// Waits until the init has started everything, or `instead` is enough, and what started from a layer has what makes it this
    /// machine.
    pub(super) fn boot(
        &self,
        transport: &dyn Transport,
        is_from_layer: bool,
        instead: Option<&Ready>,
    ) -> Result<()> {
        self.doing("booting");
        let engine = (self.provider, &self.world.identity);
        ready::booted(&self.machine.name, is_from_layer, instead, engine, transport, self.context)
    }

    /// Waits until a one-shot machine has ended, and fails unless it ended with code 0.
    fn complete(&self, steps: Vec<steps::Ran>) -> Result<Done> {
        let name = self.machine.name.as_str();
        let running = self.observed().is_some_and(|observed| observed.state == State::Running);
        if self.action.start || running {
            self.doing("running");
            let code = self.provider.wait(&self.world.identity, name, self.context)?;
            if code != 0 {
                let error = Error::failed(format!("{name} ended with code {code}"))
                    .hint(format!("`env logs {name}` shows all it said; `env up` runs it again"));
                return Err(ready::with_log(error, self.provider, &self.world.identity, name));
            }
        }
        self.board.reached(name, Stage::Completed);
        Ok(Done { outcome: Outcome::Completed, steps, is_booting: false })
    }

    /// Where configs lie that are no longer declared, or elsewhere now.
    fn left_configs(&self) -> Vec<&str> {
        let configs = self.action.reasons.iter().filter(|reason| reason.field.starts_with("config."));
        let before = configs.filter_map(|reason| contents::config_path(reason.before.as_deref()?));
        before.filter(|path| !self.machine.configs.values().any(|declared| declared == path)).collect()
    }

    fn known_image(&self) -> &str {
        self.planned.images.get(&self.machine.name).map_or("", String::as_str)
    }

    fn updates(&self, prefix: &str) -> bool {
        self.action.update.iter().any(|field| field.starts_with(prefix))
    }

    pub(super) fn has_no_ledger(&self) -> bool {
        let ledger = self.planned.view.ledgers.get(&self.machine.name);
        ledger.is_none_or(|ledger| *ledger == Ledger::default())
    }

    pub(super) fn observed(&self) -> Option<&ObservedMachine> {
        self.planned.view.observed.machine(&self.machine.name)
    }

    pub(super) fn call(&self, operation: Operation<'_>) -> Result<()> {
        self.board.call(|| self.provider.apply(&self.world.identity, operation, self.context))
    }

    pub(super) fn doing(&self, what: &str) {
        self.context.emit(Event::Doing { machine: Some(self.machine.name.clone()), what: what.to_owned() });
    }
}

/// A machine as it is declared.
pub fn new_machine<'m>(world: &'m World, machine: &'m Machine, image: &'m str) -> Result<NewMachine<'m>> {
    let stack = &world.stack;
    let (files, contents) = contents::contents(world, machine)?;
    let volumes = machine.volumes.iter().filter_map(|mount| mount.volume.as_ref());
    Ok(NewMachine {
        machine,
        environment: &stack.environment,
        image,
        stands_for: None,
        layer: None,
        construction: None,
        networks: machine.networks.keys().filter_map(|name| stack.networks.get(name)).collect(),
        places: things::places(world, machine)?,
        volumes: volumes.filter_map(|name| stack.volumes.get(name)).collect(),
        files,
        contents,
    })
}

/// The name under which a network or volume stands on the board, beside machines of the same name.
pub fn board_name(target: Target, name: &str) -> String {
    format!("{} {name}", target.as_str())
}
