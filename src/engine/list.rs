//! All stacks of this host.

use super::Providers;
use crate::model::Result;
use crate::model::observed::{Observed, Owner, State};
use crate::model::status::ListedStack;
use crate::provider::Scope;
use std::collections::{BTreeMap, BTreeSet};

/// Every stack that has something on this host, by name.
pub fn list(providers: &Providers) -> Result<Vec<ListedStack>> {
    let mut stacks: BTreeMap<(String, String), ListedStack> = BTreeMap::new();
    for provider in &providers.0 {
        let observed = provider.observe(Scope::Host)?;
        for owner in owners(&observed) {
            let listed =
                stacks.entry((owner.name.clone(), owner.id.0.clone())).or_insert_with(|| ListedStack {
                    project: owner.name.clone(),
                    id: owner.id.0.clone(),
                    environment: owner.environment.clone(),
                    directory: owner.directory.clone(),
                    providers: Vec::new(),
                    machines: 0,
                    running: 0,
                    volumes: 0,
                });
            let of_it = |other: &Owner| other.id == owner.id && other.name == owner.name;
            let machines = observed.machines.iter().filter(|machine| of_it(&machine.owner));
            let running = machines.clone().filter(|machine| machine.state == State::Running).count();
            listed.machines += machines.count();
            listed.running += running;
            listed.volumes += observed.volumes.iter().filter(|volume| of_it(&volume.owner)).count();
            listed.providers.push(provider.name().to_owned());
        }
    }
    Ok(stacks.into_values().collect())
}

fn owners(observed: &Observed) -> Vec<&Owner> {
    let machines = observed.machines.iter().map(|machine| &machine.owner);
    let things = observed.networks.iter().chain(&observed.volumes).map(|thing| &thing.owner);
    let mut seen = BTreeSet::new();
    machines.chain(things).filter(|owner| seen.insert((&owner.id, &owner.name))).collect()
}
