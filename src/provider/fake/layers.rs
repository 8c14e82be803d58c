//! Layers of the fake engine, where a test wishes that it keeps any: copies of the disks of machines under construction.

use super::FakeProvider;
use super::world::{Disk, World};
use crate::event::Context;
use crate::model::id::Identity;
use crate::model::layer::Layer;
use crate::model::observed::State;
use crate::model::{Error, Result};
use crate::provider::Layers;
use crate::state::now;

/// What each takes.
const SIZE: u64 = 1 << 30;

/// A layer and what is on its disk.
pub struct Kept {
    layer: Layer,
    disk: Disk,
}

impl FakeProvider {
    /// From now on it keeps layers.
    pub fn keep_layers(&self) {
        self.world().layers.get_or_insert_default();
    }

    /// As if all layers had been made so many seconds earlier.
    pub fn age_layers(&self, seconds: u64) {
        for kept in self.world().layers.iter_mut().flatten() {
            kept.layer.created -= seconds;
        }
    }
}

impl World {
    /// What is on the disk of a layer.
    pub fn disk_of_layer(&self, key: &str) -> Result<Disk> {
        let kept = self.layers.iter().flatten().find(|kept| kept.layer.key == key);
        let disk = kept.map(|kept| kept.disk.clone()).ok_or_else(|| Error::failed("no such layer"))?;
        Ok(Disk { layer: Some(key.to_owned()), ..disk })
    }
}

impl Layers for FakeProvider {
    fn save(&self, _identity: &Identity, machine: &str, key: &str, context: &Context) -> Result<()> {
        self.begin(&format!("keep disk of {machine}"), context)?;
        let mut world = self.world();
        let observed = world.existing(machine)?;
        if observed.state == State::Running || observed.construction.is_none() {
            return Err(Error::failed(format!("machine {machine} is not under construction and stopped")));
        }
        let disk = world.disk(machine)?.clone();
        let kept = world.layers.get_or_insert_default();
        kept.retain(|kept| kept.layer.key != key);
        // In the order in which they were made, however fast.
        let after = kept.iter().map(|kept| kept.layer.created + 1).max().unwrap_or_default();
        let layer = Layer { key: key.to_owned(), created: now().max(after), size: SIZE };
        kept.push(Kept { layer, disk });
        Ok(())
    }

    fn list(&self) -> Result<Vec<Layer>> {
        Ok(self.world().layers.iter().flatten().map(|kept| kept.layer.clone()).collect())
    }

    fn remove(&self, key: &str) -> Result<bool> {
        let mut world = self.world();
        let is_used = world.observed.machines.iter().any(|machine| {
            let disk = world.disks.get(&machine.engine_id);
            disk.is_some_and(|disk| disk.layer.as_deref() == Some(key))
        });
        if !is_used {
            world.layers.get_or_insert_default().retain(|kept| kept.layer.key != key);
        }
        Ok(!is_used)
    }
}
