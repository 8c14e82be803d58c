//! The disks of boxes in the store: found, made under a lock of their own, renamed into place whole.

use super::super::cannot_write;
use super::super::disk::{BoxDisk, DISK};
use super::super::disk_build::{LEFT, made_by};
use super::super::incoming::Scratch;
use super::super::meta::BoxFile;
use super::super::recipe::Recipe;
use super::{BUILDING, Store, key_of, split};
use crate::event::Context;
use crate::model::machine::BoxSource;
use crate::model::{Error, Result};
use crate::state::sync_directory;
use std::fs;

impl Store {
    /// The disk of the box that a machine starts from, if it is kept and of today's recipe.
    pub fn find_disk(&self, source: &BoxSource) -> Result<Option<BoxDisk>> {
        let Some(found) = self.find(source)? else { return Ok(None) };
        let recipe = self.recipe_of(source)?;
        Ok(BoxDisk::of(&found)
            .filter(|disk| recipe.is_none_or(|recipe| disk.meta.recipe == made_by(&recipe))))
    }

    /// The same, made when it is not kept, and verified.
    pub fn ensure_disk(&self, source: &BoxSource, context: &Context) -> Result<BoxDisk> {
        if let Some(disk) = self.find_disk(source)? {
            return disk.verify_if_touched(context).map(|()| disk);
        }
        let found = self.ensure(source, context)?;
        let recipe = self.recipe_of(source)?.filter(|recipe| recipe.definition.vm.is_some());
        let recipe = recipe.ok_or_else(|| {
            Error::usage(format!("no VM can be made from the box {}", found.title()))
                .hint("its recipe has no [vm], or it was fetched: boxes/README.md says what a VM needs")
        })?;
        let key = format!("{}-disk", key_of(&recipe));
        let _lock = self.lock(&key, &format!("env box build --vm {}", recipe.name()), context)?;
        match self.find_disk(source)? {
            Some(made_meanwhile) => Ok(made_meanwhile),
            None => self.build_disk_locked(&key, &recipe, &found, context),
        }
    }

    /// Makes the disk of a box even when there is one.
    pub fn build_disk(&self, recipe: &Recipe, found: &BoxFile, context: &Context) -> Result<BoxDisk> {
        let key = format!("{}-disk", key_of(recipe));
        let _lock = self.lock(&key, &format!("env box build --vm {}", recipe.name()), context)?;
        self.build_disk_locked(&key, recipe, found, context)
    }

    fn recipe_of(&self, source: &BoxSource) -> Result<Option<Recipe>> {
        match source {
            BoxSource::Named(name) => self.recipes.find(split(name).0),
            BoxSource::Url { .. } => Ok(None),
        }
    }

    fn build_disk_locked(
        &self,
        key: &str,
        recipe: &Recipe,
        found: &BoxFile,
        context: &Context,
    ) -> Result<BoxDisk> {
        let scratch = Scratch::create(self.root.join(BUILDING).join(key))?;
        self.tell_origin(recipe, context);
        self.builder.build_disk(recipe, &found.path, scratch.path(), context)?;
        let left = scratch.path().join(LEFT);
        BoxDisk::describe(&left, &made_by(recipe), context)?;
        let place = found.directory().join(DISK);
        let failed = |error| cannot_write(&place, error);
        if place.exists() {
            fs::rename(&place, scratch.path().join("former")).map_err(failed)?;
        }
        fs::rename(&left, &place).map_err(failed)?;
        sync_directory(found.directory())?;
        let disk = BoxDisk::of(found)
            .ok_or_else(|| Error::failed(format!("the disk in {} is damaged", place.display())))?;
        disk.mark_verified();
        Ok(disk)
    }
}
