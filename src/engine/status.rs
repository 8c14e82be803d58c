//! How the stack stands: the engines' report, one probe of each machine that runs, and the ledgers.

use super::{View, World, desired, glance, observe, ready};
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::machine::Machine;
use crate::model::observed::{ObservedMachine, State};
use crate::model::status::{MachineStatus, StackStatus, StepCounts};
use crate::provider::Provider;
use crate::provision::provisioner;
use envup_agent::{Ledger, LedgerStatus};

/// Observes and probes; why a machine cannot be reached is a note.
pub fn status(world: &World, context: &Context) -> Result<StackStatus> {
    let mut view = observe(world)?;
    find_unreachable(world, &mut view, context);
    context.check("looking how the machines stand")?;
    let view = &view;
    let holding = std::thread::scope(|scope| {
        let probes: Vec<_> = world
            .stack
            .machines
            .values()
            .map(|machine| (machine, view.observed.machine(&machine.name)))
            .map(|(machine, observed)| scope.spawn(move || is_ready(world, machine, observed)))
            .collect();
        probes.into_iter().map(|probe| probe.join().unwrap_or(false)).collect::<Vec<_>>()
    });
    Ok(stack_status(world, view, &holding))
}

/// Looks for machines that are only taken to run.
fn find_unreachable(world: &World, view: &mut View, context: &Context) {
    let taken_to_run = [State::Running, State::Unreachable];
    std::thread::scope(|scope| {
        for machine in view.observed.machines.iter_mut() {
            if !taken_to_run.contains(&machine.state) {
                continue;
            }
            scope.spawn(move || {
                let reach = |provider: &dyn Provider| provider.reach(&world.identity, &machine.name, context);
                if let Err(error) = world.provider_of(&machine.name, Some(machine)).and_then(reach) {
                    machine.state = State::Unreachable;
                    context.emit(Event::Note { text: format!("{}: {error}", machine.name) });
                }
            });
        }
    });
}

/// The same from what an `up` has just seen: what came up is ready.
pub fn stack_status(world: &World, view: &View, ready: &[bool]) -> StackStatus {
    let declared = world.stack.machines.values().zip(ready.iter().copied().chain(std::iter::repeat(false)));
    let mut machines: Vec<MachineStatus> =
        declared.map(|(machine, ready)| machine_status(world, machine, view, ready)).collect();
    for orphan in &view.observed.machines {
        if !world.stack.machines.contains_key(&orphan.name) {
            machines.push(of_observed(orphan, false, StepCounts::default(), orphan.state));
        }
    }
    StackStatus { project: world.stack.name.clone(), environment: world.stack.environment.clone(), machines }
}

fn is_ready(world: &World, machine: &Machine, observed: Option<&ObservedMachine>) -> bool {
    let direct = match observed {
        Some(observed) if observed.state == State::Running => observed.direct,
        Some(observed) => return desired::has_done_its_work(world, observed),
        None => return false,
    };
    let Some(ready) = machine.ready.as_ref().filter(|_| !machine.is_several()) else { return true };
    if direct.is_some_and(|address| glance::holds(&ready.requirements, address)) {
        return true;
    }
    let transport = world
        .providers
        .get(&machine.provider)
        .and_then(|provider| provider.connect(&world.identity, &machine.name));
    transport.is_ok_and(|transport| ready::holds(machine, transport.as_ref()))
}

fn machine_status(world: &World, machine: &Machine, view: &View, ready: bool) -> MachineStatus {
    let Some(observed) = view.observed.machine(&machine.name) else {
        return MachineStatus {
            name: machine.name.clone(),
            provider: machine.provider.clone(),
            state: State::Missing,
            exit_code: None,
            ready: false,
            address: None,
            ports: Vec::new(),
            steps: StepCounts { pending: world.stack.steps_of(machine).count(), ..StepCounts::default() },
        };
    };
    let no_ledger = Ledger::default();
    let steps = count(world, machine, view.ledgers.get(&machine.name).unwrap_or(&no_ledger));
    let state = match observed.state {
        State::Running if steps.failed > 0 => State::Failed,
        // Only what another machine waits for has done its work when it ended well.
        _ if desired::has_done_its_work(world, observed) => State::Completed,
        State::Completed => State::Stopped,
        state => state,
    };
    of_observed(observed, ready && state != State::Failed, steps, state)
}

fn of_observed(observed: &ObservedMachine, ready: bool, steps: StepCounts, state: State) -> MachineStatus {
    MachineStatus {
        name: observed.name.clone(),
        provider: observed.provider.clone(),
        state,
        exit_code: observed.exit_code.filter(|_| state != State::Running),
        ready,
        address: observed.address.clone(),
        ports: observed.ports.clone(),
        steps,
    }
}

fn count(world: &World, machine: &Machine, ledger: &Ledger) -> StepCounts {
    let mut counts = StepCounts::default();
    for (key, step) in world.stack.steps_of(machine) {
        // A step whose inputs cannot be read is not known to be applied.
        let digest = provisioner(&step.tool).inputs(step).ok();
        match ledger.step(&key) {
            Some(entry) if entry.status != LedgerStatus::Applied => counts.failed += 1,
            Some(entry) if Some(&entry.digest) == digest.as_ref() => counts.applied += 1,
            _ => counts.pending += 1,
        }
    }
    counts
}
