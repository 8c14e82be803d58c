//! Remembers that files of the store were read and found as their digests say, so that they are not read again while they look
//! untouched. Reading them is their owner's business.

use super::meta::look;
use crate::model::Result;
use crate::state::{Access, write_bytes};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the file that says how the files looked when they were verified last.
const VERIFIED: &str = "verified";

/// Verifies these files of a directory, unless they look as they did when that was done last.
pub(super) fn unless_untouched(
    directory: &Path,
    files: &[PathBuf],
    verify: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let looks = look_of(files);
    if looks.is_some() && fs::read_to_string(directory.join(VERIFIED)).ok() == looks {
        return Ok(());
    }
    verify()?;
    mark(directory, files);
    Ok(())
}

/// Remembers that the files as they lie there now are as their digests say. Not being able to only costs time later.
pub(super) fn mark(directory: &Path, files: &[PathBuf]) {
    if let Some(looks) = look_of(files) {
        let _ = write_bytes(&directory.join(VERIFIED), Access::Shared, looks.as_bytes());
    }
}

fn look_of(files: &[PathBuf]) -> Option<String> {
    files.iter().map(|file| look(file)).collect()
}
