//! The names that a network answers for, and with them who has which address there: also machines of other providers are among them,
//! so that no two get the same.

use crate::address::free_address;
use crate::network;
use crate::trouble::Explain;
use crate::xml::{children, escape, find};
use envup::model::id::Identity;
use envup::model::machine::Machine;
use envup::model::{Error, Result};
use roxmltree::Document;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use virt::connect::Connect;
use virt::network::Network;
use virt::sys;

/// Who chooses an address must have it noted before the next one chooses.
static TURN: Mutex<()> = Mutex::new(());

/// Changes what runs and what will run: the former only where the network runs.
const EVERYWHERE: u32 = sys::VIR_NETWORK_UPDATE_AFFECT_CURRENT
    | sys::VIR_NETWORK_UPDATE_AFFECT_LIVE
    | sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG;

/// What a network answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    address: Ipv4Addr,
    /// The first is the machine's own.
    names: Vec<String>,
}

/// Gives a machine its address in a network of the stack and has the network answer for its names. It is the declared one, or the one
/// it had, or else one that nobody has: `taken` are those of whom no name is known. `is_guest` says that it is another provider's.
pub fn claim(
    connection: &Connect,
    identity: &Identity,
    network: &str,
    machine: &Machine,
    is_guest: bool,
    taken: &[Ipv4Addr],
) -> Result<Ipv4Addr> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let engine_name = identity.network(network);
    let found = network::existing(connection, &engine_name)?;
    let (subnet, _) = network::facts(connection, &engine_name)?;
    let all = known(&found)?;
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|known| known.names.first() == Some(&machine.name));
    let join = machine.networks.get(network);
    let wanted = join.and_then(|join| join.address.as_ref());
    let refused = |text: &str, why: String| {
        Error::usage(format!("{} cannot have the address {text} on network {network}", machine.name))
            .hint(why)
    };
    let address = match wanted {
        Some(text) => {
            let parsed: Option<Ipv4Addr> = text.parse().ok();
            let fits = parsed.filter(|address| subnet.contains(*address) && *address != subnet.host());
            let address = fits.ok_or_else(|| {
                refused(text, format!("the network is {subnet}, and {} is this host's own", subnet.host()))
            })?;
            if let Some(other) = others.iter().find(|other| other.address == address) {
                let whose = other.names.first().map_or("another machine", String::as_str);
                return Err(refused(text, format!("{whose} has it: choose another")));
            }
            address
        }
        None => {
            let had = own.first().map(|own| own.address).filter(|address| subnet.contains(*address));
            let others = others.iter().map(|other| other.address);
            let taken: Vec<Ipv4Addr> = taken.iter().copied().chain(others).collect();
            match had.filter(|address| !taken.contains(address)) {
                Some(address) => address,
                None => free_address(&machine.name, &subnet, is_guest, &taken)?,
            }
        }
    };
    let wanted = Known { address, names: names(machine, network, &others) };
    if own.as_slice() != [wanted.clone()] {
        for old in own {
            forget(&found, &engine_name, old.address)?;
        }
        note(&found, &engine_name, &wanted)?;
    }
    Ok(address)
}

/// Has all networks of the stack forget a machine.
pub fn dismiss(connection: &Connect, identity: &Identity, machine: &str) -> Result<()> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (engine_name, found) in network::of(connection, identity)? {
        for known in known(&found)? {
            if known.names.first().is_some_and(|name| name == machine) {
                forget(&found, &engine_name, known.address)?;
            }
        }
    }
    Ok(())
}

/// Its own name, its host name and the given ones; libvirt has no name twice, and who had one first keeps it.
fn names(machine: &Machine, network: &str, others: &[Known]) -> Vec<String> {
    let aliases = machine.networks.get(network).into_iter().flat_map(|join| join.aliases.iter().cloned());
    let mut seen: BTreeSet<String> = others.iter().flat_map(|other| other.names.iter().cloned()).collect();
    let all = [machine.name.clone(), machine.host_name()].into_iter().chain(aliases);
    all.filter(|name| seen.insert(name.clone())).collect()
}

fn known(network: &Network) -> Result<Vec<Known>> {
    Ok(of_document(&network.xml_desc(0).explain(|| "cannot look at a network")?))
}

fn of_document(xml: &str) -> Vec<Known> {
    let Ok(document) = Document::parse(xml) else { return Vec::new() };
    let hosts = find(document.root_element(), &["dns"]).into_iter().flat_map(|dns| children(dns, "host"));
    hosts
        .filter_map(|host| {
            let names = children(host, "hostname").filter_map(|name| Some(name.text()?.to_owned()));
            Some(Known { address: host.attribute("ip")?.parse().ok()?, names: names.collect() })
        })
        .collect()
}

fn note(network: &Network, engine_name: &str, known: &Known) -> Result<()> {
    if known.names.is_empty() {
        return Ok(());
    }
    let names: String =
        known.names.iter().map(|name| format!("<hostname>{}</hostname>", escape(name))).collect();
    let xml = format!("<host ip='{}'>{names}</host>", known.address);
    network
        .update(
            sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
            sys::VIR_NETWORK_SECTION_DNS_HOST,
            -1,
            &xml,
            EVERYWHERE,
        )
        .explain(|| format!("cannot make machines of {engine_name} known by name"))
}

fn forget(network: &Network, engine_name: &str, address: Ipv4Addr) -> Result<()> {
    network
        .update(
            sys::VIR_NETWORK_UPDATE_COMMAND_DELETE,
            sys::VIR_NETWORK_SECTION_DNS_HOST,
            -1,
            &format!("<host ip='{address}'/>"),
            EVERYWHERE,
        )
        .explain(|| format!("cannot let {engine_name} forget {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::machine::{BoxSource, NetworkJoin, Source};

    #[test]
    fn a_machine_answers_to_each_of_its_names_once_and_to_nobody_elses() {
        let mut machine = Machine::new("web", Source::Box(BoxSource::Named("debian/12".into())));
        machine.hostname = Some("web.shop.example".into());
        let aliases = ["shop".into(), "web".into(), "db".into()].into();
        machine.networks.insert("default".into(), NetworkJoin { aliases, address: None });
        let others = of_document(
            "<network><dns><host ip='10.5.0.9'><hostname>db</hostname></host><host ip='x'/></dns></network>",
        );
        assert_eq!(others, [Known { address: Ipv4Addr::new(10, 5, 0, 9), names: vec!["db".into()] }]);
        assert_eq!(names(&machine, "default", &others), ["web", "web.shop.example", "shop"]);
    }
}
