//! Images: pulled when they are missing, imported from boxes.

use super::Surroundings;
use super::client::Client;
use super::errors::{Explain, explain, optional};
use super::{credentials, sending};
use crate::event::{Context, Event};
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Shortest time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// Whether an image is there.
pub(super) fn is_there(client: &Client, reference: &str) -> Result<bool> {
    Ok(look(client, reference)?.is_some())
}

/// Names of the variables that an image sets.
pub(super) fn variables(client: &Client, reference: &str) -> Result<Vec<String>> {
    let known = client.image_variables().get(reference).cloned();
    known.map_or_else(|| Ok(look(client, reference)?.unwrap_or_default()), Ok)
}

/// The variables of an image that is there; remembered, because each look is a call.
fn look(client: &Client, reference: &str) -> Result<Option<Vec<String>>> {
    let looked = client.block(client.docker.inspect_image(reference))?;
    let found = optional(looked).explain(|| format!("cannot look for image {reference}"))?;
    let Some(image) = found else { return Ok(None) };
    let lines = image.config.and_then(|config| config.env).unwrap_or_default();
    let names = lines.iter().map(|line| line.split('=').next().unwrap_or_default().to_owned());
    let names: Vec<String> = names.collect();
    client.image_variables().insert(reference.to_owned(), names.clone());
    Ok(Some(names))
}

/// Makes sure that an image is there.
pub(super) fn pull(
    client: &Client,
    surroundings: &Surroundings,
    reference: &str,
    platform: Option<&str>,
    context: &Context,
) -> Result<()> {
    if is_there(client, reference)? {
        return Ok(());
    }
    let registry = credentials::registry(reference);
    let credentials = credentials::find(surroundings, registry)?;
    let is_known = credentials.is_some();
    let options = CreateImageOptionsBuilder::default()
        .from_image(&with_tag(reference))
        .platform(platform.unwrap_or_default())
        .build();
    let what = format!("pulling {reference}");
    let result = client.wait(context, &what, async {
        let mut progress = Progress::new(context, what.clone());
        let mut pieces = client.docker.create_image(Some(options), None, credentials);
        while let Some(piece) = pieces.next().await {
            progress.layer(piece.explain(|| format!("cannot pull image {reference}"))?);
        }
        Ok(())
    });
    result.map_err(|error| match error.kind {
        Kind::Interrupted => error,
        _ => advise(error, registry, is_known),
    })
}

/// The engine would pull every tag of a name that has none.
fn with_tag(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

fn advise(error: Error, registry: &str, has_credentials: bool) -> Error {
    let says = |words: &[&str]| {
        error.causes.iter().any(|cause| words.iter().any(|word| cause.to_lowercase().contains(word)))
    };
    if says(&["denied", "unauthorized", "authentication required", "no basic auth"]) {
        let hint = match has_credentials {
            true => format!("check the name, or log in again: `docker login {registry}`"),
            false => format!("check the name, or log in: `docker login {registry}`"),
        };
        error.hint(hint)
    } else if says(&["not found", "manifest unknown", "no matching manifest"]) {
        error.hint(format!("check name and tag: {registry} has no such image"))
    } else if says(&["no such host", "timeout", "refused", "unreachable", "i/o", "lookup", "eof"]) {
        error
            .hint(format!("docker could not reach {registry}: check the network, or `docker load` the image"))
    } else {
        error
    }
}

/// Makes sure that a box is there as an image.
pub(super) fn import(client: &Client, reference: &str, archive: &Path, context: &Context) -> Result<()> {
    if is_there(client, reference)? {
        return Ok(());
    }
    let cannot = || format!("cannot read {}", archive.display());
    let mut file = std::fs::File::open(archive).attempt(cannot)?;
    let total = file.metadata().attempt(cannot)?.len();
    let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(name).tag(tag).build();
    let what = format!("importing {reference}");
    client.wait(context, &what, async {
        let mut progress = Progress::new(context, what.clone());
        let (chunks, reading) = sending::reading(&mut file, |done| progress.report(done, Some(total)));
        let body = bollard::body_try_stream(chunks.map_ok(Into::into));
        let importing = async {
            let mut pieces = client.docker.create_image(Some(options), Some(body), None);
            while let Some(piece) = pieces.next().await {
                piece.map_err(|error| explain(&error, format!("cannot import box {reference}")))?;
            }
            Ok(())
        };
        let (read, imported) = tokio::join!(reading, importing);
        read.and(imported)
    })
}

/// Tells how far a download is, not too often.
struct Progress<'a> {
    context: &'a Context,
    what: String,
    /// Bytes done and in all, by layer.
    layers: HashMap<String, (u64, u64)>,
    told: Option<Instant>,
}

impl<'a> Progress<'a> {
    fn new(context: &'a Context, what: String) -> Self {
        Self { context, what, layers: HashMap::new(), told: None }
    }

    /// Takes in what the engine says of one layer.
    fn layer(&mut self, piece: CreateImageInfo) {
        let Some(id) = piece.id else { return };
        let status = piece.status.unwrap_or_default();
        let bytes = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let detail = piece.progress_detail.unwrap_or_default();
        match (status.as_str(), bytes(detail.current), bytes(detail.total)) {
            ("Downloading", Some(done), Some(total)) => {
                self.layers.insert(id, (done, total));
            }
            ("Download complete" | "Pull complete", ..) => {
                if let Some(layer) = self.layers.get_mut(&id) {
                    layer.0 = layer.1;
                }
            }
            _ => return,
        }
        let sum = self.layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
        self.report(sum.0, Some(sum.1).filter(|total| *total > 0));
    }

    fn report(&mut self, done: u64, total: Option<u64>) {
        let is_soon = self.told.is_some_and(|told| told.elapsed() < REPORT_EVERY);
        if is_soon && Some(done) != total {
            return;
        }
        self.told = Some(Instant::now());
        self.context.emit(Event::Progress { machine: None, what: self.what.clone(), done, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_means_the_latest() {
        let names = ["nginx", "nginx:1.27", "127.0.0.1:5000/web", "web@sha256:ab"].map(with_tag);
        assert_eq!(names, ["nginx:latest", "nginx:1.27", "127.0.0.1:5000/web:latest", "web@sha256:ab"]);
    }
}
