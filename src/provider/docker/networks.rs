//! Networks of a stack: made, looked at, joined, left. How they are removed stands in `network_removal`.

use super::client::Client;
use super::errors::{Answer, Explain, explain, is_conflict, is_missing, optional};
use super::labels::{self, Kind, Labels};
use super::options;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::observed::ObservedThing;
use crate::model::stack::Network;
use crate::model::{Error, Result};
use crate::provider::{Ground, NewMachine};
use bollard::Docker;
use bollard::models::{
    EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::{InspectContainerOptions, ListNetworksOptionsBuilder};
use std::collections::HashMap;

/// The option that names the bridge of a network.
const BRIDGE: &str = "com.docker.network.bridge.name";

/// The field that says on whose network one lies.
const GROUND: &str = "ground";

/// What plans compare.
pub(super) fn describe(network: &Network, ground: Option<&str>) -> Fields {
    let mut fields = Fields::default();
    fields.set_some(GROUND, ground);
    fields.set_some("driver", network.driver.as_deref().filter(|driver| *driver != "bridge"));
    fields.set_some("subnet", network.subnet.as_ref());
    fields.set_some("internal", network.internal.then_some(true));
    for (name, value) in labels::users(&network.labels) {
        fields.set(format!("label.{name}"), value);
    }
    fields
}

/// A network that exists, when it is ours. Read from the list: it says all there is to compare.
pub(super) fn observed(found: &bollard::models::Network) -> Option<ObservedThing> {
    let engine_name = found.name.clone()?;
    let ours = labels::ours(found.labels.as_ref(), &engine_name).filter(|ours| ours.kind == Kind::Network)?;
    let notes = labels::Notes::read(found.labels.as_ref());
    let ranges = found.ipam.iter().flat_map(|ipam| ipam.config.iter().flatten());
    let mut network = Network {
        driver: found.driver.clone(),
        internal: found.internal == Some(true),
        ..Network::default()
    };
    if notes.declared.contains("subnet") {
        network.subnet = ranges.filter_map(|range| range.subnet.clone()).next();
    }
    network.labels = declared_labels(found.labels.as_ref(), &notes);
    Some(ObservedThing {
        name: ours.name,
        owner: ours.owner,
        provider: super::NAME.to_owned(),
        machine: None,
        engine_name,
        fields: describe(&network, notes.asked.get(GROUND).map(String::as_str)),
    })
}

/// The user's own labels among all.
pub(super) fn declared_labels(
    labels: Option<&Labels>,
    notes: &labels::Notes,
) -> std::collections::BTreeMap<String, String> {
    labels
        .iter()
        .flat_map(|labels| labels.iter())
        .filter(|(name, _)| notes.declared.contains(&format!("label.{name}")))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Makes a network of the stack; the one that is there already is taken.
pub(super) fn create(
    client: &Client,
    identity: &Identity,
    network: &Network,
    ground: Option<&Ground>,
) -> Result<()> {
    if let Some(ground) = ground.filter(|_| !client.endpoint.is_local()) {
        return Err(Error::usage(format!(
            "network {} cannot reach from docker at {} to {} on this host",
            network.name, client.endpoint, ground.provider
        ))
        .hint("machines of several providers share a network where all of them run on this host"));
    }
    let name = identity.network(&network.name);
    let what = || format!("cannot create network {}", network.name);
    // Older engines make a second network of the same name without a word, so we look first.
    let existing = optional(client.block(client.docker.inspect_network(&name, None))?).explain(what)?;
    if let Some(found) = existing {
        if labels::belongs(found.labels.as_ref(), &name, identity, Kind::Network, &network.name) {
            return Ok(());
        }
        return Err(Error::failed(format!("network {name} exists and is not ours")).hint(format!(
            "remove it with `docker network rm {name}`, or use another `name` in the Envfile"
        )));
    }
    client.block(client.docker.create_network(request(identity, network, ground, name)))?.map_err(
        |error| {
            let ours = explain(&error, what());
            let overlap = ours.causes.iter().any(|cause| cause.contains("overlaps"));
            if overlap {
                ours.hint("`subnet` of another network covers these addresses: choose another")
            } else {
                ours
            }
        },
    )?;
    client.block(drop_doubles(&client.docker, identity, &network.name))?.explain(what)
}

/// A killed run's call may still have been under way when we looked, and the engine lets both make a network of one name:
/// the first stays.
async fn drop_doubles(docker: &Docker, identity: &Identity, name: &str) -> Answer<()> {
    for double in ours(docker, identity, name).await?.iter().skip(1) {
        optional(docker.remove_network(double).await)?;
    }
    Ok(())
}

/// The same for every network of the stack that a machine joins. For who was told that a name is ambiguous.
pub(super) async fn drop_doubles_of(docker: &Docker, identity: &Identity, machine: &str) -> Answer<()> {
    let found = docker.inspect_container(&identity.machine(machine), None::<InspectContainerOptions>).await?;
    let joined = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let prefix = identity.network("");
    for network in joined.keys().filter_map(|name| name.strip_prefix(&prefix)) {
        drop_doubles(docker, identity, network).await?;
    }
    Ok(())
}

/// Ids of the stack's networks of this name, the oldest first; there should be no more than one.
pub(super) async fn ours(docker: &Docker, identity: &Identity, name: &str) -> Answer<Vec<String>> {
    let engine_name = identity.network(name);
    // The engine finds names that contain it, too.
    let filters = HashMap::from([("name", vec![engine_name.clone()])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let mut found = docker.list_networks(Some(options)).await?;
    found.retain(|network| {
        network.name.as_ref() == Some(&engine_name)
            && labels::belongs(network.labels.as_ref(), &engine_name, identity, Kind::Network, name)
    });
    found.sort_by(|one, other| (&one.created, &one.id).cmp(&(&other.created, &other.id)));
    Ok(found.into_iter().filter_map(|network| network.id).collect())
}

fn request(
    identity: &Identity,
    network: &Network,
    ground: Option<&Ground>,
    name: String,
) -> NetworkCreateRequest {
    let mut notes = labels::Notes::default();
    let mut all = Labels::new();
    for (label, value) in labels::users(&network.labels) {
        notes.declare(format!("label.{label}"));
        all.insert(label.clone(), value.clone());
    }
    if network.subnet.is_some() {
        notes.declare("subnet");
    }
    if let Some(ground) = ground {
        notes.asked.insert(GROUND.to_owned(), ground.provider.to_owned());
    }
    notes.write(&mut all);
    all.extend(labels::common(identity, "", Kind::Network, &network.name));
    let range = match ground {
        // Who is given no address by us gets one that nobody else gives.
        Some(ground) => Some(IpamConfig {
            subnet: Some(ground.subnet.clone()),
            gateway: Some(ground.host.to_string()),
            ip_range: Some(ground.guests.clone()),
            ..IpamConfig::default()
        }),
        None => {
            network.subnet.clone().map(|subnet| IpamConfig { subnet: Some(subnet), ..IpamConfig::default() })
        }
    };
    NetworkCreateRequest {
        name,
        driver: network.driver.clone(),
        internal: Some(network.internal),
        ipam: range.map(|range| Ipam { config: Some(vec![range]), ..Ipam::default() }),
        options: ground.map(|ground| HashMap::from([(BRIDGE.to_owned(), ground.bridge.clone())])),
        labels: Some(all),
        ..NetworkCreateRequest::default()
    }
}

/// Joins a container to a network; one that has joined already stays as it is.
pub(super) async fn join(
    docker: &Docker,
    container: &str,
    network: &str,
    endpoint: EndpointSettings,
) -> Answer<()> {
    let request = NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
    match docker.connect_network(network, request).await {
        Err(error) if is_conflict(&error) || already_joined(&error) => Ok(()),
        answer => answer,
    }
}

fn already_joined(error: &bollard::errors::Error) -> bool {
    matches!(error, bollard::errors::Error::DockerResponseServerError { message, .. }
        if message.contains("already exists in network"))
}

/// Brings a living machine's place in one network to what is declared: leaves it, and joins it again if it is wanted.
/// `name` is the network's name as fields show it.
pub(super) fn update(client: &Client, identity: &Identity, new: &NewMachine<'_>, name: &str) -> Result<()> {
    let machine = new.machine;
    let joined = new.networks.iter().filter(|network| machine.networks.contains_key(&network.name));
    let shown_as = |network: &&&Network| network.external.as_deref().unwrap_or(&network.name) == name;
    let wanted = joined.into_iter().find(shown_as);
    let engine_name = match wanted {
        Some(network) => options::network_name(identity, &network.name, Some(network)),
        None => identity.network(name),
    };
    let container = identity.machine(&machine.name);
    let docker = &client.docker;
    client
        .block(async {
            leave(docker, &container, &engine_name).await?;
            if wanted.is_none() && engine_name != name {
                // Somebody else's network that the machine was joined to.
                leave(docker, &container, name).await?;
            }
            match wanted {
                Some(network) => {
                    let endpoint = options::endpoint(new, &network.name, &engine_name);
                    join(docker, &container, &engine_name, endpoint).await
                }
                None => Ok(()),
            }
        })?
        .explain(|| format!("cannot connect machine {} to network {name}", machine.name))
}

/// Lets a container leave a network; one that is not in it stays as it is.
pub(super) async fn leave(docker: &Docker, container: &str, network: &str) -> Answer<()> {
    let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
    match docker.disconnect_network(network, request).await {
        Err(error) if is_missing(&error) || not_joined(&error) => Ok(()),
        answer => answer,
    }
}

fn not_joined(error: &bollard::errors::Error) -> bool {
    matches!(error, bollard::errors::Error::DockerResponseServerError { message, .. }
        if message.contains("is not connected to"))
}
