//! A checkout in a temporary directory whose machines live in the fake provider.

use envup::boxes::{Builder, Recipe, Store};
use envup::engine::{self, PlanOptions, Planned, Providers, Report, UpOptions, World};
use envup::envfile::{self, LoadOptions};
use envup::event::Context;
use envup::model::{Error, Result};
use envup::provider::fake::FakeProvider;
use envup::provider::{Provider, Scope};
use envup::state::{Directories, LayerRecords, Project};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Builds every box as an archive of nothing, and a disk of nothing.
struct EmptyBox;

impl Builder for EmptyBox {
    fn build(
        &self,
        recipe: &Recipe,
        _scratch: &Path,
        sink: &mut dyn Write,
        _context: &Context,
    ) -> Result<()> {
        let failed = |error| Error::failed(recipe.name()).because(error);
        let mut archive = tar::Builder::new(sink);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        archive.append_data(&mut header, "etc/", std::io::empty()).map_err(failed)?;
        archive.finish().map_err(failed)
    }

    fn build_disk(&self, recipe: &Recipe, _: &Path, scratch: &Path, _: &Context) -> Result<()> {
        let left = scratch.join("envup-disk");
        let mut image = b"QFI\xfb\0\0\0\x03".to_vec();
        image.resize(104, 0);
        let files =
            [("disk.qcow2", image.as_slice()), ("kernel", b""), ("initrd", b""), ("no-authorities", b"")];
        let write = |(name, content)| fs::write(left.join(name), content);
        let written = fs::create_dir(&left).and_then(|()| files.into_iter().try_for_each(write));
        written.map_err(|error| Error::failed(recipe.name()).because(error))
    }
}

/// A checkout, its state directories, and the engine that has its machines.
pub struct Stage {
    place: tempfile::TempDir,
    /// The engine; clones share its world.
    pub provider: FakeProvider,
}

impl Stage {
    /// An empty checkout and an engine without machines.
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("checkout")).unwrap();
        Self { place, provider: FakeProvider::new() }
    }

    /// A checkout with this Envfile.
    pub fn with(envfile: &str) -> Self {
        let stage = Self::new();
        stage.write("Envfile", envfile);
        stage
    }

    /// The directory of the Envfile.
    pub fn checkout(&self) -> PathBuf {
        self.place.path().canonicalize().unwrap().join("checkout")
    }

    /// Writes a file of the checkout.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.checkout().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the checkout.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.checkout().join(path)).unwrap()
    }

    /// Everything a verb works on, loaded afresh as each run of `env` does.
    pub fn world(&self) -> Result<World> {
        let stack = envfile::load(&self.checkout().join("Envfile"), &LoadOptions::default())?.stack;
        let directories = Directories::under(&self.place.path().join("state"));
        let adopt = || {
            let machines = self.provider.observe(Scope::Host)?.machines;
            Ok(machines.into_iter().next().map(|machine| machine.owner.id))
        };
        let project = Project::open(&directories, &self.checkout(), adopt)?;
        let layers = LayerRecords::of(&directories);
        Ok(World {
            layers,
            identity: project.identity(&stack.full_name()),
            providers: Providers(vec![Box::new(self.provider.clone())]),
            boxes: Store::open(&directories, Some(&self.checkout())).with_builder(EmptyBox),
            project,
            stack,
            program: "/nowhere/env".into(),
            runtime: directories.runtime,
        })
    }

    /// Plans.
    pub fn plan(&self, options: &PlanOptions) -> Result<Planned> {
        engine::plan(&self.world()?, options)
    }

    /// Plans and carries the plan out.
    pub fn up(&self, context: &Context) -> Result<Report> {
        let world = self.world()?;
        let planned = engine::plan(&world, &PlanOptions::default())?;
        engine::up(&world, &planned, &UpOptions::default(), context)
    }
}
