//! Digests of the files and directories that a step depends on.

use crate::model::digest::Digester;
use crate::model::error::Attempt;
use crate::model::step::Step;
use crate::model::{Error, Result};
use crate::state::STATE_DIRECTORY;
use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use walkdir::DirEntry;

/// Adds the digest of a file, or of everything below a directory: relative paths, types, permissions, contents and
/// link targets, in the order of the paths. Times and owners do not count: a fresh clone has others.
pub fn digest_of_path(digester: &mut Digester, path: &Path) -> Result<()> {
    digest_of_entries(digester, path, walk(path))
}

/// The same of what a tool reads: without what git keeps there, which changes with every command of it.
pub fn digest_of_sources(digester: &mut Digester, path: &Path) -> Result<()> {
    digest_of_entries(digester, path, sources(path))
}

fn digest_of_entries(
    digester: &mut Digester,
    path: &Path,
    entries: impl Iterator<Item = walkdir::Result<DirEntry>>,
) -> Result<()> {
    for entry in entries {
        let entry = entry.attempt(|| format!("reading the step input {}", path.display()))?;
        let relative = entry.path().strip_prefix(path).unwrap_or(entry.path());
        // Of links, only the one that is the input itself is followed.
        digest_of_file(digester, relative.as_os_str(), entry.path(), entry.file_type())?;
    }
    Ok(())
}

/// Adds the digest of one file, link or directory, known under `name`.
pub fn digest_of_file(digester: &mut Digester, name: &OsStr, path: &Path, kind: FileType) -> Result<()> {
    let reading = || format!("reading {}", path.display());
    digester.part(name.as_encoded_bytes());
    if kind.is_symlink() {
        digester.part("link").part(fs::read_link(path).attempt(reading)?.as_os_str().as_encoded_bytes());
    } else if kind.is_dir() {
        digester.part("directory");
    } else if kind.is_file() {
        let mode = fs::metadata(path).attempt(reading)?.permissions().mode();
        // Of the permissions git keeps only this bit; the others differ from clone to clone.
        digester.part(if mode & 0o100 == 0 { "file" } else { "program" });
        digester.part(fs::read(path).attempt(reading)?);
    }
    Ok(())
}

/// A file, or a directory and everything below it in the order of the paths, without what we keep in a checkout: that changes
/// with each `up`.
pub fn walk(path: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    walk_without(path, &[STATE_DIRECTORY])
}

/// The same without what git keeps.
pub fn sources(path: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    walk_without(path, &[STATE_DIRECTORY, ".git"])
}

fn walk_without(
    path: &Path,
    names: &'static [&str],
) -> impl Iterator<Item = walkdir::Result<DirEntry>> + use<> {
    let all = walkdir::WalkDir::new(path).sort_by_file_name().follow_root_links(true).into_iter();
    all.filter_entry(move |entry| entry.depth() == 0 || !names.iter().any(|name| entry.file_name() == *name))
}

/// Adds the `inputs` that a step declares.
pub fn declared(digester: &mut Digester, step: &Step) -> Result<()> {
    for path in &step.inputs {
        digest_of_path(digester, path)?;
    }
    Ok(())
}

/// Fails when an input does not exist.
pub fn exist(step: &Step, path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    Err(Error::usage(format!("step {}: {} does not exist", step.name, path.display()))
        .hint("paths in an Envfile are relative to it"))
}

/// A digest begun with what every step has: tool and declared inputs.
pub fn begin(step: &Step) -> Result<Digester> {
    let mut digester = Digester::new("step/1");
    digester.part(step.tool_name());
    declared(&mut digester, step)?;
    Ok(digester)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(path: &Path) -> String {
        let mut digester = Digester::new("test/1");
        digest_of_path(&mut digester, path).unwrap();
        digester.finish()
    }

    #[test]
    fn names_contents_and_the_program_bit_count() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        fs::write(&file, "one").unwrap();
        let first = digest(directory.path());
        assert_eq!(first, digest(directory.path()));
        fs::write(&file, "two").unwrap();
        let second = digest(directory.path());
        assert_ne!(first, second);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let third = digest(directory.path());
        assert_ne!(second, third);
        fs::rename(&file, directory.path().join("b")).unwrap();
        assert_ne!(third, digest(directory.path()));
    }
}
