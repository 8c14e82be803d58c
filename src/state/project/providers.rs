//! Which providers the stacks of a checkout have used: they are asked what exists also when its Envfile names them no more. A file for
//! each in the checkout's private directory; without it only time is saved or lost, because the engines have the truth.

use super::{Project, private_of};
use crate::model::Result;
use crate::model::error::Attempt;
use crate::state::{Access, Directories, write_bytes};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "providers";

impl Project {
    /// Remembers that something of this stack may be there; it is meant by its full name.
    pub fn remember_provider(&self, stack: &str, provider: &str) -> Result<()> {
        if self.remembers_provider(stack, provider) {
            return Ok(());
        }
        write_bytes(&place(&self.private, stack).join(provider), Access::Private, b"")
    }

    /// Whether something of this stack may be there.
    pub fn remembers_provider(&self, stack: &str, provider: &str) -> bool {
        place(&self.private, stack).join(provider).exists()
    }

    /// Forgets them: nothing of this stack is anywhere any more.
    pub fn forget_providers(&self, stack: &str) -> Result<()> {
        let directory = place(&self.private, stack);
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.attempt(|| format!("cannot remove {}", directory.display())),
        }
    }
}

/// Whether a stack of the checkout in this directory may have something there, as far as is recorded; nothing is written.
pub fn provider_is_remembered(
    directories: &Directories,
    checkout: &Path,
    stack: &str,
    provider: &str,
) -> bool {
    private_of(directories, checkout).is_some_and(|private| place(&private, stack).join(provider).exists())
}

fn place(private: &Path, stack: &str) -> PathBuf {
    private.join(DIRECTORY).join(stack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn each_stack_of_a_checkout_has_its_own() {
        let place = tempfile::tempdir().unwrap();
        let directories = Directories::under(&place.path().join("data"));
        let checkout = place.path().join("shop");
        fs::create_dir(&checkout).unwrap();
        let known = |stack: &str| provider_is_remembered(&directories, &checkout, stack, "libvirt");
        assert!(!known("shop"));
        let project = Project::open(&directories, &checkout, || Ok(None)).unwrap();
        for stack in ["shop", "shop.test"] {
            project.remember_provider(stack, "libvirt").unwrap();
            project.remember_provider(stack, "libvirt").unwrap();
        }
        project.forget_providers("shop").unwrap();
        project.forget_providers("shop").unwrap();
        assert!(!known("shop") && known("shop.test") && project.remembers_provider("shop.test", "libvirt"));
        assert!(!provider_is_remembered(&directories, Path::new("/nonexistent"), "shop", "libvirt"));
    }
}
