//! Volumes of a stack: disks in the pool that outlive machines. What libvirt does not keep of a volume, whose it is and what was
//! asked for, lies as labels in a small volume beside it.
//!
//! Only one machine can have such a disk. It is formatted, filled and mounted inside the machine: see [`mounts`](crate::mounts).

use crate::labels::{Kind, Labels};
use crate::trouble::Explain;
use crate::{pool, provider};
use envup::event::Context;
use envup::model::digest::{sha256, short};
use envup::model::fields::Fields;
use envup::model::id::Identity;
use envup::model::machine::Machine;
use envup::model::observed::ObservedThing;
use envup::model::stack::{Stack, Volume};
use envup::model::{Error, Result};
use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

/// How the names of the disk and of its labels end. No machine has a dot in its name.
const DISK: &str = ".volume.qcow2";
const LABELS: &str = ".volume.json";

/// How much goes onto one; it takes as much room as is written to it.
const LENGTH: u64 = 16 << 30;

/// The disk's name in the pool.
pub fn disk(identity: &Identity, name: &str) -> String {
    format!("{}{DISK}", identity.volume(name))
}

/// By which a machine knows the disk among its others.
pub fn serial(disk: &str) -> String {
    short(&sha256(disk.as_bytes())).to_owned()
}

/// Fails when a machine asks of volumes what cannot be.
pub fn check(stack: &Stack, machine: &Machine) -> Result<()> {
    for name in machine.volumes.iter().filter_map(|mount| mount.volume.as_ref()) {
        let uses = |other: &&Machine| other.volumes.iter().any(|mount| mount.volume.as_ref() == Some(name));
        let mut others = stack.machines.values().filter(|other| other.name != machine.name);
        if let Some(other) = others.find(uses) {
            return Err(Error::usage(format!(
                "{} and {} both use the volume {name}",
                machine.name, other.name
            ))
            .hint("a VM's volume is a disk, which only one machine can have: give each its own"));
        }
        if let Some(external) = stack.volumes.get(name).and_then(|volume| volume.external.as_ref()) {
            return Err(Error::usage(format!(
                "{} is a VM, which cannot use the external volume {external}",
                machine.name
            ))
            .hint("VMs use volumes of their stack"));
        }
    }
    Ok(())
}

/// What plans compare.
pub fn describe(volume: &Volume) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in &volume.labels {
        fields.set(format!("label.{name}"), value);
    }
    fields
}

/// Makes a volume; the one that is there already is taken. The labels come first, so that whatever is there is known to be ours.
pub fn create(
    connection: &Connect,
    identity: &Identity,
    volume: &Volume,
    context: &Context,
) -> Result<StorageVol> {
    if volume.driver.is_some() || !volume.options.is_empty() {
        return Err(Error::usage(format!(
            "volume {} is a VM's, which has neither `driver` nor `options`",
            volume.name
        ))
        .hint("leave them out"));
    }
    let pool = pool::open(connection)?;
    let (disk, beside) = (disk(identity, &volume.name), beside(identity, &volume.name));
    match labels(connection, &pool, &beside)? {
        Some(found) if found.is_of(identity) => {}
        Some(_) => {
            return Err(Error::failed(format!("libvirt has a volume {disk} that is not of this stack"))
                .hint("use another `name` for the stack"));
        }
        None => {
            let mut labels = Labels::new(identity, identity.environment(), Kind::Volume, &volume.name);
            labels.asked = describe(volume).0;
            let text = labels.to_json();
            let what = format!("making volume {}", volume.name);
            pool::write(connection, &pool, &beside, &mut text.as_bytes(), text.len() as u64, &what, context)?;
        }
    }
    match pool::volume(&pool, &disk)? {
        Some(found) => Ok(found),
        None => StorageVol::create_xml(&pool, &pool::disk(&disk, LENGTH, None), 0)
            .explain(|| format!("cannot make volume {}", volume.name)),
    }
}

fn beside(identity: &Identity, name: &str) -> String {
    format!("{}{LABELS}", identity.volume(name))
}

/// The labels of a volume; `None` when there are none that fit its name.
fn labels(connection: &Connect, pool: &StoragePool, beside: &str) -> Result<Option<Labels>> {
    let Some(found) = pool::volume(pool, beside)? else { return Ok(None) };
    let text = pool::read(connection, &found)?;
    let text = String::from_utf8_lossy(&text);
    let name = beside.strip_suffix(LABELS).unwrap_or(beside);
    Ok(Labels::from_json(&text, name).filter(|labels| labels.kind == Kind::Volume))
}

/// Removes a volume and its data; a foreign one of that name stays.
pub fn remove(connection: &Connect, identity: &Identity, name: &str) -> Result<()> {
    let Some(pool) = pool::find(connection)? else { return Ok(()) };
    let beside = beside(identity, name);
    if labels(connection, &pool, &beside)?.is_some_and(|labels| labels.is_of(identity)) {
        pool::remove(&pool, &disk(identity, name))?;
        pool::remove(&pool, &beside)?;
    }
    Ok(())
}

/// All that are ours.
pub fn observe(connection: &Connect) -> Result<Vec<ObservedThing>> {
    let Some(pool) = pool::find(connection)? else { return Ok(Vec::new()) };
    let mut volumes = Vec::new();
    for beside in pool::names(&pool)?.iter().filter(|name| name.ends_with(LABELS)) {
        let Some(labels) = labels(connection, &pool, beside)? else { continue };
        volumes.push(ObservedThing {
            owner: labels.owner(),
            provider: provider::NAME.to_owned(),
            machine: None,
            engine_name: format!("{}{DISK}", beside.strip_suffix(LABELS).unwrap_or(beside)),
            fields: Fields(labels.asked),
            name: labels.name,
        });
    }
    Ok(volumes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup::model::machine::{BoxSource, Source, VolumeMount};
    use std::path::Path;

    #[test]
    fn a_volume_of_two_machines_is_refused() {
        let mount =
            |name: &str| VolumeMount { volume: Some(name.into()), path: "/data".into(), read_only: true };
        let mut stack = Stack::undeclared("shop", "dev", Path::new("/"));
        for (name, volume) in [("db", "data"), ("web", "files")] {
            let mut machine = Machine::new(name, Source::Box(BoxSource::Named("debian/12".into())));
            machine.volumes.push(mount(volume));
            stack.machines.insert(name.into(), machine);
        }
        let check_all = |stack: &Stack| stack.machines.values().try_for_each(|machine| check(stack, machine));
        check_all(&stack).unwrap();
        stack.machines.get_mut("web").unwrap().volumes.push(mount("data"));
        let refused = check_all(&stack).unwrap_err();
        assert!(refused.message.contains("db and web both use the volume data"), "{refused:?}");
    }
}
