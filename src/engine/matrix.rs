//! Environments side by side, machine by machine, from references that were found already.

use super::World;
use super::drift::why as why_not;
use super::reference::{Reference, readable};
use crate::drift::{MachineMatrix, MatrixReport, Rules, consensus, matrix};
use envup_agent::Fingerprint;
use std::collections::{BTreeMap, BTreeSet};

/// Lays the machines of these environments side by side: those named, or all that any of them has.
pub fn matrices(
    world: &World,
    environments: &[Reference],
    machines: &BTreeSet<String>,
    today: &str,
) -> MatrixReport {
    let rules = Rules::new(&world.stack.drift.ignore, today);
    let all: BTreeSet<&String> = environments.iter().flat_map(|known| known.machines.keys()).collect();
    let chosen = all.into_iter().filter(|name| machines.is_empty() || machines.contains(*name));
    MatrixReport {
        project: world.stack.name.clone(),
        machines: chosen.map(|machine| one_machine(machine, environments, &rules)).collect(),
    }
}

fn one_machine(machine: &str, environments: &[Reference], rules: &Rules<'_>) -> MachineMatrix {
    let mut unknown = Vec::new();
    let mut known: Vec<(&str, Fingerprint)> = Vec::new();
    for environment in environments.iter().filter(|environment| !environment.leaves_out(machine)) {
        let label = environment.label.as_str();
        let empty = BTreeMap::new();
        let nodes = environment.machines.get(machine).unwrap_or(&empty);
        if nodes.is_empty() {
            unknown.push(format!("{label} has no machine {machine}"));
        }
        for (name, node) in nodes {
            if let Err(error) = &node.fingerprint {
                unknown.push(format!("{name} of {label}: {}", why_not(error)));
            }
        }
        let readable: Vec<(&str, &Fingerprint)> = nodes.iter().filter_map(readable).collect();
        if let Some(agreed) = consensus(&readable, rules) {
            known.push((label, agreed.fingerprint));
        }
    }
    let sides: Vec<(&str, &Fingerprint)> =
        known.iter().map(|(label, fingerprint)| (*label, fingerprint)).collect();
    let mut matrix = matrix(&sides, rules);
    let complete = unknown.is_empty() && known.iter().all(|(_, fingerprint)| fingerprint.is_complete());
    unknown.append(&mut matrix.unknown);
    matrix.unknown = unknown;
    MachineMatrix { machine: machine.to_owned(), complete, matrix }
}
