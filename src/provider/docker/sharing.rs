//! What is special about machines in networks that another provider made: they are given an address, because others know it, and ask
//! for names also where the others are known. Neither is a field: both are known only once the network is made.

use super::labels::Notes;
use crate::provider::NewMachine;

/// What the fields begin with that say that machines of other providers are in a network, too.
const SHARED: &str = "shared.";

/// Notes which networks are shared, and what of the rest the Envfile itself says.
pub(super) fn note(notes: &mut Notes, new: &NewMachine<'_>) {
    for (name, join) in &new.machine.networks {
        if new.places.contains_key(name.as_str()) {
            notes.asked.insert(format!("{SHARED}{name}"), "yes".to_owned());
            if join.address.is_some() {
                notes.declare(format!("address.{name}"));
            }
            if !new.machine.dns.is_empty() {
                notes.declare("dns");
            }
        }
    }
}

/// Who answers for the names of other providers' machines; the engine answers for its own first.
pub(super) fn name_servers(new: &NewMachine<'_>) -> Vec<String> {
    let joined = new.machine.networks.keys().filter_map(|name| new.places.get(name.as_str()).copied()?);
    joined.map(|place| place.name_server.to_string()).collect()
}

/// The address that a machine is given in a network.
pub(super) fn address(new: &NewMachine<'_>, network: &str) -> Option<String> {
    new.places.get(network).copied().flatten().map(|place| place.address.to_string())
}

/// Whether the machine's name servers are those of its networks, and not the Envfile's.
pub(super) fn gives_name_servers(notes: &Notes) -> bool {
    notes.asked.keys().any(|name| name.starts_with(SHARED)) && !notes.declared.contains("dns")
}

/// Whether the machine's address in a network was given to it, and is not the Envfile's.
pub(super) fn gives_address(notes: &Notes, network: &str) -> bool {
    notes.asked.contains_key(&format!("{SHARED}{network}"))
        && !notes.declared.contains(&format!("address.{network}"))
}
