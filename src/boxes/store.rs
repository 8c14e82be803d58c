//! The store of boxes in the user's data directory: `boxes/NAME/VERSION/SHA256/`, each with its archive and `box.json`.
//!
//! A box is made in a directory of its own and renamed into place whole, under a lock of its own: it is there or it is not, and two
//! processes that need it make it once. What cannot be read counts as absent.

use super::build::{Builder, Mmdebstrap};
use super::cannot_write;
use super::fetch::fetch;
use super::incoming::{Arrived, Incoming, Scratch};
use super::meta::{BoxFile, Made, Meta, architecture};
use super::recipe::{Origin, Recipe, flat, is_name};
use super::recipes::Recipes;
use crate::event::{Context, Event};
use crate::model::digest::short;
use crate::model::error::Attempt;
use crate::model::machine::BoxSource;
use crate::model::{Error, Result};
use crate::state::{Directories, Lock, Wait, sync_directory};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Boxes in the making, below the root.
const BUILDING: &str = ".building";

/// Locks of boxes in the making, below the root.
const LOCKS: &str = ".locks";

/// All boxes of this user, and how to get more.
pub struct Store {
    root: PathBuf,
    recipes: Recipes,
    builder: Box<dyn Builder>,
}

/// What has to be done to have a box.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// Nothing: it is kept.
    Stored(BoxFile),
    /// It must be built.
    Build(Box<Recipe>),
    /// It must be fetched.
    Fetch {
        /// Where it is.
        url: String,
        /// Its digest.
        sha256: String,
    },
}

impl Store {
    /// The store in these directories; `checkout` may bring recipes of its own.
    pub fn open(directories: &Directories, checkout: Option<&Path>) -> Self {
        Self {
            root: directories.data.join("boxes"),
            recipes: Recipes::new(checkout, directories),
            builder: Box::new(Mmdebstrap::default()),
        }
    }

    /// The same, with boxes built in another way.
    #[must_use]
    pub fn with_builder(self, builder: impl Builder + 'static) -> Self {
        Self { builder: Box::new(builder), ..self }
    }

    /// The recipes that boxes can be built from.
    pub fn recipes(&self) -> &Recipes {
        &self.recipes
    }

    /// All boxes, by name, the newest of a name first.
    pub fn list(&self) -> Vec<BoxFile> {
        let visible = |entry: &walkdir::DirEntry| !entry.file_name().to_string_lossy().starts_with('.');
        let entries = WalkDir::new(&self.root).min_depth(1).max_depth(3).into_iter().filter_entry(visible);
        let folders = entries.flatten().filter(|entry| entry.depth() == 3);
        let mut boxes: Vec<_> = folders.filter_map(|entry| BoxFile::read(entry.path())).collect();
        boxes.sort_by(|a, b| a.meta.name.cmp(&b.meta.name).then(b.meta.created.cmp(&a.meta.created)));
        boxes
    }

    /// The newest box for this host of a name, `NAME` or `NAME@VERSION`, or the one with a digest that begins so.
    pub fn get(&self, name: &str) -> Option<BoxFile> {
        let (plain, version) = split(name);
        let fits = |found: &BoxFile| {
            let named =
                found.meta.name == plain && version.is_none_or(|version| found.meta.version == version);
            named || name.len() >= 6 && found.meta.sha256.starts_with(name)
        };
        self.list().into_iter().find(|found| found.meta.architecture == architecture() && fits(found))
    }

    /// What has to be done to have the box that a machine starts from.
    pub fn resolve(&self, source: &BoxSource) -> Result<Resolution> {
        let name = match source {
            BoxSource::Named(name) => name,
            BoxSource::Url { url, sha256 } => {
                let sha256 = sha256.to_lowercase();
                let stored = self.list().into_iter().find(|found| found.meta.sha256 == sha256);
                return Ok(
                    stored.map_or_else(|| Resolution::Fetch { url: url.clone(), sha256 }, Resolution::Stored)
                );
            }
        };
        let (plain, version) = split(name);
        let recipe = self.recipes.find(plain)?;
        match recipe.filter(|recipe| version.is_none_or(|version| recipe.definition.version == version)) {
            Some(recipe) => Ok(self
                .built_from(&recipe)
                .map_or_else(|| Resolution::Build(Box::new(recipe)), Resolution::Stored)),
            None => self.get(name).map(Resolution::Stored).ok_or_else(|| self.unknown(name)),
        }
    }

    /// The recipe that the checkout itself brings for this box, if it does.
    pub fn recipe_of_checkout(&self, source: &BoxSource) -> Result<Option<Recipe>> {
        let BoxSource::Named(name) = source else { return Ok(None) };
        let recipe = self.recipes.find(split(name).0)?;
        Ok(recipe.filter(|recipe| matches!(recipe.origin, Origin::Project(_))))
    }

    /// The box that a machine starts from, if it is kept.
    pub fn find(&self, source: &BoxSource) -> Result<Option<BoxFile>> {
        Ok(match self.resolve(source)? {
            Resolution::Stored(found) => Some(found),
            Resolution::Build(_) | Resolution::Fetch { .. } => None,
        })
    }

    /// The same, built or fetched when it is not kept, and verified.
    pub fn ensure(&self, source: &BoxSource, context: &Context) -> Result<BoxFile> {
        match self.resolve(source)? {
            Resolution::Stored(found) => found.verify_if_touched(context).map(|()| found),
            Resolution::Build(recipe) => {
                let key = key_of(&recipe);
                let _lock = self.lock(&key, &format!("env box build {}", recipe.name()), context)?;
                match self.built_from(&recipe) {
                    Some(made_meanwhile) => Ok(made_meanwhile),
                    None => self.build_locked(&key, &recipe, context),
                }
            }
            Resolution::Fetch { url, sha256 } => {
                let key = format!("fetched-{}", short(&sha256));
                let _lock = self.lock(&key, &format!("fetching {url}"), context)?;
                match self.resolve(source)? {
                    Resolution::Stored(fetched_meanwhile) => Ok(fetched_meanwhile),
                    _ => self.fetch_locked(&key, &url, &sha256, context),
                }
            }
        }
    }

    /// Builds a box even when one of this recipe is kept.
    pub fn build(&self, recipe: &Recipe, context: &Context) -> Result<BoxFile> {
        let key = key_of(recipe);
        let _lock = self.lock(&key, &format!("env box build {}", recipe.name()), context)?;
        self.build_locked(&key, recipe, context)
    }

    /// Lets go of a box. Machines made from it stay.
    pub fn remove(&self, found: &BoxFile) -> Result<()> {
        let attempt = || format!("cannot remove the box {}", found.title());
        // Out of sight at once: half a box must never be seen.
        let away =
            Scratch::create(self.root.join(BUILDING).join(format!("removed-{}", short(&found.meta.sha256))))?;
        fs::rename(found.directory(), away.path().join("box")).attempt(attempt)?;
        for above in found.directory().ancestors().skip(1).take_while(|above| *above != self.root) {
            if fs::remove_dir(above).is_err() {
                break; // other boxes are in it
            }
        }
        Ok(())
    }

    /// Removes what killed processes left half-made.
    pub fn sweep(&self) {
        for entry in fs::read_dir(self.root.join(BUILDING)).into_iter().flatten().flatten() {
            let lock = self.lock_path(&entry.file_name().to_string_lossy());
            if Lock::acquire(&lock, "env prune", Wait::No, &Context::silent()).is_ok() {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn built_from(&self, recipe: &Recipe) -> Option<BoxFile> {
        let boxes = self.list().into_iter();
        boxes
            .filter(|found| found.meta.architecture == architecture())
            .find(|found| found.meta.name == recipe.name() && found.meta.is_from(&recipe.digest))
    }

    fn lock(&self, key: &str, command: &str, context: &Context) -> Result<Lock> {
        self.sweep();
        Lock::acquire(&self.lock_path(key), command, Wait::Yes, context)
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        self.root.join(LOCKS).join(format!("{key}.lock"))
    }

    /// Says whose recipe it is, when it may not be the one that its name is known for.
    fn tell_origin(&self, recipe: &Recipe, context: &Context) {
        if let Origin::Project(boxes) | Origin::Installed(boxes) = &recipe.origin {
            let folder = boxes.join(flat(recipe.name()));
            context
                .emit(Event::Note { text: format!("building {} from {}", recipe.name(), folder.display()) });
        }
    }

    fn build_locked(&self, key: &str, recipe: &Recipe, context: &Context) -> Result<BoxFile> {
        let scratch = Scratch::create(self.root.join(BUILDING).join(key))?;
        let mut incoming = Incoming::create(scratch.path().join("incoming"))?;
        self.tell_origin(recipe, context);
        self.builder.build(recipe, scratch.path(), &mut incoming, context)?;
        let arrived = incoming
            .finish()
            .map_err(|error| error.context(format!("cannot build box {}", recipe.name())))?;
        let made = Made::Built { recipes: vec![recipe.digest.clone()] };
        self.keep(&scratch, recipe.name(), &recipe.definition.version, &arrived, made)
    }

    fn fetch_locked(&self, key: &str, url: &str, sha256: &str, context: &Context) -> Result<BoxFile> {
        let scratch = Scratch::create(self.root.join(BUILDING).join(key))?;
        let mut incoming = Incoming::create(scratch.path().join("incoming"))?;
        fetch(url, &mut incoming, context)?;
        let found = incoming.digest();
        if found != sha256 {
            return Err(Error::failed(format!("{url} is not the box that was asked for"))
                .detail(format!("expected sha256 {sha256}\nfound    sha256 {found}"))
                .hint("the file changed at its source, or `sha256` in the Envfile is another file's: find out which"));
        }
        let arrived =
            incoming.finish().map_err(|error| error.context(format!("cannot use {url} as a box")))?;
        let made = Made::Fetched { url: url.to_owned() };
        self.keep(&scratch, &name_of_url(url), short(sha256), &arrived, made)
    }

    /// Puts a box that has arrived into its place.
    fn keep(
        &self,
        scratch: &Scratch,
        name: &str,
        version: &str,
        arrived: &Arrived,
        made: Made,
    ) -> Result<BoxFile> {
        let mut meta = Meta::new(name, version, arrived.name, &arrived.sha256, arrived.size, made);
        let place = self.root.join(meta.place());
        if let Some(same) = BoxFile::read(&place) {
            // A changed recipe that changes nothing: the box is both recipes'.
            if let (Made::Built { recipes }, Made::Built { recipes: known }) =
                (&mut meta.made, same.meta.made)
            {
                recipes.extend(known);
                recipes.sort();
                recipes.dedup();
            }
            meta.write(&place)?;
        } else {
            let whole = scratch.path().join("box");
            let failed = |error| cannot_write(&place, error);
            fs::create_dir(&whole).map_err(failed)?;
            fs::rename(scratch.path().join("incoming"), whole.join(arrived.name)).map_err(failed)?;
            meta.write(&whole)?;
            let above = place.parent().unwrap_or(&self.root);
            fs::create_dir_all(above).map_err(failed)?;
            if place.exists() {
                fs::rename(&place, scratch.path().join("damaged")).map_err(failed)?;
            }
            fs::rename(&whole, &place).map_err(failed)?;
            sync_directory(above)?;
        }
        let kept = BoxFile::read(&place)
            .ok_or_else(|| Error::failed(format!("the box in {} is damaged", place.display())))?;
        kept.mark_verified();
        Ok(kept)
    }

    fn unknown(&self, name: &str) -> Error {
        let error = Error::usage(format!("there is no box {name}"));
        let mut known: Vec<String> =
            self.recipes.list().unwrap_or_default().iter().map(|recipe| recipe.name().to_owned()).collect();
        let is_new = |stored: &&BoxFile| !known.contains(&stored.meta.name);
        known.extend(self.list().iter().filter(is_new).map(BoxFile::title).collect::<Vec<_>>());
        let (plain, _) = split(name);
        if !is_name(plain) {
            return error.hint("a box is named like `debian/12`");
        }
        error.hint(format!("known boxes: {}", known.join(", "))).hint(format!(
            "for a box of your own put a recipe into boxes/{} beside the Envfile, or give `url` and `sha256`",
            flat(plain)
        ))
    }
}

fn key_of(recipe: &Recipe) -> String {
    format!("{}-{}", flat(recipe.name()), short(&recipe.digest))
}

/// `NAME@VERSION`.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

/// A fetched box is named by its file, up to what says how it is packed.
fn name_of_url(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_lowercase();
    let stem = file.split(".tar").next().unwrap_or_default().trim_end_matches(".tgz");
    let plain: String = stem.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
    let plain = plain.trim_matches(['.', '-']);
    if plain.is_empty() { "fetched".to_owned() } else { plain.to_owned() }
}

mod disks;
#[cfg(test)]
mod tests;
