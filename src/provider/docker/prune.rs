//! Lets go of what no machine needs any more: images built for stacks, agents of older versions, and what killed runs
//! left half-made. Machines and volumes of stacks stay.

use super::client::Client;
use super::errors::{Answer, Explain, is_conflict, is_missing};
use super::labels::{self, Kind, Labels};
use super::{agent_volume, layers, snapshots};
use crate::event::{Context, Event};
use crate::model::Result;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// How old something half-made must be before nobody can be working on it: seconds.
const LEFT_BEHIND: i64 = 600;

/// Removes what is left over, and says what; what a machine still uses is refused by the engine and stays.
pub(super) fn prune(client: &Client, context: &Context) -> Result<()> {
    client
        .block(async {
            half_made(client, context).await?;
            images(client, context).await?;
            let layers = layers::sweep(client, labels::LAYER, now() - LEFT_BEHIND).await?;
            told(layers, "layers", context);
            told(snapshots::sweep(client).await?, "images of snapshots", context);
            agents(client, context).await
        })?
        .explain(|| "cannot remove what is no longer needed")
}

/// A filter for all things of a kind.
fn of_kind(kind: Kind) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", vec![format!("{}={}", labels::KIND, kind.as_str())])])
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64)
}

async fn half_made(client: &Client, context: &Context) -> Answer<()> {
    let now = now();
    for kind in [Kind::Machine, Kind::Filler] {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&of_kind(kind)).build();
        for container in client.docker.list_containers(Some(options)).await? {
            let is_old = container.created.is_some_and(|created| now - created > LEFT_BEHIND);
            let id = container.id.as_deref().unwrap_or_default();
            if is_old && is_half_made(&container, kind) {
                let options = RemoveContainerOptionsBuilder::default().v(true).build();
                let removed = client.docker.remove_container(id, Some(options)).await;
                went(removed, format!("the half-made container {}", name(&container)), context)?;
            }
        }
    }
    Ok(())
}

/// What a container is called; nothing where it has no name.
fn name(container: &ContainerSummary) -> &str {
    container.names.iter().flatten().next().map_or("", |name| name.trim_start_matches('/'))
}

/// Whether a container is a filler, or a machine that never got its name.
fn is_half_made(container: &ContainerSummary, kind: Kind) -> bool {
    let (name, labels) = (name(container), container.labels.as_ref());
    match kind {
        Kind::Filler => labels::name(labels) == Some(name),
        _ => name.strip_suffix(".new").is_some_and(|name| labels::ours(labels, name).is_some()),
    }
}

async fn images(client: &Client, context: &Context) -> Answer<()> {
    let options = ListImagesOptionsBuilder::default().filters(&of_kind(Kind::Image)).build();
    for image in client.docker.list_images(Some(options)).await? {
        // Only by the name we gave: images that others made from ours carry its label, and have names of their own.
        let labels: Labels = image.labels.clone();
        for name in image.repo_tags.iter().filter(|name| labels::name(Some(&labels)) == Some(name)) {
            let removed = client.docker.remove_image(name, None::<RemoveImageOptions>, None).await;
            went(removed.map(drop), format!("the image {name}"), context)?;
        }
    }
    Ok(())
}

async fn agents(client: &Client, context: &Context) -> Answer<()> {
    let options = ListVolumesOptionsBuilder::default().filters(&of_kind(Kind::Agent)).build();
    let found = client.docker.list_volumes(Some(options)).await?;
    for volume in found.volumes.iter().flatten().filter(|volume| volume.name != agent_volume::name()) {
        if labels::name(Some(&volume.labels)) == Some(&volume.name) {
            let removed = client.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await;
            went(removed, format!("the volume {} with another agent", volume.name), context)?;
        }
    }
    Ok(())
}

/// Says how many of what lost its name went, if any did.
fn told(count: usize, what: &str, context: &Context) {
    if count > 0 {
        context.emit(Event::Note { text: format!("removed {what} that nothing needs any more: {count}") });
    }
}

/// Says that something went, if it did.
fn went(answer: Answer<()>, what: String, context: &Context) -> Answer<()> {
    if tolerate(answer)? {
        context.emit(Event::Note { text: format!("removed {what}") });
    }
    Ok(())
}

/// In use, or gone already: both are fine. Tells whether it went just now.
pub(super) fn tolerate(answer: Answer<()>) -> Answer<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if is_conflict(&error) || is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Notes;
    use bollard::errors::Error;
    use std::sync::Arc;

    #[test]
    fn what_went_is_said_and_what_is_in_use_is_not() {
        let notes = Arc::new(Notes::default());
        let context = Context::new(Default::default(), notes.clone());
        let refused =
            |status_code| Err(Error::DockerResponseServerError { status_code, message: "no".to_owned() });
        went(Ok(()), "the image a".to_owned(), &context).unwrap();
        went(refused(409), "the image b".to_owned(), &context).unwrap();
        went(refused(404), "the image c".to_owned(), &context).unwrap();
        assert!(went(refused(500), "the image d".to_owned(), &context).is_err());
        told(0, "layers", &context);
        told(2, "layers", &context);
        let expected = ["removed the image a", "removed layers that nothing needs any more: 2"];
        assert_eq!(notes.texts(), expected);
    }
}
