//! Where recipes are found: beside the Envfile, where the user says, where they were installed, and in the program itself, so that
//! a lone `env` can build its box.

use super::recipe::{BOX_TOML, Origin, Recipe, flat};
use crate::model::Result;
use crate::state::Directories;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Recipes in the program: the files of each folder.
const EMBEDDED: &[&[(&str, &[u8])]] = &[&[
    (BOX_TOML, include_bytes!("../../boxes/debian-12/box.toml")),
    ("customize.sh", include_bytes!("../../boxes/debian-12/customize.sh")),
    ("vm.sh", include_bytes!("../../boxes/debian-12/vm.sh")),
    ("Dockerfile", include_bytes!("../../boxes/debian-12/Dockerfile")),
]];

/// The places to look for recipes, first to last.
#[derive(Debug, Clone, Default)]
pub struct Recipes {
    places: Vec<Origin>,
}

impl Recipes {
    /// The places for a checkout, or for none.
    pub fn new(checkout: Option<&Path>, directories: &Directories) -> Self {
        let project = checkout.map(|checkout| Origin::Project(checkout.join("boxes")));
        let installed = directories.recipes.iter().cloned().map(Origin::Installed);
        Self { places: project.into_iter().chain(installed).chain([Origin::Embedded]).collect() }
    }

    /// The first recipe of this name.
    pub fn find(&self, name: &str) -> Result<Option<Recipe>> {
        for place in &self.places {
            let found = match place {
                Origin::Project(path) | Origin::Installed(path) => {
                    let folder = path.join(flat(name));
                    if folder.join(BOX_TOML).is_file() {
                        Some(Recipe::read(&folder, place.clone())?)
                    } else {
                        None
                    }
                }
                Origin::Embedded => embedded()?.into_iter().find(|recipe| recipe.name() == name),
            };
            // `a/b-c` and `a-b/c` share a folder's name.
            if let Some(recipe) = found.filter(|recipe| recipe.name() == name) {
                return Ok(Some(recipe));
            }
        }
        Ok(None)
    }

    /// All recipes, by name; of one name, the one that would be used.
    pub fn list(&self) -> Result<Vec<Recipe>> {
        let mut found = BTreeMap::new();
        for place in &self.places {
            let recipes = match place {
                Origin::Project(path) | Origin::Installed(path) => in_directory(path, place)?,
                Origin::Embedded => embedded()?,
            };
            for recipe in recipes {
                found.entry(recipe.name().to_owned()).or_insert(recipe);
            }
        }
        Ok(found.into_values().collect())
    }
}

fn in_directory(path: &Path, origin: &Origin) -> Result<Vec<Recipe>> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).filter(|folder| folder.join(BOX_TOML).is_file());
    folders.map(|folder| Recipe::read(&folder, origin.clone())).collect()
}

fn embedded() -> Result<Vec<Recipe>> {
    let parse = |files: &&[(&str, &[u8])]| {
        let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
        Recipe::parse(files, Origin::Embedded)
    };
    EMBEDDED.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::super::recipe::tests::{MINIMAL, files};
    use super::*;
    use std::path::PathBuf;

    fn folder(root: &Path, name: &str, toml: &str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in files(toml) {
            fs::write(folder.join(name), content).unwrap();
        }
        folder
    }

    #[test]
    fn every_embedded_recipe_is_whole() {
        let recipes = embedded().unwrap();
        assert!(recipes.iter().any(|recipe| recipe.name() == "debian/12"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("boxes");
        for recipe in recipes {
            let folder = Recipe::read(&source.join(flat(recipe.name())), Origin::Embedded).unwrap();
            assert_eq!(folder.digest, recipe.digest, "files of {} are missing here", recipe.name());
        }
    }

    #[test]
    fn the_nearest_recipe_of_a_name_is_used() {
        let place = tempfile::tempdir().unwrap();
        let checkout = place.path().join("checkout");
        let mut directories = Directories::under(place.path());
        directories.recipes.push(place.path().join("named"));
        let recipes = Recipes::new(Some(&checkout), &directories);
        assert_eq!(recipes.find("tiny/1").unwrap(), None);
        assert_eq!(recipes.find("debian/12").unwrap().unwrap().origin, Origin::Embedded);

        folder(&place.path().join("named"), "tiny-1", MINIMAL);
        assert!(matches!(recipes.find("tiny/1").unwrap().unwrap().origin, Origin::Installed(_)));
        folder(&checkout.join("boxes"), "tiny-1", MINIMAL);
        assert!(matches!(recipes.find("tiny/1").unwrap().unwrap().origin, Origin::Project(_)));
        assert_eq!(recipes.find("tiny-1").unwrap(), None);

        let names: Vec<_> = recipes.list().unwrap().iter().map(|recipe| recipe.name().to_owned()).collect();
        assert_eq!(names, ["debian/12", "tiny/1"]);
    }

    #[test]
    fn a_broken_recipe_is_an_error_that_names_it() {
        let place = tempfile::tempdir().unwrap();
        folder(&place.path().join("boxes"), "tiny-1", "format = 1");
        let recipes = Recipes::new(Some(place.path()), &Directories::under(place.path()));
        assert!(recipes.find("tiny/1").unwrap_err().message.ends_with("boxes/tiny-1"));
    }
}
