//! Which checkout this is: the random id that the names and labels of its machines are made from.
//!
//! The id lies in `.envup/id` of the checkout, beside the directory it was used in last. So a moved checkout keeps its machines, a
//! copied one gets an id of its own, and one that lost its `.envup` asks the engines (through the caller) whose machines were
//! made from this directory. What must not be in a checkout (key, consents) lies in `private`.

use super::Directories;
use super::baseline::Baselines;
use super::ledger::LedgerCopies;
use super::lock::{Lock, Wait, lock_path};
use super::store::{Access, Document, create_directory, read, sweep, write, write_bytes};
use crate::event::Context;
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::id::{Identity, ProjectId};
use crate::model::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name of our directory in a checkout.
pub const STATE_DIRECTORY: &str = ".envup";

/// A checkout that we know the identity of.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its identity.
    pub id: ProjectId,
    /// The directory of its Envfile, without links.
    pub directory: PathBuf,
    /// How the identity was found.
    pub situation: Situation,
    /// Directory for what belongs to it and must not be in it; need not exist.
    pub(super) private: PathBuf,
}

/// How the identity of a checkout was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Situation {
    /// It is as it was.
    Known,
    /// It was never used.
    New,
    /// It was in this directory, which is gone or is another checkout now.
    Moved(PathBuf),
    /// It was copied from this directory, which is still there.
    Copied(PathBuf),
    /// Its `.envup` was lost; its machines were found by their labels.
    Adopted,
}

/// What `.envup/id` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    id: String,
    directory: PathBuf,
}

impl Document for Record {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "identity of the checkout";
    const WAY_OUT: &'static str = "remove it: the checkout's machines are found again by their directory";
}

impl Project {
    /// The checkout in this directory, recorded for the next time. `adopt` is asked when nothing is recorded here: it looks for
    /// machines made from this directory.
    pub fn open(
        directories: &Directories,
        directory: &Path,
        adopt: impl FnOnce() -> Result<Option<ProjectId>>,
    ) -> Result<Self> {
        let directory = real(directory)?;
        if let Some(record) = recorded(&directory)?
            && let Situation::Known = situation_of(&record, &directory)
        {
            sweep(&directory.join(STATE_DIRECTORY));
            return Self::new(directories, directory, &record, Situation::Known);
        }
        // Two processes at once must not give one checkout two ids.
        let lock = lock_path(directories, "checkouts");
        let _lock = Lock::acquire(&lock, "env", Wait::Yes, &Context::silent())?;
        let project = Self::find(directories, directory, adopt)?;
        project.record()?;
        Ok(project)
    }

    /// The same, for verbs that only look: nothing is written, so a new checkout gets another id each time.
    pub fn look(
        directories: &Directories,
        directory: &Path,
        adopt: impl FnOnce() -> Result<Option<ProjectId>>,
    ) -> Result<Self> {
        Self::find(directories, real(directory)?, adopt)
    }

    /// A checkout that only the engines remember: its directory may be gone, and nothing is written there.
    pub fn remembered(directories: &Directories, id: &str, directory: PathBuf) -> Result<Self> {
        let record = Record { id: id.to_owned(), directory: directory.clone() };
        Self::new(directories, directory, &record, Situation::Known)
    }

    /// Who a stack of this checkout is; `name` is its full name.
    pub fn identity(&self, name: &str) -> Identity {
        Identity {
            id: self.id.clone(),
            name: name.to_owned(),
            directory: self.directory.to_string_lossy().into_owned(),
        }
    }

    /// Our directory in the checkout: a cache.
    pub fn state_directory(&self) -> PathBuf {
        self.directory.join(STATE_DIRECTORY)
    }

    /// Directory of what belongs to the checkout and is not in it (keys, baselines); need not exist.
    pub fn private_directory(&self) -> &Path {
        &self.private
    }

    /// Copies of its machines' ledgers.
    pub fn ledgers(&self) -> LedgerCopies {
        LedgerCopies::new(self.state_directory().join("ledgers"))
    }

    /// Baselines of its machines.
    pub fn baselines(&self) -> Baselines {
        Baselines::new(self.private.join("baselines"))
    }

    fn find(
        directories: &Directories,
        directory: PathBuf,
        adopt: impl FnOnce() -> Result<Option<ProjectId>>,
    ) -> Result<Self> {
        if let Some(record) = recorded(&directory)? {
            return match situation_of(&record, &directory) {
                Situation::Copied(from) => {
                    let fresh = Record { id: random_id()?, directory: directory.clone() };
                    Self::new(directories, directory, &fresh, Situation::Copied(from))
                }
                situation => Self::new(directories, directory, &record, situation),
            };
        }
        let adopted = adopt()?.filter(|id| !lives_elsewhere(directories, id, &directory));
        // Labels tell where machines were made; whose checkout was moved since is remembered by us alone.
        let adopted = adopted.or_else(|| last_here(directories, &directory));
        let situation = if adopted.is_some() { Situation::Adopted } else { Situation::New };
        let id = adopted.map_or_else(random_id, |id| Ok(id.0))?;
        Self::new(directories, directory.clone(), &Record { id, directory }, situation)
    }

    fn new(
        directories: &Directories,
        directory: PathBuf,
        record: &Record,
        situation: Situation,
    ) -> Result<Self> {
        let id = ProjectId::parse(&record.id).ok_or_else(|| {
            let path = id_path(&directory);
            Error::failed(format!("the {} {} is damaged", Record::WHAT, path.display()))
                .because(std::io::Error::other(format!("`{}` is not an id", record.id)))
                .hint(Record::WAY_OUT)
        })?;
        let private = private(directories, &id);
        Ok(Self { id, directory, situation, private })
    }

    fn record(&self) -> Result<()> {
        let record = Record { id: self.id.0.clone(), directory: self.directory.clone() };
        let state = self.state_directory();
        if let Situation::Copied(_) = self.situation {
            // What was copied along is about the other checkout's machines.
            for directory in
                ["ledgers", "logs"].map(|name| state.join(name)).iter().filter(|path| path.exists())
            {
                fs::remove_dir_all(directory).attempt(|| format!("cannot remove {}", directory.display()))?;
            }
        }
        create_directory(&state, Access::Shared).map_err(read_only)?;
        write_bytes(&state.join(".gitignore"), Access::Shared, b"*\n").map_err(read_only)?;
        // Elsewhere first: a crash between the two must not make this checkout look like nobody's.
        write(&self.private.join("checkout.json"), Access::Private, &record)?;
        write(&id_path(&self.directory), Access::Shared, &record).map_err(read_only)
    }
}

/// The private directory of the checkout here, if it has an identity.
fn private_of(directories: &Directories, checkout: &Path) -> Option<PathBuf> {
    let id = ProjectId::parse(&recorded(checkout).ok()??.id)?;
    Some(private(directories, &id))
}

fn private(directories: &Directories, id: &ProjectId) -> PathBuf {
    directories.data.join("projects").join(&id.0)
}

fn id_path(directory: &Path) -> PathBuf {
    directory.join(STATE_DIRECTORY).join("id")
}

fn real(directory: &Path) -> Result<PathBuf> {
    fs::canonicalize(directory).attempt(|| format!("cannot enter the directory {}", directory.display()))
}

/// What is recorded in a checkout. Its `.envup` must be in it: a link would let a checkout choose where we write.
fn recorded(directory: &Path) -> Result<Option<Record>> {
    let state = directory.join(STATE_DIRECTORY);
    if fs::symlink_metadata(&state).is_ok_and(|data| !data.is_dir()) {
        return Err(Error::failed(format!("{} is not a directory", state.display()))
            .hint("remove it: envup keeps its files in a directory of the checkout itself"));
    }
    read(&id_path(directory))
}

/// Judges a record that was found in `directory`; never `New` or `Adopted`.
fn situation_of(record: &Record, directory: &Path) -> Situation {
    let from = &record.directory;
    if from == directory {
        Situation::Known
    } else if same_file(&id_path(from), &id_path(directory)) {
        // One directory under two paths, as a bind mount makes it.
        Situation::Known
    } else if read::<Record>(&id_path(from))
        .is_ok_and(|there| there.is_some_and(|there| there.id == record.id))
    {
        Situation::Copied(from.clone())
    } else {
        Situation::Moved(from.clone())
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|data| (data.dev(), data.ino())).ok();
    identity(one).is_some_and(|identity_of_one| Some(identity_of_one) == identity(other))
}

/// Whether the checkout with this id was moved from `directory`, where its machines' labels still point to, and lives on.
fn lives_elsewhere(directories: &Directories, id: &ProjectId, directory: &Path) -> bool {
    let last = private(directories, id).join("checkout.json");
    let Ok(Some(last)) = read::<Record>(&last) else { return false };
    last.directory != directory
        && read::<Record>(&id_path(&last.directory))
            .is_ok_and(|there| there.is_some_and(|there| there.id == id.0))
}

/// The checkout that was in this directory last, as far as this user's data directory knows.
fn last_here(directories: &Directories, directory: &Path) -> Option<ProjectId> {
    let projects = fs::read_dir(directories.data.join("projects")).ok()?.flatten();
    let records = projects.filter_map(|project| {
        let path = project.path().join("checkout.json");
        let record: Record = read(&path).ok()??;
        Some((fs::metadata(&path).ok()?.modified().ok()?, record))
    });
    let (_, last) =
        records.filter(|(_, record)| record.directory == directory).max_by_key(|(modified, _)| *modified)?;
    ProjectId::parse(&last.id)
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).attempt(|| "cannot get random bytes")?;
    Ok(hex(&bytes))
}

fn read_only(error: Error) -> Error {
    error
        .context("cannot keep the identity of this checkout")
        .hint("the directory of the Envfile must be writable: use a copy that is yours, or change its owner")
}

mod providers;
mod snapshots;
#[cfg(test)]
mod tests;

pub use providers::provider_is_remembered;
pub use snapshots::remembered_snapshots;
