//! Small files, written whole or not at all, and documents in them that carry the version of their format.
//!
//! A file is written beside its place, synced, renamed over it, and the directory synced: a crash or a full disk leaves the
//! old file. It does not lock: who must not write at the same time holds a [`Lock`](super::Lock).

use crate::model::error::Attempt;
use crate::model::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// End of the names of files that are being written.
const UNFINISHED: &str = ".unfinished";

/// Nobody needs this long to write a small file: what is older was left by a crash.
const ABANDONED: Duration = Duration::from_secs(600);

/// Who may read a file we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask lets.
    Shared,
    /// The user alone.
    Private,
    /// The user alone, who may run it.
    Program,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Shared => 0o666,
            Self::Private => 0o600,
            Self::Program => 0o700,
        }
    }
}

/// What can be kept in a file as JSON. The version of its format stands beside its fields, so none of them is called `version`.
pub trait Document: Serialize + DeserializeOwned {
    /// The version we write, and the newest we read.
    const VERSION: u32;
    /// What it is, for people: `record of the checkout`.
    const WHAT: &'static str;
    /// What to do when it is damaged: `remove it, and …`.
    const WAY_OUT: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// Only the version: a newer format may differ in everything else.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads a document; `None` when there is no such file.
pub fn read<T: Document>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).attempt(|| format!("cannot read the {} {}", T::WHAT, path.display()));
        }
    };
    let damaged = |error| {
        Error::failed(format!("the {} {} is damaged", T::WHAT, path.display()))
            .because(error)
            .hint(T::WAY_OUT)
    };
    let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if version > T::VERSION {
        return Err(Error::failed(format!("the {} {} was written by a newer env", T::WHAT, path.display()))
            .hint(format!("upgrade env: this one reads version {} of the file, not {version}", T::VERSION))
            .hint(format!("or {}", T::WAY_OUT)));
    }
    let document: Versioned<T> = serde_json::from_slice(&bytes).map_err(damaged)?;
    Ok(Some(document.content))
}

/// Reads a document that can be made again: one that cannot be read counts as absent.
pub fn read_or_none<T: Document>(path: &Path) -> Option<T> {
    read(path).unwrap_or_default()
}

/// Writes a document in place of the one that is there.
pub fn write<T: Document>(path: &Path, access: Access, content: &T) -> Result<()> {
    let document = Versioned { version: T::VERSION, content };
    let mut bytes =
        serde_json::to_vec_pretty(&document).attempt(|| format!("cannot put the {} into JSON", T::WHAT))?;
    bytes.push(b'\n');
    write_bytes(path, access, &bytes)
}

/// Writes a file in place of the one that is there, and makes its directory when it is missing.
pub fn write_bytes(path: &Path, access: Access, bytes: &[u8]) -> Result<()> {
    create_directory(path.parent().unwrap_or(Path::new("/")), access)?;
    replace(path, access.mode(), bytes, |_| Ok(()))
}

/// Writes a file of the user's in place of the one that is there: where a link leads to, with its mode and its owner.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let attempt = || format!("cannot write {}", path.display());
    let path = path.canonicalize().attempt(attempt)?;
    let old = path.metadata().attempt(attempt)?;
    replace(&path, 0o600, bytes, |file| {
        // Only root can give a file away; nobody else's file can be another one's afterwards.
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
    })
}

/// Writes beside the place, finishes, and renames.
fn replace(
    path: &Path,
    mode: u32,
    bytes: &[u8],
    finish: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let attempt = || format!("cannot write {}", path.display());
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .suffix(UNFINISHED)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)
        .attempt(attempt)?;
    file.write_all(bytes).attempt(attempt)?;
    finish(file.as_file()).attempt(attempt)?;
    file.as_file().sync_all().attempt(attempt)?;
    file.persist(path).map_err(|failure| failure.error).attempt(attempt)?;
    sync_directory(directory)
}

/// Makes a directory and those above it, unless they are there.
pub fn create_directory(path: &Path, access: Access) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(access.mode() | (access.mode() & 0o444) >> 2)
        .create(path)
        .attempt(|| format!("cannot create the directory {}", path.display()))
}

/// Makes what was created, renamed or removed in a directory survive a crash of the host.
pub fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .attempt(|| format!("cannot sync the directory {}", path.display()))
}

/// Removes what crashes left half-written in a directory. Never fails: it is tried again next time.
pub(super) fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let unfinished =
            name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(UNFINISHED));
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if unfinished && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    impl Document for Note {
        const VERSION: u32 = 2;
        const WHAT: &'static str = "note";
        const WAY_OUT: &'static str = "remove it";
    }

    fn note(text: &str) -> Note {
        Note { text: text.into() }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("deep/er/note.json");
        assert_eq!(read::<Note>(&path).unwrap(), None);
        write(&path, Access::Private, &note("first")).unwrap();
        write(&path, Access::Private, &note("second")).unwrap();
        assert_eq!(read::<Note>(&path).unwrap(), Some(note("second")));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_newer_version_is_refused_whatever_it_looks_like() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("note.json");
        fs::write(&path, r#"{"version": 3, "text": ["lines"]}"#).unwrap();
        let error = read::<Note>(&path).unwrap_err();
        assert!(error.message.contains("newer env") && error.hints[0].contains("upgrade"), "{error:?}");
        assert!(read_or_none::<Note>(&path).is_none());
    }

    #[test]
    fn a_damaged_file_is_named_with_the_way_out() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("note.json");
        for damage in ["", "{\"version\": 2, \"te", "\0\0\0", "[]", "{\"version\": 2}"] {
            fs::write(&path, damage).unwrap();
            let error = read::<Note>(&path).unwrap_err();
            assert!(error.message.ends_with("note.json is damaged"), "{damage}: {error:?}");
            assert_eq!(error.hints, ["remove it"]);
        }
    }

    #[test]
    fn a_full_disk_leaves_the_old_file_and_nothing_half_made() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("note.json");
        write(&path, Access::Shared, &note("old")).unwrap();
        // No space for a name this long: the rename fails after everything was written.
        let long = place.path().join("n".repeat(300));
        assert!(write(&long, Access::Shared, &note("new")).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(read::<Note>(&path).unwrap(), Some(note("old")));
    }

    #[test]
    fn a_file_of_the_users_keeps_its_mode_and_the_link_to_it() {
        let place = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| place.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        rewrite(&link, b"new").unwrap();
        assert_eq!((fs::read(&file).unwrap(), link.is_symlink()), (b"new".to_vec(), true));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o664);
    }

    #[test]
    fn leftovers_of_crashes_are_swept_and_young_files_are_not() {
        let place = tempfile::tempdir().unwrap();
        let [old, young, other] =
            [".a.unfinished", ".b.unfinished", "c.unfinished"].map(|name| place.path().join(name));
        for path in [&old, &young, &other] {
            fs::write(path, "").unwrap();
        }
        for path in [&old, &other] {
            File::options().write(true).open(path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        }
        sweep(place.path());
        assert_eq!([old, young, other].map(|path| path.exists()), [false, true, true]);
    }
}
