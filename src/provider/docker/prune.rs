//! Lets go of what no machine needs any more: images built for the stack, and agents of older versions.

use super::agent_volume;
use super::client::Client;
use super::errors::{Answer, Explain, is_conflict, is_missing};
use super::labels::{self, Kind};
use crate::model::Result;
use crate::model::id::Identity;
use bollard::query_parameters::{
    ListImagesOptionsBuilder, ListVolumesOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
};
use std::collections::HashMap;

/// Removes what is left over; what a machine still uses is refused by the engine and stays.
pub(super) fn prune(client: &Client, identity: &Identity) -> Result<()> {
    client
        .block(async {
            images(client, identity).await?;
            agents(client).await
        })?
        .explain(|| "cannot remove what is no longer needed")
}

async fn images(client: &Client, identity: &Identity) -> Answer<()> {
    let labels = vec![
        format!("{}={}", labels::ID, identity.id),
        format!("{}={}", labels::PROJECT, identity.name),
        format!("{}={}", labels::KIND, Kind::Image.as_str()),
    ];
    let options = ListImagesOptionsBuilder::default().filters(&HashMap::from([("label", labels)])).build();
    for image in client.docker.list_images(Some(options)).await? {
        // By name and not by id: a name that others gave to the same image keeps it alive.
        for name in image.repo_tags.iter().filter(|name| name.starts_with(&identity.machine(""))) {
            tolerate(client.docker.remove_image(name, None::<RemoveImageOptions>, None).await.map(|_| ()))?;
        }
    }
    Ok(())
}

async fn agents(client: &Client) -> Answer<()> {
    let labels = vec![format!("{}={}", labels::KIND, Kind::Agent.as_str())];
    let options = ListVolumesOptionsBuilder::default().filters(&HashMap::from([("label", labels)])).build();
    let found = client.docker.list_volumes(Some(options)).await?;
    for volume in found.volumes.iter().flatten().filter(|volume| volume.name != agent_volume::name()) {
        if volume.name.starts_with("envup-agent-") {
            tolerate(client.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await)?;
        }
    }
    Ok(())
}

/// In use, or gone already: both are fine.
fn tolerate(answer: Answer<()>) -> Answer<()> {
    match answer {
        Err(error) if is_conflict(&error) || is_missing(&error) => Ok(()),
        answer => answer,
    }
}
