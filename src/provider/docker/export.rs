//! What an image holds, as one archive: through a container that is never started.

use super::client::Client;
use super::errors::{Explain, optional};
use super::removal;
use crate::event::{Context, Event};
use crate::model::{Error, Result};
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveImageOptions};
use futures_util::StreamExt;
use std::io::Write;

/// Bytes between two reports of progress.
const REPORT_EVERY: u64 = 4 << 20;

/// Writes the root file system of an image into `sink`.
pub(super) fn export(client: &Client, image: &str, sink: &mut dyn Write, context: &Context) -> Result<()> {
    let container = format!("{}-export", image.replace(['/', ':'], "-"));
    // One of that name was left by an env that was killed.
    remove_container(client, &container)?;
    let options = CreateContainerOptionsBuilder::default().name(&container).build();
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        // Some engines want one, even of what never runs.
        cmd: Some(vec!["true".to_owned()]),
        ..ContainerCreateBody::default()
    };
    let made = client.block(client.docker.create_container(Some(options), body))?;
    let id = made.explain(|| format!("cannot make a container from {image}"))?.id;
    let copied = copy(client, &id, image, sink, context);
    copied.and(remove_container(client, &id))
}

/// Removes an image that nobody uses.
pub(super) fn remove_image(client: &Client, image: &str) -> Result<()> {
    let removed = client.block(client.docker.remove_image(image, None::<RemoveImageOptions>, None))?;
    optional(removed).map(|_| ()).explain(|| format!("cannot remove image {image}"))
}

fn copy(
    client: &Client,
    container: &str,
    image: &str,
    sink: &mut dyn Write,
    context: &Context,
) -> Result<()> {
    let what = format!("exporting {image}");
    client.wait(context, &what, async {
        let (mut done, mut told) = (0, 0);
        let mut pieces = client.docker.export_container(container);
        while let Some(piece) = pieces.next().await {
            let piece = piece.explain(|| format!("cannot export image {image}"))?;
            sink.write_all(&piece)
                .map_err(|error| Error::failed("cannot write what docker exports").because(error))?;
            done += piece.len() as u64;
            if done - told >= REPORT_EVERY {
                context.emit(Event::Progress { machine: None, what: what.clone(), done, total: None });
                told = done;
            }
        }
        Ok(())
    })
}

fn remove_container(client: &Client, container: &str) -> Result<()> {
    client
        .block(removal::remove(&client.docker, container))?
        .explain(|| format!("cannot remove container {container}"))
}
