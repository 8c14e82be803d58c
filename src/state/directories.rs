//! Where our files lie on this host, by the user's own conventions. The one place that asks for them.

use crate::model::{Error, Result};
use std::path::{Path, PathBuf};

/// Names a directory that takes everything, instead of the user's own directories.
pub const DATA_DIR_VARIABLE: &str = "ENVUP_DATA_DIR";

/// Names directories with recipes of boxes, separated by `:`.
pub const BOXES_VARIABLE: &str = "ENVUP_BOXES";

/// Our directories; none of them need exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// What must not be lost: keys, consents, boxes.
    pub data: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// What the user wrote.
    pub config: PathBuf,
    /// What ends with the session: sockets.
    pub runtime: PathBuf,
    /// Where recipes of boxes may lie besides the checkout, in order.
    pub recipes: Vec<PathBuf>,
}

impl Directories {
    /// As the environment says.
    #[allow(clippy::disallowed_methods)] // state is where the environment is read
    pub fn from_environment() -> Result<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let mut directories = match set(DATA_DIR_VARIABLE) {
            Some(root) => Self::under(&std::path::absolute(&root).unwrap_or_else(|_| root.into())),
            None => Self::of_user().ok_or_else(|| {
                Error::failed("cannot tell where your data directory is")
                    .hint(format!("set HOME, or {DATA_DIR_VARIABLE} to a directory for envup's files"))
            })?,
        };
        if let Some(paths) = set(BOXES_VARIABLE) {
            directories.recipes.extend(std::env::split_paths(&paths).filter(|path| path.is_absolute()));
        }
        directories.recipes.extend(installed_recipes());
        Ok(directories)
    }

    /// Everything under one directory.
    pub fn under(root: &Path) -> Self {
        Self {
            data: root.to_owned(),
            cache: root.join("cache"),
            config: root.join("config"),
            runtime: root.join("run"),
            recipes: Vec::new(),
        }
    }

    fn of_user() -> Option<Self> {
        let own = |path: PathBuf| path.join("envup");
        let cache = own(dirs::cache_dir()?);
        Some(Self {
            data: own(dirs::data_dir()?),
            config: own(dirs::config_dir()?),
            runtime: dirs::runtime_dir().map_or_else(|| cache.join("run"), own),
            cache,
            recipes: Vec::new(),
        })
    }
}

/// Where a program is: below a directory of PATH, or where its path says.
#[allow(clippy::disallowed_methods)] // state is where the environment is read
pub fn find_program(program: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Joining an absolute path gives that path.
    let mut places = std::env::split_paths(&path).map(|place| place.join(program));
    places.find(|place| place.is_file())
}

/// Recipes that were installed beside the program: `…/bin/env` and `…/share/envup/boxes`.
fn installed_recipes() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    Some(program.parent()?.parent()?.join("share/envup/boxes"))
}
