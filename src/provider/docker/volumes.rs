//! Volumes of a stack: data that outlives machines.

use super::client::Client;
use super::errors::{Explain, optional};
use super::filler;
use super::labels::{self, Kind, Labels, Notes};
use super::networks::declared_labels;
use crate::model::fields::Fields;
use crate::model::id::Identity;
use crate::model::observed::ObservedThing;
use crate::model::stack::Volume;
use crate::model::{Error, Result};
use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;

/// What plans compare.
pub(super) fn describe(volume: &Volume) -> Fields {
    let mut fields = Fields::default();
    fields.set_some("driver", volume.driver.as_deref().filter(|driver| *driver != "local"));
    for (name, value) in &volume.options {
        fields.set(format!("option.{name}"), value);
    }
    for (name, value) in labels::users(&volume.labels) {
        fields.set(format!("label.{name}"), value);
    }
    fields
}

/// A volume that exists, when it is ours; one made for a machine names it.
pub(super) fn observed(found: &bollard::models::Volume) -> Option<ObservedThing> {
    let ours = labels::ours(Some(&found.labels), &found.name)?;
    let machine = match ours.kind {
        Kind::Volume => None,
        Kind::Secrets | Kind::Configs => Some(ours.name.clone()),
        _ => return None,
    };
    let volume = Volume {
        driver: Some(found.driver.clone()),
        options: found.options.clone().into_iter().collect(),
        labels: declared_labels(Some(&found.labels), &Notes::read(Some(&found.labels))),
        ..Volume::default()
    };
    let name = match ours.kind {
        Kind::Volume => ours.name,
        kind => format!("{}.{}", ours.name, kind.as_str()),
    };
    Some(ObservedThing {
        name,
        owner: ours.owner,
        provider: super::NAME.to_owned(),
        machine,
        engine_name: found.name.clone(),
        fields: describe(&volume),
    })
}

/// Makes a volume of the stack; the one that is there already is taken.
pub(super) fn create(client: &Client, identity: &Identity, volume: &Volume) -> Result<()> {
    let name = identity.volume(&volume.name);
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        driver: volume.driver.clone(),
        driver_opts: Some(volume.options.clone().into_iter().collect()),
        labels: Some(volume_labels(identity, volume)),
        ..VolumeCreateRequest::default()
    };
    // The engine answers with the existing volume when there is one.
    let found = client
        .block(client.docker.create_volume(request))?
        .explain(|| format!("cannot create volume {}", volume.name))?;
    if labels::belongs(Some(&found.labels), &name, identity, Kind::Volume, &volume.name) {
        Ok(())
    } else {
        Err(Error::failed(format!("volume {name} exists and is not ours"))
            .hint(format!("declare it with `external = \"{name}\"` to use it as it is")))
    }
}

/// The labels of a volume of the stack.
pub(super) fn volume_labels(identity: &Identity, volume: &Volume) -> Labels {
    let mut notes = Notes::default();
    let mut all = Labels::new();
    for (label, value) in labels::users(&volume.labels) {
        notes.declare(format!("label.{label}"));
        all.insert(label.clone(), value.clone());
    }
    notes.write(&mut all);
    all.extend(labels::common(identity, "", Kind::Volume, &volume.name));
    all
}

/// Removes a volume of the stack and its data; a foreign one of that name stays. A volume that goes with a machine is
/// called `MACHINE.secrets` or `MACHINE.configs`, which no volume of an Envfile can be.
pub(super) fn remove(client: &Client, identity: &Identity, name: &str) -> Result<()> {
    let (kind, name) = match name.rsplit_once('.') {
        Some((machine, "secrets")) => (Kind::Secrets, machine),
        Some((machine, "configs")) => (Kind::Configs, machine),
        _ => (Kind::Volume, name),
    };
    client.block(remove_kind(client, identity, kind, name))?
}

/// Removes a volume of this kind, when there is one and it is ours.
pub(super) async fn remove_kind(client: &Client, identity: &Identity, kind: Kind, name: &str) -> Result<()> {
    let engine_name = kind.engine_name(identity, name);
    let what = || format!("cannot remove volume {name}");
    let found = optional(client.docker.inspect_volume(&engine_name).await).explain(what)?;
    match found {
        Some(found) if labels::belongs(Some(&found.labels), &engine_name, identity, kind, name) => {
            let remove = || client.docker.remove_volume(&engine_name, None::<RemoveVolumeOptions>);
            let mut removed = remove().await;
            if removed.as_ref().is_err_and(super::errors::is_conflict) {
                filler::clear(&client.docker, &engine_name).await.explain(what)?;
                removed = remove().await;
            }
            optional(removed).map(|_| ()).map_err(|error| {
                let ours = super::errors::explain(&error, what());
                match super::errors::is_conflict(&error) {
                    true => ours.hint("a machine that is not ours uses it: `docker ps -a --filter volume=…`"),
                    false => ours,
                }
            })
        }
        _ => Ok(()),
    }
}
