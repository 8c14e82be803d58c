//! Images: pulled when they are missing, imported from boxes.

use super::client::Client;
use super::errors::{Explain, optional};
use super::surroundings::Surroundings;
use crate::event::Context;
use crate::model::Result;
use crate::model::error::Attempt;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use std::path::Path;

/// Whether an image is there.
fn is_there(client: &Client, reference: &str) -> Result<bool> {
    let looked = client.block(client.docker.inspect_image(reference))?;
    Ok(optional(looked).explain(|| format!("cannot look for image {reference}"))?.is_some())
}

/// Makes sure that an image is there.
pub(super) fn pull(
    client: &Client,
    _surroundings: &Surroundings,
    reference: &str,
    platform: Option<&str>,
    context: &Context,
) -> Result<()> {
    if is_there(client, reference)? {
        return Ok(());
    }
    let options = CreateImageOptionsBuilder::default().from_image(reference).platform(platform.unwrap_or(""));
    client.wait(context, &format!("pulling {reference}"), async {
        let mut stream = client.docker.create_image(Some(options.build()), None, None);
        while let Some(piece) = stream.next().await {
            piece.explain(|| format!("cannot pull image {reference}"))?;
        }
        Ok(())
    })
}

/// Makes sure that a box is there as an image.
pub(super) fn import(client: &Client, reference: &str, archive: &Path, context: &Context) -> Result<()> {
    if is_there(client, reference)? {
        return Ok(());
    }
    let bytes = std::fs::read(archive).attempt(|| format!("cannot read {}", archive.display()))?;
    let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(name).tag(tag);
    client.wait(context, &format!("importing {reference}"), async {
        let body = bollard::body_full(bytes.into());
        let mut stream = client.docker.create_image(Some(options.build()), Some(body), None);
        while let Some(piece) = stream.next().await {
            piece.explain(|| format!("cannot import box {reference}"))?;
        }
        Ok(())
    })
}
