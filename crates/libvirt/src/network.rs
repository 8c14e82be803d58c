//! Networks: one of libvirt's for each of the stack, with a bridge on this host, a way out unless it is internal, and names.
//!
//! Addresses are not handed out: machines are told theirs. So there are no leases, and nothing waits for one.

use crate::address::{Subnet, bridge, free_subnet, routed, uuid};
use crate::labels::{Kind, Labels, NAMESPACE};
use crate::trouble::{Answer, Explain, is_out_of_place, optional};
use crate::xml::{children, escape, find};
use envup::model::error::Attempt;
use envup::model::fields::Fields;
use envup::model::id::Identity;
use envup::model::observed::ObservedThing;
use envup::model::stack::Network as Declared;
use envup::model::{Error, Result};
use roxmltree::Document;
use std::net::Ipv4Addr;
use virt::connect::Connect;
use virt::network::Network;

/// What plans compare; both sides come from here.
pub fn describe(network: &Declared) -> Fields {
    let mut fields = Fields::default();
    fields.set_some("subnet", network.subnet.as_ref());
    if network.internal {
        fields.set("internal", "true");
    }
    fields
}

/// Makes a network, started and to be started with libvirt. One that is ours and there is only started.
pub fn create(connection: &Connect, identity: &Identity, network: &Declared) -> Result<()> {
    let cannot = || format!("cannot make network {}", network.name);
    if let Some(driver) = network.driver.as_ref().filter(|driver| *driver != "bridge") {
        return Err(Error::usage(format!(
            "network {} has the driver {driver}, which VMs cannot join",
            network.name
        ))
        .hint("leave `driver` out"));
    }
    let engine_name = identity.network(&network.name);
    if let Some(found) = lookup(connection, &engine_name).explain(cannot)? {
        if !labels(&found).is_some_and(|labels| labels.is_of(identity)) {
            return Err(Error::failed(format!(
                "libvirt has a network {engine_name} that is not of this stack"
            ))
            .hint("remove it with virsh, or use another `name` for the stack"));
        }
        return start(&found).explain(cannot);
    }
    let subnet = choose(connection, &engine_name, network)?;
    let mut labels = Labels::new(identity, identity.environment(), Kind::Network, &network.name);
    labels.asked = describe(network).0;
    let xml = xml(&engine_name, &labels, &subnet, network.internal);
    let made = connection.define_network_xml(&xml).explain(cannot)?;
    if let Err(error) = start(&made) {
        // What cannot be started would be found and kept by the next run.
        let _ = made.undefine();
        return Err(error).explain(cannot);
    }
    made.set_autostart(true).explain(cannot)
}

fn start(network: &Network) -> Answer<()> {
    match network.create() {
        Err(error) if is_out_of_place(&error) => Ok(()),
        started => started,
    }
}

/// The range of a network that is to be made; fails when somebody has it already.
fn choose(connection: &Connect, engine_name: &str, network: &Declared) -> Result<Subnet> {
    let taken = taken(connection)?;
    let Some(wanted) = &network.subnet else { return free_subnet(engine_name, &taken) };
    let subnet: Subnet = wanted.parse()?;
    match taken.iter().find(|(other, _)| other.overlaps(&subnet)) {
        None => Ok(subnet),
        Some((other, whose)) => Err(Error::failed(format!(
            "network {} cannot have {subnet}: {whose} of this host has {other}",
            network.name
        ))
        .hint("give it another `subnet`, or leave it out: then a free one is chosen")),
    }
}

/// All ranges that are in use here, by whom.
fn taken(connection: &Connect) -> Result<Vec<(Subnet, String)>> {
    let mut taken = routed();
    // One that is not started has no route.
    for other in connection.list_all_networks(0).explain(|| "cannot list libvirt's networks")? {
        let name = other.name().unwrap_or_default();
        let ranges = other.xml_desc(0).ok().map(|xml| ranges(&xml)).unwrap_or_default();
        taken.extend(ranges.into_iter().map(|range| (range, format!("libvirt's network {name}"))));
    }
    Ok(taken)
}

fn xml(engine_name: &str, labels: &Labels, subnet: &Subnet, internal: bool) -> String {
    let forward = if internal { "" } else { "<forward mode='nat'/>" };
    format!(
        "<network><name>{}</name><uuid>{}</uuid><metadata>{}</metadata>{forward}\
         <bridge name='{}' stp='off' delay='0'/><ip address='{}' prefix='{}'/></network>",
        escape(engine_name),
        uuid("network", engine_name),
        labels.to_xml(),
        bridge(engine_name),
        subnet.host(),
        subnet.prefix
    )
}

/// The ranges in a network's document.
fn ranges(xml: &str) -> Vec<Subnet> {
    let Ok(document) = Document::parse(xml) else { return Vec::new() };
    let ips = children(document.root_element(), "ip");
    ips.filter_map(|ip| {
        let address: Ipv4Addr = ip.attribute("address")?.parse().ok()?;
        let prefix = match (ip.attribute("prefix"), ip.attribute("netmask")) {
            (Some(prefix), _) => prefix.parse().ok()?,
            (None, Some(mask)) => u32::from(mask.parse::<Ipv4Addr>().ok()?).count_ones() as u8,
            (None, None) => 24,
        };
        Some(Subnet::new(address, prefix))
    })
    .collect()
}

/// What a machine has to know of a network: its range, and whether it leads out.
pub fn facts(connection: &Connect, engine_name: &str) -> Result<(Subnet, bool)> {
    let cannot = || format!("cannot look at the network {engine_name}");
    let found = existing(connection, engine_name)?;
    let xml = found.xml_desc(0).explain(cannot)?;
    let document = Document::parse(&xml).attempt(cannot)?;
    let leads_out = find(document.root_element(), &["forward"]).is_some();
    let range = ranges(&xml).into_iter().next();
    range.map(|range| (range, leads_out)).ok_or_else(|| Error::failed(cannot()))
}

/// A network that must be there.
pub fn existing(connection: &Connect, engine_name: &str) -> Result<Network> {
    let cannot = || format!("cannot look at the network {engine_name}");
    let found = lookup(connection, engine_name).explain(cannot)?;
    found.ok_or_else(|| Error::failed(cannot()).hint("it does not exist: `env up` makes it"))
}

/// The networks of a stack, by their names in libvirt.
pub fn of(connection: &Connect, identity: &Identity) -> Result<Vec<(String, Network)>> {
    let all = connection.list_all_networks(0).explain(|| "cannot list libvirt's networks")?;
    let ours = |network: &Network| labels(network).is_some_and(|labels| labels.is_of(identity));
    Ok(all.into_iter().filter(ours).filter_map(|network| Some((network.name().ok()?, network))).collect())
}

/// What lets machines on these networks out through a firewall of this host, for the first that leads out.
pub fn way_out<'a>(
    connection: &Connect,
    identity: &Identity,
    networks: impl Iterator<Item = &'a str>,
) -> Result<Option<String>> {
    for name in networks {
        let engine_name = identity.network(name);
        if facts(connection, &engine_name)?.1 {
            let bridge = bridge(&engine_name);
            let rule = |side: &str| format!("sudo iptables -I FORWARD {side} {bridge} -j ACCEPT");
            return Ok(Some(format!("`{} && {}` lets it out", rule("-i"), rule("-o"))));
        }
    }
    Ok(None)
}

/// Removes a network of the stack; one that is not there is gone, and somebody else's of that name stays.
pub fn remove(connection: &Connect, identity: &Identity, name: &str) -> Result<()> {
    let cannot = || format!("cannot remove network {name}");
    let Some(found) = lookup(connection, &identity.network(name)).explain(cannot)? else { return Ok(()) };
    if !labels(&found).is_some_and(|labels| labels.is_of(identity)) {
        return Ok(());
    }
    match found.destroy() {
        Err(error) if is_out_of_place(&error) => {}
        ended => optional(ended).map(drop).explain(cannot)?,
    }
    optional(found.undefine()).map(drop).explain(cannot)
}

/// All networks of ours.
pub fn observe(connection: &Connect) -> Result<Vec<ObservedThing>> {
    let all = connection.list_all_networks(0).explain(|| "cannot list libvirt's networks")?;
    let ours = all.iter().filter_map(|network| {
        let labels = labels(network)?;
        let mut fields = Fields(labels.asked.clone());
        if !network.is_active().ok()? {
            fields.set("state", "down");
        }
        Some(ObservedThing {
            name: labels.name.clone(),
            owner: labels.owner(),
            provider: crate::provider::NAME.to_owned(),
            machine: None,
            engine_name: network.name().ok()?,
            fields,
        })
    });
    Ok(ours.collect())
}

fn labels(network: &Network) -> Option<Labels> {
    let xml = network.xml_desc(0).ok()?;
    let document = Document::parse(&xml).ok()?;
    let metadata = find(document.root_element(), &["metadata"])?;
    let element = metadata.children().find(|node| node.tag_name().namespace() == Some(NAMESPACE))?;
    let labels = Labels::from_xml(&xml[element.range()], &network.name().ok()?)?;
    (labels.kind == Kind::Network).then_some(labels)
}

fn lookup(connection: &Connect, engine_name: &str) -> Answer<Option<Network>> {
    optional(connection.lookup_network_by_name(engine_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::id::ProjectId;

    #[test]
    fn a_network_says_whose_it_is_and_what_range_it_has() {
        let id = ProjectId("3f9a1c00beef".into());
        let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
        let labels = Labels::new(&identity, "dev", Kind::Network, "default");
        let text = xml("shop-3f9a1c-default", &labels, &"10.5.0.0/24".parse().unwrap(), false);
        assert_eq!(ranges(&text), ["10.5.0.0/24".parse().unwrap()]);
        assert!(text.contains("<forward mode='nat'/>") && text.contains("urn:envup:labels"));
        assert_eq!(
            ranges("<network><ip address='192.168.122.1' netmask='255.255.255.0'/></network>").len(),
            1
        );
    }
}
