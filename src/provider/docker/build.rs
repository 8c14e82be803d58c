//! Images built by the engine from a Dockerfile.
//!
//! By the engine's first builder: the second one tells what it does only over a connection of its own kind. What needs
//! the second one is refused by the engine, and the error says so.

use super::Surroundings;
use super::client::Client;
use super::errors::explain;
use super::labels::{self, Kind};
use super::{authorities, credentials, images, proxies, sending};
use crate::event::{Context, Event};
use crate::model::error::Attempt;
use crate::model::id::Identity;
use crate::model::machine::Build;
use crate::model::{Error, Result};
use crate::transport::build_context;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{HashMap, VecDeque};

/// Lines of a failed build that its error shows.
const SHOWN: usize = 20;

/// An image to build.
pub(super) struct Wanted<'a> {
    pub(super) identity: &'a Identity,
    /// The name it gets.
    pub(super) reference: &'a str,
    pub(super) build: &'a Build,
    pub(super) platform: Option<&'a str>,
}

/// Makes sure that an image is there.
pub(super) fn build(
    client: &Client,
    surroundings: &Surroundings,
    wanted: &Wanted<'_>,
    context: &Context,
) -> Result<()> {
    if images::is_there(client, wanted.reference)? {
        return Ok(());
    }
    let Wanted { build, reference, .. } = *wanted;
    let file = build.context.join(&build.dockerfile);
    let dockerfile = std::fs::read_to_string(&file).attempt(|| format!("cannot read {}", file.display()))?;
    let credentials = credentials_of(surroundings, &dockerfile)?;
    let options = options(client, surroundings, wanted, &dockerfile);
    let entries = build_context::entries(&build.context, &build.dockerfile)?;
    let chunks = sending::writing(move |to| build_context::write(&entries, to));
    let body = bollard::body_try_stream(chunks.map_ok(Into::into));

    let mut output = Output { context, reference, open: String::new(), last: VecDeque::new() };
    let built = client.wait(context, &format!("building {reference}"), async {
        let mut pieces = client.docker.build_image(options, Some(credentials), Some(body));
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => output.add(&piece.stream.unwrap_or_default()),
                Err(error) => return Err(explain(&error, format!("cannot build {}", file.display()))),
            }
        }
        Ok(())
    });
    built.map_err(|error| output.explain(error))
}

fn options(
    client: &Client,
    surroundings: &Surroundings,
    wanted: &Wanted<'_>,
    dockerfile: &str,
) -> bollard::query_parameters::BuildImageOptions {
    let build = wanted.build;
    // Proxies are arguments that every Dockerfile knows without declaring them; they stay out of the image.
    let mut arguments: HashMap<String, String> =
        proxies::proxies(surroundings, &client.endpoint).into_iter().collect();
    if let Some(value) = authorities::argument(dockerfile) {
        arguments.insert(authorities::ARGUMENT.to_owned(), value.to_owned());
    }
    arguments.extend(build.args.clone());
    let labels = labels::common(wanted.identity, "", Kind::Image, wanted.reference);
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(&build.dockerfile)
        .t(wanted.reference)
        .rm(true)
        .forcerm(true)
        .buildargs(&arguments)
        .labels(&labels);
    if let Some(target) = &build.target {
        options = options.target(target);
    }
    if let Some(platform) = wanted.platform {
        options = options.platform(platform);
    }
    options.build()
}

/// Credentials for the registries that the Dockerfile's base images come from.
fn credentials_of(
    surroundings: &Surroundings,
    dockerfile: &str,
) -> Result<HashMap<String, DockerCredentials>> {
    let mut found = HashMap::new();
    for image in base_images(dockerfile) {
        if let Some(credentials) = credentials::find(surroundings, credentials::registry(image))? {
            found.insert(credentials.serveraddress.clone().unwrap_or_default(), credentials);
        }
    }
    Ok(found)
}

fn base_images(dockerfile: &str) -> impl Iterator<Item = &str> {
    dockerfile.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_from = words.next()?.eq_ignore_ascii_case("from");
        let image = words.find(|word| !word.starts_with("--"))?;
        (is_from && image != "scratch" && !image.contains('$')).then_some(image)
    })
}

/// Hands the build's output on line by line, and keeps the last lines for an error.
struct Output<'a> {
    context: &'a Context,
    reference: &'a str,
    open: String,
    last: VecDeque<String>,
}

impl Output<'_> {
    fn add(&mut self, text: &str) {
        self.open.push_str(text);
        while let Some(end) = self.open.find('\n') {
            let line: String = self.open.drain(..=end).collect();
            let text = line.trim_end().to_owned();
            if self.last.len() == SHOWN {
                self.last.pop_front();
            }
            self.last.push_back(text.clone());
            let source = format!("build {}", self.reference);
            self.context.emit(Event::Output { machine: None, source, text });
        }
    }

    fn explain(self, error: Error) -> Error {
        let needs_second = error.causes.iter().any(|cause| cause.contains("BuildKit"));
        let lines: Vec<String> = self.last.into();
        let error = if lines.is_empty() { error } else { error.detail(lines.join("\n")) };
        if needs_second {
            error.hint("build it with `docker build -t NAME …`, and say `image = \"NAME\"` in the Envfile")
        } else {
            error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_images_are_found_in_a_dockerfile() {
        let dockerfile =
            "ARG V=1\nFROM --platform=linux/amd64 ghcr.io/a/b:1 AS one\nfrom scratch\nFROM x:${V}\n";
        assert_eq!(base_images(dockerfile).collect::<Vec<_>>(), ["ghcr.io/a/b:1"]);
    }
}
