//! What exists: three lists at once, and one look at each machine as soon as its list is there, several at a time.

use super::client::Client;
use super::errors::{Answer, Explain, is_missing};
use super::fields::{Known, fields};
use super::labels::{self, Kind, Notes, Ours};
use super::{networks, volumes};
use crate::model::Result;
use crate::model::id::Identity;
use crate::model::observed::{Observed, ObservedMachine, ObservedThing, Owner, PublishedPort, State};
use crate::provider::Scope;
use bollard::models::{
    ContainerConfig, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerSummary,
    EndpointSettings, NetworkSettings,
};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptions, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder,
};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

/// How many machines are looked at at once.
const AT_ONCE: usize = 8;

/// What exists in a scope.
pub(super) fn observe(client: &Client, scope: Scope<'_>) -> Result<Observed> {
    client.block(find(client, scope))?.explain(|| "cannot ask docker what exists")
}

async fn find(client: &Client, scope: Scope<'_>) -> Answer<Observed> {
    let docker = &client.docker;
    let filters = filters(scope);
    let containers = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let nets = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let vols = ListVolumesOptionsBuilder::default().filters(&filters).build();
    let (machines, nets, vols) = tokio::try_join!(
        machines(client, containers),
        docker.list_networks(Some(nets)),
        docker.list_volumes(Some(vols)),
    )?;
    let mut observed = Observed {
        machines,
        networks: nets.iter().filter_map(networks::observed).collect(),
        volumes: vols.volumes.iter().flatten().filter_map(volumes::observed).collect(),
    };
    observed.machines.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    let by_name = |a: &ObservedThing, b: &ObservedThing| (&a.owner, &a.name).cmp(&(&b.owner, &b.name));
    observed.networks.sort_by(by_name);
    observed.networks.dedup_by(is_double);
    observed.volumes.sort_by(by_name);
    Ok(observed)
}

/// The machines in a list of containers.
async fn machines(client: &Client, list: ListContainersOptions) -> Answer<Vec<ObservedMachine>> {
    let containers = client.docker.list_containers(Some(list)).await?;
    let ours = containers.iter().filter_map(|summary| Some((summary, of_summary(summary)?)));
    let machines: Vec<Answer<Option<ObservedMachine>>> = futures_util::stream::iter(ours)
        .map(|(summary, ours)| look(client, summary, ours))
        .buffered(AT_ONCE)
        .collect()
        .await;
    machines.into_iter().filter_map(Answer::transpose).collect()
}

/// Two networks of one name, as killed runs may leave on older engines, are one that differs from what is declared.
fn is_double(double: &mut ObservedThing, kept: &mut ObservedThing) -> bool {
    let is_double = double.engine_name == kept.engine_name;
    if is_double {
        kept.fields.set("copies", "several of this name");
    }
    is_double
}

/// What the engine is asked to list of a scope.
pub(super) fn filters(scope: Scope<'_>) -> HashMap<&'static str, Vec<String>> {
    let labels = match scope {
        Scope::Host => vec![labels::ID.to_owned()],
        Scope::Directory(directory) => vec![format!("{}={directory}", labels::DIRECTORY)],
        Scope::Stack(identity) => {
            vec![format!("{}={}", labels::ID, identity.id), format!("{}={}", labels::PROJECT, identity.name)]
        }
    };
    HashMap::from([("label", labels)])
}

fn of_summary(summary: &ContainerSummary) -> Option<Ours> {
    let name = summary.names.as_ref()?.first()?;
    labels::ours(summary.labels.as_ref(), name).filter(|ours| ours.kind == Kind::Machine)
}

/// Looks at one machine; `None` when it went away meanwhile.
async fn look(client: &Client, summary: &ContainerSummary, ours: Ours) -> Answer<Option<ObservedMachine>> {
    let id = summary.id.as_deref().unwrap_or_default();
    match client.docker.inspect_container(id, None::<InspectContainerOptions>).await {
        // The list tells the image's name only as long as the name means this image.
        Ok(found) => Ok(Some(machine(&found, summary.image.as_deref(), ours))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn machine(found: &ContainerInspectResponse, image: Option<&str>, ours: Ours) -> ObservedMachine {
    let Owner { id, name, directory, .. } = ours.owner.clone();
    let identity = Identity { id, name, directory };
    let config = found.config.clone().unwrap_or_default();
    let host = found.host_config.clone().unwrap_or_default();
    let settings = found.network_settings.clone().unwrap_or_default();
    let joined = settings.networks.clone().unwrap_or_default();
    let engine_id = found.id.clone().unwrap_or_default();
    let is_box = labels::is_box(config.labels.as_ref());
    let state = found.state.clone().unwrap_or_default();
    let known = Known {
        identity: &identity,
        image: made_from(&config, image),
        config: &config,
        host: &host,
        networks: &joined,
        id: &engine_id,
        notes: &Notes::read(config.labels.as_ref()),
    };
    ObservedMachine {
        provider: super::NAME.to_owned(),
        engine_name: found.name.clone().unwrap_or_default().trim_start_matches('/').to_owned(),
        created: found.created.as_deref().and_then(nanoseconds),
        state: state_of(&state, is_box),
        exit_code: if is_live(&state) || never_started(&state) { None } else { state.exit_code },
        started: state.started_at.clone().filter(|_| !never_started(&state)),
        is_box,
        source: labels::source(config.labels.as_ref()),
        construction: labels::construction(config.labels.as_ref()).map(str::to_owned),
        fields: fields(&known),
        address: address(&settings, host.network_mode.as_deref()),
        direct: direct(&joined),
        ports: ports(&settings),
        name: ours.name,
        owner: ours.owner,
        engine_id,
    }
}

/// What a machine counts as made from. Its image is `listed` by name as long as the name means this image, else by id; but a box
/// is called by its content: who brings it to the engine once more, perhaps at the same time, gives its name to an equal image.
pub(super) fn made_from<'a>(config: &'a ContainerConfig, listed: Option<&'a str>) -> &'a str {
    let labels = config.labels.as_ref();
    let listed = listed.filter(|_| !labels::is_box(labels));
    labels::base(labels).or(listed).or(config.image.as_deref()).unwrap_or_default()
}

fn nanoseconds(time: &str) -> Option<i64> {
    i64::try_from(time.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
}

fn is_live(state: &ContainerState) -> bool {
    state.running == Some(true) || state.paused == Some(true)
}

fn never_started(state: &ContainerState) -> bool {
    // The engine writes the year 1 for "never".
    state.started_at.as_deref().is_none_or(|time| time.is_empty() || time.starts_with("0001-"))
}

/// What a machine does. A box that was shut down is stopped, however its init ended; so is an image machine whose
/// process was ended by a signal from outside.
pub(super) fn state_of(state: &ContainerState, is_box: bool) -> State {
    use ContainerStateStatusEnum as Status;
    match state.status.unwrap_or(Status::EMPTY) {
        Status::PAUSED => State::Paused,
        Status::RUNNING | Status::STOPPING => State::Running,
        Status::RESTARTING | Status::DEAD => State::Failed,
        _ if never_started(state) && state.exit_code.unwrap_or(0) == 0 => State::Stopped,
        // The engine could not even start it.
        _ if state.error.as_deref().is_some_and(|error| !error.is_empty()) => State::Failed,
        _ if state.oom_killed == Some(true) => State::Failed,
        _ if is_box => State::Stopped,
        _ => state.exit_code.map_or(State::Failed, State::after),
    }
}

/// The address on the machine's first network.
fn address(settings: &NetworkSettings, mode: Option<&str>) -> Option<String> {
    let networks = settings.networks.as_ref()?;
    let first = mode.and_then(|mode| networks.get(mode));
    let address =
        |endpoint: &EndpointSettings| endpoint.ip_address.clone().filter(|address| !address.is_empty());
    first.and_then(address).or_else(|| networks.values().find_map(address))
}

/// Where this host reaches a machine that runs, asked of the engine.
pub(super) fn direct_address(client: &Client, container: &str, name: &str) -> Result<Option<IpAddr>> {
    let found = client
        .block(client.docker.inspect_container(container, None::<InspectContainerOptions>))?
        .explain(|| format!("cannot look at machine {name}"))?;
    let joined = found.network_settings.and_then(|settings| settings.networks);
    Ok(joined.as_ref().and_then(direct))
}

/// The address on a bridge that is an interface of this very host. Its name holds the network's random id, so that an
/// engine elsewhere, behind whatever socket, can not be taken for one here.
fn direct(joined: &HashMap<String, EndpointSettings>) -> Option<IpAddr> {
    joined.values().find_map(|endpoint| {
        let bridge = endpoint.network_id.as_deref()?.get(..12)?;
        let is_here = Path::new("/sys/class/net").join(format!("br-{bridge}")).exists();
        endpoint.ip_address.as_deref().filter(|_| is_here)?.parse().ok()
    })
}

fn ports(settings: &NetworkSettings) -> Vec<PublishedPort> {
    let bindings = settings
        .ports
        .iter()
        .flatten()
        .flat_map(|(guest, bindings)| bindings.iter().flatten().map(move |binding| (guest, binding)));
    let mut ports: Vec<PublishedPort> = bindings
        .filter_map(|(guest, binding)| {
            let host = binding.host_port.as_deref()?.parse().ok()?;
            let host_ip = binding.host_ip.clone().unwrap_or_default();
            Some(PublishedPort { guest: guest.clone(), host, host_ip })
        })
        .collect();
    ports.sort();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i64) -> ContainerState {
        ContainerState {
            status: Some(ContainerStateStatusEnum::EXITED),
            exit_code: Some(code),
            started_at: Some("2026-11-21T10:00:00Z".into()),
            ..ContainerState::default()
        }
    }

    #[test]
    fn the_exit_code_tells_completed_from_stopped_and_failed() {
        let states = [0, 137, 3].map(|code| state_of(&ended(code), false));
        assert_eq!(states, [State::Completed, State::Stopped, State::Failed]);
        assert_eq!(state_of(&ended(255), true), State::Stopped);
    }

    #[test]
    fn an_image_may_lose_its_name_to_another_and_a_box_only_to_an_equal_one() {
        let image = |is_box: &str| {
            let config = ContainerConfig {
                image: Some("envup-box/debian-12:9b3365".into()),
                labels: Some([("envup.box".to_owned(), is_box.to_owned())].into()),
                ..Default::default()
            };
            let found = ContainerInspectResponse { config: Some(config), ..Default::default() };
            let id = crate::model::id::ProjectId("3f9a1c00beef".into());
            let owner = Owner { id, name: "shop".into(), directory: "/".into(), environment: "dev".into() };
            let ours = Ours { kind: Kind::Machine, name: "web".into(), owner };
            machine(&found, Some("sha256:1fcc"), ours).fields.get("image").map(str::to_owned)
        };
        assert_eq!(image("true").as_deref(), Some("envup-box/debian-12:9b3365"));
        assert_eq!(image("false").as_deref(), Some("sha256:1fcc"));
    }

    #[test]
    fn what_was_never_started_is_stopped() {
        let created = ContainerState {
            status: Some(ContainerStateStatusEnum::CREATED),
            started_at: Some("0001-01-01T00:00:00Z".into()),
            ..ContainerState::default()
        };
        assert_eq!(state_of(&created, false), State::Stopped);
        let out_of_memory = ContainerState { oom_killed: Some(true), ..ended(137) };
        assert_eq!(state_of(&out_of_memory, false), State::Failed);
    }
}
