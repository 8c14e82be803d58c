//! Layers are images of the engine, committed from stopped machines under a name that holds their key.
//!
//! A commit takes over what the container was made with. Of that only the disk is wanted: our labels are blanked, because
//! labels say whose a thing is, and what was added to the image's environment, such as a proxy, is taken away again.

use super::client::Client;
use super::errors::{Answer, Explain, is_conflict, optional};
use super::labels::{self, Kind, Labels};
use super::prune::tolerate;
use crate::event::Context;
use crate::model::digest::short;
use crate::model::id::Identity;
use crate::model::layer::Layer;
use crate::model::{Error, Result};
use bollard::models::{ContainerConfig, ImageSummary};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, InspectContainerOptions, ListImagesOptionsBuilder, RemoveImageOptions,
};
use std::collections::{HashMap, HashSet};

/// The name of all layers.
const REPOSITORY: &str = "envup-layer";

/// The name of a layer in the engine.
pub(super) fn reference(key: &str) -> String {
    format!("{REPOSITORY}:{}", short(key))
}

/// Keeps the disk of a machine under construction. One call commits and names it, so that no kill leaves a nameless half.
pub(super) fn save(
    client: &Client,
    identity: &Identity,
    machine: &str,
    key: &str,
    context: &Context,
) -> Result<()> {
    let container = identity.machine(machine);
    let cannot = || format!("cannot keep the disk of machine {machine}");
    let docker = &client.docker;
    let found = client
        .block(docker.inspect_container(&container, None::<InspectContainerOptions>))?
        .explain(cannot)?;
    let config = found.config.unwrap_or_default();
    let all = config.labels.as_ref();
    let is_running = found.state.and_then(|state| state.running) == Some(true);
    let is_ours = labels::belongs(all, &container, identity, Kind::Machine, machine);
    if is_running || !is_ours || labels::construction(all).is_none() {
        return Err(Error::failed(format!(
            "machine {machine} is not under construction and stopped: its disk is its own"
        )));
    }
    let base = client.block(docker.inspect_image(&found.image.unwrap_or_default()))?.explain(cannot)?;
    let labels = Labels::from([(labels::LAYER.to_owned(), key.to_owned())]);
    let clean = without_machine(&config, &base.config.unwrap_or_default(), labels);
    let options = CommitContainerOptionsBuilder::default()
        .container(&container)
        .repo(REPOSITORY)
        .tag(short(key))
        .pause(false)
        .build();
    client.wait(context, &format!("keeping the disk of {machine}"), async {
        docker.commit_container(options, clean).await.explain(cannot)?;
        // One of the same key that a killed run began may have had the name for a moment.
        sweep(client, &format!("{}={key}", labels::LAYER), i64::MAX).await.map(drop).explain(cannot)
    })
}

/// Removes layers with this label that lost their name, unless they were made later than this; gives how many.
pub(super) async fn sweep(client: &Client, label: &str, before: i64) -> Answer<usize> {
    let mut gone = 0;
    let filters = HashMap::from([("label", vec![label.to_owned()]), ("dangling", vec!["true".to_owned()])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    for image in client.docker.list_images(Some(options)).await? {
        // Images that somebody made from a machine carry its labels, and none of those is blank.
        let is_layer = labels::filled(Some(&image.labels), labels::LAYER).is_some()
            && labels::filled(Some(&image.labels), labels::KIND).is_none();
        if is_layer && image.created < before {
            let removed = client.docker.remove_image(&image.id, None::<RemoveImageOptions>, None).await;
            gone += usize::from(tolerate(removed.map(drop))?);
        }
    }
    Ok(gone)
}

/// What a commit has to say so that what it makes knows no more of the machine than its image did, but has labels of its own.
pub(super) fn without_machine(
    machine: &ContainerConfig,
    image: &bollard::models::ImageConfig,
    own: Labels,
) -> ContainerConfig {
    let of_image = |list: &Option<Vec<String>>| -> HashSet<String> {
        list.iter().flatten().filter_map(|line| line.split('=').next().map(str::to_owned)).collect()
    };
    let kept = of_image(&image.env);
    let mut added: Vec<String> = of_image(&machine.env).difference(&kept).cloned().collect();
    added.sort();
    let no_labels = Labels::new();
    let labels_of_image = image.labels.as_ref().unwrap_or(&no_labels);
    let mut labels: Labels = machine
        .labels
        .iter()
        .flatten()
        .filter(|(name, _)| name.starts_with(labels::PREFIX) || !labels_of_image.contains_key(*name))
        .map(|(name, _)| (name.clone(), String::new()))
        .collect();
    labels.extend(own);
    // A name without a value takes the variable away.
    ContainerConfig { env: Some(added), labels: Some(labels), ..ContainerConfig::default() }
}

/// All layers. Those of other users of this engine too: they are just as good.
pub(super) fn list(client: &Client) -> Result<Vec<Layer>> {
    let options = ListImagesOptionsBuilder::default().all(true).build();
    let images = client
        .block(client.docker.list_images(Some(options)))?
        .explain(|| "cannot ask docker for its layers")?;
    let sizes: HashMap<&str, i64> = images.iter().map(|image| (image.id.as_str(), image.size)).collect();
    Ok(images.iter().filter_map(|image| layer(image, &sizes)).collect())
}

/// An image that says it is a layer and bears a layer's name; those that somebody made from a layer bear others.
fn layer(image: &ImageSummary, sizes: &HashMap<&str, i64>) -> Option<Layer> {
    let key = labels::filled(Some(&image.labels), labels::LAYER)?;
    let is_named = image.repo_tags.iter().any(|name| *name == reference(key));
    let below = sizes.get(image.parent_id.as_str()).copied().unwrap_or(0);
    is_named.then(|| Layer {
        key: key.to_owned(),
        created: u64::try_from(image.created).unwrap_or(0),
        size: u64::try_from(image.size - below).unwrap_or(0),
    })
}

/// Lets go of a layer; one that a machine was made from stays as long as the machine.
pub(super) fn remove(client: &Client, key: &str) -> Result<bool> {
    let removed =
        client.block(client.docker.remove_image(&reference(key), None::<RemoveImageOptions>, None))?;
    match removed {
        Err(error) if is_conflict(&error) => Ok(false),
        removed => optional(removed).map(|_| true).explain(|| format!("cannot remove layer {}", short(key))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ImageConfig;

    fn labels(pairs: &[(&str, &str)]) -> Option<Labels> {
        Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_layer_says_nothing_of_the_machine_it_was_made_in() {
        let lines = |lines: &[&str]| Some(lines.iter().map(|line| (*line).to_owned()).collect());
        let machine = ContainerConfig {
            env: lines(&["PATH=/bin", "HTTP_PROXY=http://me:secret@proxy", "container=docker"]),
            labels: labels(&[("envup.directory", "/home/me"), ("team", "web"), ("vendor", "debian")]),
            ..ContainerConfig::default()
        };
        let image = ImageConfig {
            env: lines(&["PATH=/bin"]),
            labels: labels(&[("vendor", "debian")]),
            ..ImageConfig::default()
        };
        let own = Labels::from([(labels::LAYER.to_owned(), "4be1".to_owned())]);
        let clean = without_machine(&machine, &image, own);
        assert_eq!(clean.env, lines(&["HTTP_PROXY", "container"]));
        assert_eq!(clean.labels, labels(&[("envup.directory", ""), ("team", ""), ("envup.layer", "4be1")]));
    }
}
