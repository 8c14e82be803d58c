//! Boxes: named, versioned, checksummed base images, and the recipes they are built from.
//!
//! [`Store::ensure`] gives a box as a file: the one that is kept, or one built or fetched now, once however many processes ask.
//! [`Store::ensure_disk`] gives its other form, the disk of a VM. Putting it into an engine is a provider's business; a provider is never used here.

mod apt;
mod build;
mod disk;
mod disk_build;
mod fetch;
mod incoming;
mod meta;
mod qcow2;
mod recipe;
mod recipes;
mod store;
mod verified;

pub use build::{Builder, Mmdebstrap};
pub use disk::BoxDisk;
pub use meta::{BoxFile, Made};
pub use recipe::{Origin, Recipe};
pub use recipes::Recipes;
pub use store::{Resolution, Store};

use crate::model::Error;
use std::io::ErrorKind;
use std::path::Path;

/// A failure to write in the store, with the way out when the disk is full.
fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let failure = Error::failed(format!("cannot write {}", path.display())).because(error);
    if full {
        failure
            .hint("make room on that disk: `env box list` shows the boxes, `env box remove` lets go of one")
    } else {
        failure
    }
}
