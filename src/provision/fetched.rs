//! What steps need from elsewhere, such as roles of a Galaxy: fetched once for each content of the file that names it, and kept with
//! what can be fetched again. It is there whole or not at all.

use super::Workshop;
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::digest::{sha256, short};
use crate::model::error::Attempt;
use crate::model::step::Step;
use crate::state::{Lock, Wait};
use std::fs;
use std::path::{Path, PathBuf};

/// The directory with what `text` names for this kind of tool. When it is not there, `fetch` fills an empty one for it.
pub fn fetched(
    step: &Step,
    kind: &str,
    text: &[u8],
    workshop: &Workshop<'_>,
    context: &Context,
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let kept = workshop.kept.join(kind);
    let directory = kept.join(short(&sha256(text)));
    if directory.is_dir() {
        return Ok(directory);
    }
    let what = format!("fetching what step {} requires", step.name);
    fs::create_dir_all(&kept).attempt(|| format!("cannot make {}", kept.display()))?;
    let _lock = Lock::acquire(&kept.join("lock"), &format!("env, {what}"), Wait::Yes, context)?;
    // Somebody else may have fetched it while we waited.
    if directory.is_dir() {
        return Ok(directory);
    }
    context.emit(Event::Doing { machine: None, what });
    let partial =
        tempfile::tempdir_in(&kept).attempt(|| format!("cannot make a directory in {}", kept.display()))?;
    fetch(partial.path())?;
    fs::rename(partial.path(), &directory).attempt(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}
