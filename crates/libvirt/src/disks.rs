//! The files of one machine in the pool: its disk, above its box's or a layer's, and its initrd.

use crate::boxes::BoxVolumes;
use crate::{layers, pool};
use envup::model::{Error, Result};
use envup::provider::NewMachine;
use virt::connect::Connect;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;

/// The name of a machine's disk.
pub fn disk(engine_name: &str) -> String {
    format!("{engine_name}.qcow2")
}

/// The name of its initrd, which holds what it is given.
pub fn initrd(engine_name: &str) -> String {
    format!("{engine_name}.initrd")
}

/// Makes the disk of a new machine. One under construction has its disk where a layer can be made of it.
pub fn make(
    connection: &Connect,
    pool: &StoragePool,
    engine_name: &str,
    instance: &str,
    new: &NewMachine<'_>,
) -> Result<StorageVol> {
    layers::clear(pool, engine_name)?;
    let name = match new.construction {
        Some(_) => layers::disk(engine_name, instance),
        None => disk(engine_name),
    };
    let length = new.machine.disk.map(|size| size.0);
    let Some(key) = new.layer else {
        return pool::overlay(connection, pool, &name, &BoxVolumes::of(new.image).disk(), length);
    };
    let removed = || {
        Error::failed(format!("the layer that {} starts from was removed meanwhile", new.machine.name))
            .hint("run it again")
    };
    let base = layers::find(pool, key)?.ok_or_else(removed)?;
    let made = pool::overlay(connection, pool, &name, &base, length)?;
    // Who removes a layer looks for machines on it after nobody finds it any more: one of us two sees the other.
    match layers::find(pool, key)? {
        Some(_) => Ok(made),
        None => {
            pool::remove(pool, &name)?;
            Err(removed())
        }
    }
}

/// Removes all files of a machine, and what a killed run left of it.
pub fn remove(pool: &StoragePool, engine_name: &str) -> Result<()> {
    for name in [disk(engine_name), initrd(engine_name)] {
        pool::remove(pool, &name)?;
    }
    layers::clear(pool, engine_name)?;
    layers::sweep(pool).map(drop)
}
