//! Names of the snapshots that each stack of a checkout had when one was made or let go here last: for completing them without asking
//! an engine. The engines have the truth; without the file nothing is completed.

use super::{Project, private_of};
use crate::model::Result;
use crate::state::{Access, Directories, write_bytes};
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "snapshots";

impl Project {
    /// Remembers which snapshots this stack has; it is meant by its full name.
    pub fn remember_snapshots(&self, stack: &str, names: &[String]) -> Result<()> {
        write_bytes(&place(&self.private, stack), Access::Private, names.join("\n").as_bytes())
    }
}

/// Names of the snapshots of a stack of the checkout in this directory, as far as they are remembered; nothing is written.
pub fn remembered_snapshots(directories: &Directories, checkout: &Path, stack: &str) -> Vec<String> {
    let file = private_of(directories, checkout).map(|private| place(&private, stack));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn place(private: &Path, stack: &str) -> PathBuf {
    private.join(DIRECTORY).join(stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_remembered_for_each_stack() {
        let place = tempfile::tempdir().unwrap();
        let directories = Directories::under(&place.path().join("data"));
        let checkout = place.path().join("checkout");
        std::fs::create_dir_all(&checkout).unwrap();
        let of = |stack: &str| remembered_snapshots(&directories, &checkout, stack);
        assert!(of("shop").is_empty());
        let project = Project::open(&directories, &checkout, || Ok(None)).unwrap();
        project.remember_snapshots("shop", &["after".to_owned(), "before".to_owned()]).unwrap();
        assert_eq!(of("shop"), ["after", "before"]);
        assert!(of("shop.test").is_empty());
        project.remember_snapshots("shop", &[]).unwrap();
        assert!(of("shop").is_empty());
    }
}
