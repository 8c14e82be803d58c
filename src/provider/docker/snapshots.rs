//! Snapshots are images of the engine: a machine's is committed from its stopped container, a volume's holds the volume's data and
//! nothing else. Each has a name that holds whose and what it is, and labels that say the same.
//!
//! Volumes that go with a machine, declared by its image or without a name in the Envfile, are further images of the same part.

use super::client::Client;
use super::data::{self, Place};
use super::errors::{Explain, optional};
use super::labels::{self, Kind, Labels};
use super::{create, layers, observe, prune};
use crate::event::{Context, Event};
use crate::model::digest::{Digester, short};
use crate::model::id::Identity;
use crate::model::snapshot::{KeptPart, Part, PartKind};
use crate::model::stack::Volume;
use crate::model::{Error, Result};
use crate::provider::NewMachine;
use bollard::models::{ContainerConfig, ContainerInspectResponse, ImageSummary};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use std::collections::HashMap;

/// The name of all snapshots.
const REPOSITORY: &str = "envup-snapshot";

/// The part, as JSON, and the path of what goes with a machine.
const PART: &str = "envup.snapshot";
const PATH: &str = "envup.snapshot.path";

/// The name of the image of a part, or of what goes with it at a path.
fn reference(identity: &Identity, part: &Part, path: Option<&str>) -> String {
    let mut digester = Digester::new("snapshot/1");
    digester.part(&identity.id.0).part(&identity.name);
    digester.part(&part.snapshot).part(part.begun.to_le_bytes());
    digester.part(part.kind.as_str()).part(&part.name).part(path.unwrap_or_default());
    format!("{REPOSITORY}:{}", short(&digester.finish()))
}

/// What every image of a part is labelled with; ours only, so that none of a machine's shines through.
fn part_labels(identity: &Identity, part: &Part, path: Option<&str>) -> Labels {
    // A part always has a JSON form.
    let json = serde_json::to_string(part).unwrap_or_default();
    [
        (labels::ID, identity.id.0.as_str()),
        (labels::PROJECT, &identity.name),
        (PART, &json),
        (PATH, path.unwrap_or_default()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Keeps one part. The image that counts gets its name last, in one call.
pub(super) fn save(client: &Client, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
    match part.kind {
        PartKind::Machine => save_machine(client, identity, part, context),
        PartKind::Volume => {
            let name = identity.volume(&part.name);
            let image = user_image(client, &name)?;
            let labels = part_labels(identity, part, None);
            let holder =
                data::Holder::of_volume(client, &name, &image, &volume_labels(client, &name)?, true)?;
            let place = Place { container: holder.id(), path: data::TARGET };
            data::keep(client, &place, &reference(identity, part, None), labels, context)
        }
    }
}

fn save_machine(client: &Client, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
    let container = identity.machine(&part.name);
    let cannot = || format!("cannot keep the disk of {}", part.name);
    let found = inspect(client, &container, &part.name)?;
    let is_running = found.state.as_ref().and_then(|state| state.running) == Some(true);
    let config = found.config.clone().unwrap_or_default();
    let is_ours = labels::belongs(config.labels.as_ref(), &container, identity, Kind::Machine, &part.name);
    if is_running || !is_ours {
        return Err(Error::failed(format!(
            "machine {} is not ours and stopped: its disk is its own",
            part.name
        )));
    }
    for path in own_volumes(identity, &found) {
        let place = Place { container: &container, path: &path };
        let name = reference(identity, part, Some(&path));
        data::keep(client, &place, &name, part_labels(identity, part, Some(&path)), context)?;
    }
    let image = client
        .block(client.docker.inspect_image(&found.image.clone().unwrap_or_default()))?
        .explain(cannot)?;
    let mut labels = part_labels(identity, part, None);
    labels.insert(labels::BASE.to_owned(), base(client, &found)?);
    let clean = layers::without_machine(&config, &image.config.unwrap_or_default(), labels);
    let name = reference(identity, part, None);
    let (repository, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
    let options = CommitContainerOptionsBuilder::default()
        .container(&container)
        .repo(repository)
        .tag(tag)
        .pause(false)
        .build();
    client.wait(context, &format!("keeping the disk of {}", part.name), async {
        client.docker.commit_container(options, clean).await.explain(cannot).map(drop)
    })
}

/// What a machine counts as made from.
fn base(client: &Client, found: &ContainerInspectResponse) -> Result<String> {
    let config = found.config.clone().unwrap_or_default();
    let name = config.image.as_deref().unwrap_or_default();
    let means =
        optional(client.block(client.docker.inspect_image(name))?).explain(|| "cannot look at an image")?;
    let means = means.and_then(|image| image.id);
    Ok(made_from(&config, found.image.as_deref().unwrap_or_default(), means.as_deref()).to_owned())
}

/// As a plan compares it; `means` is the id of the image that has the name of the machine's by now.
fn made_from<'a>(config: &'a ContainerConfig, id: &'a str, means: Option<&str>) -> &'a str {
    let name = config.image.as_deref().filter(|_| means == Some(id));
    observe::made_from(config, Some(name.unwrap_or(id)))
}

/// Where volumes are in a machine that are not of the stack and go with it.
fn own_volumes(identity: &Identity, found: &ContainerInspectResponse) -> Vec<String> {
    let declared = found.host_config.as_ref().and_then(|host| host.mounts.as_ref());
    let named: Vec<&str> = declared
        .into_iter()
        .flatten()
        .filter(|mount| mount.source.as_ref().is_some_and(|source| !source.is_empty()))
        .filter_map(|mount| mount.target.as_deref())
        .collect();
    let mounts = found.mounts.iter().flatten().filter(|mount| mount.typ.as_deref() == Some("volume"));
    let paths = mounts.filter_map(|mount| {
        let name = mount.name.as_deref().unwrap_or_default();
        let path = mount.destination.clone()?;
        (!name.starts_with(&identity.volume("")) && !named.contains(&path.as_str())).then_some(path)
    });
    let mut paths: Vec<String> = paths.collect();
    paths.sort();
    paths
}

/// All parts of a stack.
pub(super) fn list(client: &Client, identity: &Identity) -> Result<Vec<KeptPart>> {
    let images = images(client)?;
    let own_size = |image: &ImageSummary| {
        let below = images.iter().find(|other| other.id == image.parent_id).map_or(0, |other| other.size);
        u64::try_from(image.size - below).unwrap_or(0)
    };
    let ours = images.iter().filter_map(|image| Some((image, part_of(identity, image)?)));
    let (whole, beside): (Vec<_>, Vec<_>) = ours.partition(|(_, (_, path))| path.is_none());
    let parts = whole.into_iter().map(|(image, (part, _))| {
        let further =
            beside.iter().filter(|(_, (other, _))| *other == part).map(|(image, _)| own_size(image));
        KeptPart { size: own_size(image) + further.sum::<u64>(), provider: super::NAME, part }
    });
    let mut parts: Vec<KeptPart> = parts.collect();
    parts.sort_by(|one, other| one.part.cmp(&other.part));
    Ok(parts)
}

/// All images of the engine.
fn images(client: &Client) -> Result<Vec<ImageSummary>> {
    let options = ListImagesOptionsBuilder::default().all(true).build();
    client.block(client.docker.list_images(Some(options)))?.explain(|| "cannot ask docker for snapshots")
}

/// The part that an image is of, and the path of what goes with a machine: where labels and name agree.
fn part_of(identity: &Identity, image: &ImageSummary) -> Option<(Part, Option<String>)> {
    let labels = Some(&image.labels);
    let is_of_stack = labels::filled(labels, labels::ID) == Some(&identity.id.0)
        && labels::filled(labels, labels::PROJECT) == Some(&identity.name);
    let part: Part = serde_json::from_str(labels::filled(labels, PART).filter(|_| is_of_stack)?).ok()?;
    let path = labels::filled(labels, PATH).map(str::to_owned);
    let name = reference(identity, &part, path.as_deref());
    image.repo_tags.contains(&name).then_some((part, path))
}

/// Fails unless what is kept of a part is whole: data, by its digest. For the disk of a machine the engine vouches, which alone knows
/// the digests of its layers.
pub(super) fn verify(client: &Client, identity: &Identity, part: &Part, context: &Context) -> Result<()> {
    for image in images(client)? {
        let Some((_, beside)) = part_of(identity, &image).filter(|(other, _)| other == part) else {
            continue;
        };
        let path = match (part.kind, &beside) {
            (PartKind::Volume, _) => data::TARGET,
            (PartKind::Machine, Some(path)) => path.as_str(),
            (PartKind::Machine, None) => continue,
        };
        data::verify(client, &reference(identity, part, beside.as_deref()), path, context)?;
    }
    Ok(())
}

/// Makes a machine from the disk that is kept.
pub(super) fn restore_machine(
    client: &Client,
    identity: &Identity,
    part: &Part,
    new: &NewMachine<'_>,
    proxies: &[(String, String)],
    context: &Context,
) -> Result<()> {
    let image = reference(identity, part, None);
    let kept =
        client.block(client.docker.inspect_image(&image))?.explain(|| format!("cannot look at {image}"))?;
    let labels = kept.config.and_then(|config| config.labels);
    let base = labels::base(labels.as_ref()).unwrap_or_default().to_owned();
    let new = NewMachine { image: &image, stands_for: Some(&base), ..new.clone() };
    create::create(client, identity, &new, proxies, context)?;
    let container = identity.machine(&part.name);
    let found = inspect(client, &container, &part.name)?;
    for path in own_volumes(identity, &found) {
        let image = reference(identity, part, Some(&path));
        if !data::give_back(client, &image, &Place { container: &container, path: &path }, context)? {
            let text =
                format!("{path} of {} was empty, or holds more than then: its image brings it", part.name);
            context.emit(Event::Note { text });
        }
    }
    Ok(())
}

/// Fills a volume, which is empty and used by nobody, with what is kept of it.
pub(super) fn restore_volume(
    client: &Client,
    identity: &Identity,
    part: &Part,
    volume: &Volume,
    context: &Context,
) -> Result<()> {
    let name = identity.volume(&volume.name);
    let image = reference(identity, part, None);
    // The engine itself copies what an image has at a path into an empty volume there.
    let holder = data::Holder::of_volume(client, &name, &image, &volume_labels(client, &name)?, false)?;
    let place = Place { container: holder.id(), path: data::TARGET };
    if data::is_as_kept(client, &image, &place, context)? {
        return Ok(());
    }
    Err(Error::failed(format!("the volume {} does not hold what was kept of it", volume.name))
        .hint("a driver that keeps data elsewhere takes none back: restore it there")
        .hint("run it again if something wrote to the volume meanwhile"))
}

/// Lets go of the images of a part. One that a machine was made from loses its name now and its data with the machine.
pub(super) fn remove(client: &Client, identity: &Identity, part: &Part) -> Result<()> {
    let cannot = || format!("cannot remove what is kept of {}", part.name);
    let mut ours: Vec<(String, bool)> = Vec::new();
    for image in images(client)? {
        if let Some((_, path)) = part_of(identity, &image).filter(|(other, _)| other == part) {
            ours.push((reference(identity, part, path.as_deref()), path.is_some()));
        }
    }
    // The one that counts goes first: what is left of a killed run is no part.
    ours.sort_by_key(|(_, is_beside)| *is_beside);
    client.block(async {
        for (name, _) in ours {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            optional(client.docker.remove_image(&name, Some(options), None).await).explain(cannot)?;
        }
        sweep(client).await.map(drop).explain(cannot)
    })?
}

/// Whether a machine was made from a snapshot: it has its image's labels.
pub(super) fn stood_for(labels: Option<&Labels>) -> bool {
    labels::filled(labels, PART).is_some()
}

/// Removes images of snapshots that were let go and that no machine needs any more; gives how many.
pub(super) async fn sweep(client: &Client) -> super::errors::Answer<usize> {
    let mut gone = 0;
    let filters = HashMap::from([("label", vec![PART.to_owned()]), ("dangling", vec!["true".to_owned()])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    for image in client.docker.list_images(Some(options)).await? {
        if labels::filled(Some(&image.labels), PART).is_some() {
            let removed = client
                .docker
                .remove_image(&image.id, None::<bollard::query_parameters::RemoveImageOptions>, None)
                .await;
            gone += usize::from(prune::tolerate(removed.map(drop))?);
        }
    }
    Ok(gone)
}

fn inspect(client: &Client, container: &str, machine: &str) -> Result<ContainerInspectResponse> {
    client
        .block(client.docker.inspect_container(container, None::<InspectContainerOptions>))?
        .explain(|| format!("cannot look at machine {machine}"))
}

/// The image of a machine that uses this volume: any will do to look into it.
fn user_image(client: &Client, volume: &str) -> Result<String> {
    let filters = HashMap::from([("volume", vec![volume.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let users = client
        .block(client.docker.list_containers(Some(options)))?
        .explain(|| format!("cannot ask who uses the volume {volume}"))?;
    let image = users.into_iter().find_map(|user| user.image_id);
    image.ok_or_else(|| Error::failed(format!("no machine uses the volume {volume}")))
}

/// The labels of a volume: the engine would make it anew without them, should it go meanwhile.
fn volume_labels(client: &Client, volume: &str) -> Result<Labels> {
    let found = client
        .block(client.docker.inspect_volume(volume))?
        .explain(|| format!("cannot look at the volume {volume}"))?;
    Ok(found.labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ProjectId;

    fn part() -> Part {
        Part {
            snapshot: "before".into(),
            begun: 5,
            parts: 2,
            kind: PartKind::Machine,
            name: "web".into(),
            running: true,
        }
    }

    #[test]
    fn an_image_may_have_lost_its_name_to_another_and_a_box_only_to_an_equal_one() {
        let from = |is_box: &str, means| {
            let config = ContainerConfig {
                image: Some("envup-box/debian-12:9b3365".into()),
                labels: Some([("envup.box".to_owned(), is_box.to_owned())].into()),
                ..ContainerConfig::default()
            };
            made_from(&config, "sha256:1fcc", means).to_owned()
        };
        assert_eq!(from("true", Some("sha256:d4a3")), "envup-box/debian-12:9b3365");
        assert_eq!(from("false", Some("sha256:1fcc")), "envup-box/debian-12:9b3365");
        assert_eq!(from("false", Some("sha256:d4a3")), "sha256:1fcc");
        assert_eq!(from("false", None), "sha256:1fcc");
    }

    #[test]
    fn only_an_image_whose_labels_and_name_agree_is_a_part() {
        let identity =
            Identity { id: ProjectId("3f9a1c00beef".into()), name: "shop".into(), directory: "/".into() };
        let image = |path: Option<&str>, tag: String| ImageSummary {
            labels: part_labels(&identity, &part(), path),
            repo_tags: vec![tag],
            ..ImageSummary::default()
        };
        let name = reference(&identity, &part(), None);
        assert_eq!(part_of(&identity, &image(None, name.clone())), Some((part(), None)));
        assert_eq!(part_of(&identity, &image(None, "mine:latest".into())), None);
        let beside = reference(&identity, &part(), Some("/data"));
        assert_ne!(beside, name);
        assert_eq!(part_of(&identity, &image(Some("/data"), beside)), Some((part(), Some("/data".into()))));
        let other = Identity { name: "shop.test".into(), ..identity.clone() };
        assert_eq!(part_of(&other, &image(None, name)), None);
    }
}
