//! What users do to machines behind our back, with the engine's own tools.

use envup::model::observed::{Observed, ObservedMachine, State};
use envup::provider::fake::FakeProvider;

/// Carries out `kill db`, `memory db 64MiB` and the like; says what it does not know.
pub fn change(provider: &FakeProvider, words: &[&str]) -> Result<(), String> {
    let mut known = true;
    provider.change(|observed| match words {
        ["kill", name] => {
            let machine = machine(observed, name);
            machine.state = State::Stopped;
            machine.exit_code = Some(137);
        }
        ["stop", name] => {
            let machine = machine(observed, name);
            machine.state = State::Stopped;
            machine.exit_code = Some(0);
        }
        ["pause", name] => machine(observed, name).state = State::Paused,
        ["remove", name] => observed.machines.retain(|machine| machine.name != *name),
        ["remove-network", name] => observed.networks.retain(|network| network.name != *name),
        ["disconnect", name, network] => {
            machine(observed, name).fields.0.remove(&format!("network.{network}"));
        }
        ["memory", name, size] => machine(observed, name).fields.set("memory", size),
        ["env", name, variable, value] => {
            machine(observed, name).fields.set(format!("env.{variable}"), value);
        }
        _ => known = false,
    });
    if known { Ok(()) } else { Err(format!("nobody knows how to do this outside: {}", words.join(" "))) }
}

fn machine<'a>(observed: &'a mut Observed, name: &str) -> &'a mut ObservedMachine {
    observed.machines.iter_mut().find(|machine| machine.name == name).unwrap()
}
