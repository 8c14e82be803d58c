//! Files between this host and a machine, by the rules of `cp -r`: into a directory that is there, else under the new name.

use super::existing::takes_no_changes;
use super::{World, connect, ownership};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use crate::transport::{Captured, Command, Transport};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Copies a file or directory of this host to `to` in a machine, where it belongs to root.
pub fn copy_in(world: &World, from: &Path, machine: &str, to: &str, context: &Context) -> Result<()> {
    if world.stack.machines.get(machine).is_some_and(|machine| !machine.takes_changes()) {
        return Err(takes_no_changes(machine));
    }
    let transport = connect(world, machine)?;
    let own_name =
        || from.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let (directory, name) = if to.ends_with('/') || is_directory(transport.as_ref(), to, context) {
        (to, own_name().unwrap_or_default())
    } else {
        let (directory, name) = to.rsplit_once('/').unwrap_or(("", to));
        (if directory.is_empty() { "/" } else { directory }, name.to_owned())
    };
    let doing = || format!("cannot read {}", from.display());
    let spool = tempfile::tempfile().attempt(|| "cannot make a temporary file")?;
    let mut archive = tar::Builder::new(spool);
    archive.follow_symlinks(false);
    append(&mut archive, from, Path::new(&name)).attempt(doing)?;
    let mut spool = archive.into_inner().attempt(doing)?;
    spool.seek(SeekFrom::Start(0)).attempt(doing)?;
    let put = transport.put(&mut spool, directory, context);
    ownership::settle(world, machine, context);
    put
}

/// Copies a file or directory of a machine to `to` on this host.
pub fn copy_out(world: &World, machine: &str, from: &str, to: &Path, context: &Context) -> Result<()> {
    let name = from.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let into = to.is_dir() || to.as_os_str().to_string_lossy().ends_with('/');
    let target = if into { to.join(name) } else { to.to_owned() };
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Unpacked into a place of its own first: what a machine sends must not choose where it is written.
    let place = tempfile::Builder::new()
        .prefix(".env-copy")
        .tempdir_in(parent)
        .attempt(|| format!("cannot write to {}", parent.display()))?;
    let mut spool = tempfile::tempfile().attempt(|| "cannot make a temporary file")?;
    connect(world, machine)?.get(from, &mut spool, context)?;
    let doing = || format!("cannot unpack {machine}:{from}");
    spool.seek(SeekFrom::Start(0)).attempt(doing)?;
    let mut archive = tar::Archive::new(spool);
    archive.set_preserve_permissions(true);
    archive.unpack(place.path()).attempt(doing)?;
    let first = fs::read_dir(place.path()).attempt(doing)?.next();
    let Some(Ok(first)) = first else {
        return Err(Error::failed(format!("{machine}:{from} is empty")));
    };
    merge(&first.path(), &target).attempt(|| format!("cannot write {}", target.display()))
}

/// Whether a path of a machine is a directory, as far as a machine without programs can be asked.
fn is_directory(transport: &dyn Transport, path: &str, context: &Context) -> bool {
    let command = Command::new(["test", "-d", path]);
    transport.exec(command, &mut Captured::default(), context).is_ok_and(|exit| exit.code == 0)
}

fn append(archive: &mut tar::Builder<File>, path: &Path, name: &Path) -> std::io::Result<()> {
    // What is named on the command line is followed when it is a link; what lies below it is copied as it is.
    let real = path.canonicalize()?;
    for entry in walkdir::WalkDir::new(&real).sort_by_file_name() {
        let entry = entry?;
        let below = entry.path().strip_prefix(&real).unwrap_or(Path::new(""));
        let target: PathBuf = if below.as_os_str().is_empty() { name.to_owned() } else { name.join(below) };
        let metadata = entry.path().symlink_metadata()?;
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&metadata);
        header.set_uid(0);
        header.set_gid(0);
        if metadata.is_symlink() {
            header.set_size(0);
            archive.append_link(&mut header, target, fs::read_link(entry.path())?)?;
        } else if metadata.is_dir() {
            header.set_size(0);
            archive.append_data(&mut header, target, std::io::empty())?;
        } else if metadata.is_file() {
            archive.append_data(&mut header, target, File::open(entry.path())?)?;
        }
    }
    Ok(())
}

/// Moves a file over, or a directory into, what is there.
fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    let is_directory = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if !(is_directory(from) && to.is_dir()) {
        return fs::rename(from, to);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        merge(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_into_the_one_that_is_there() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir_all(path("new/sub")).unwrap();
        fs::create_dir_all(path("old/sub")).unwrap();
        fs::write(path("new/sub/a"), "new").unwrap();
        fs::write(path("old/sub/a"), "old").unwrap();
        fs::write(path("old/sub/b"), "kept").unwrap();
        merge(&path("new"), &path("old")).unwrap();
        assert_eq!(fs::read_to_string(path("old/sub/a")).unwrap(), "new");
        assert_eq!(fs::read_to_string(path("old/sub/b")).unwrap(), "kept");
    }
}
