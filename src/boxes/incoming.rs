//! A box on its way into the store: a directory of its own that goes away however the work ends, and a file that is digested
//! while it is written.

use super::cannot_write;
use crate::event::{Context, Event};
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// How many bytes come between two events of progress.
const TELL_EVERY: u64 = 4 << 20;

/// A directory for one box in the making; removed when dropped. The maker holds a lock under its name, so what is found there at the
/// beginning was left by a process that was killed.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let attempt = || format!("cannot make the directory {}", path.display());
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).attempt(attempt),
            _ => {}
        }
        fs::create_dir_all(&path).map_err(|error| cannot_write(&path, error))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Tried again by the next to work on this store.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file that is being written.
pub(super) struct Incoming {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    head: Vec<u8>,
    size: u64,
}

/// A file that was written.
pub(super) struct Arrived {
    /// Digest of the content.
    pub(super) sha256: String,
    /// Length in bytes.
    pub(super) size: u64,
    /// File name that says what kind of archive it is.
    pub(super) name: &'static str,
}

impl Incoming {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(|error| cannot_write(&path, error))?;
        Ok(Self { path, file, hasher: Sha256::new(), head: Vec::new(), size: 0 })
    }

    /// Digest of what has come so far.
    pub(super) fn digest(&self) -> String {
        hex(&self.hasher.clone().finalize())
    }

    /// Makes sure that it is on the disk, and that it is an archive.
    pub(super) fn finish(self) -> Result<Arrived> {
        self.file.sync_all().map_err(|error| cannot_write(&self.path, error))?;
        let name = archive_name(&self.head).ok_or_else(|| {
            Error::failed("what came is not a tar archive")
                .hint("a box is the tar archive of a root file system, plain or compressed")
        })?;
        Ok(Arrived { sha256: self.digest(), size: self.size, name })
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        let written = &bytes[..count];
        self.hasher.update(written);
        self.head.extend(written.iter().take(512_usize.saturating_sub(self.head.len())));
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// What an archive is called, by its first bytes.
fn archive_name(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("root.tar.gz"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("root.tar.xz"),
        [b'B', b'Z', b'h', ..] => Some("root.tar.bz2"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("root.tar.zst"),
        _ => (head.get(257..262)? == b"ustar").then_some("root.tar"),
    }
}

/// Copies from `source` to `sink` until the end or until cancelled; `what` says what is being done.
pub(super) fn pump(
    source: &mut dyn Read,
    sink: &mut dyn Write,
    total: Option<u64>,
    what: &str,
    context: &Context,
) -> Result<u64> {
    let (mut done, mut told) = (0, 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        context.check(what)?;
        let count = match source.read(&mut buffer) {
            Ok(0) => return Ok(done),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).attempt(|| format!("failed while {what}")),
        };
        sink.write_all(&buffer[..count]).map_err(|error| cannot_write(Path::new("the box"), error))?;
        done += count as u64;
        if done - told >= TELL_EVERY || total == Some(done) {
            context.emit(Event::Progress { machine: None, what: what.to_owned(), done, total });
            told = done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_by_their_first_bytes() {
        assert_eq!(archive_name(b"\x1f\x8b\x08"), Some("root.tar.gz"));
        assert_eq!(archive_name(b"<!doctype html>"), None);
        assert_eq!(archive_name(b""), None);
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_data(&mut tar::Header::new_gnu(), "etc/hosts", &b""[..]).unwrap();
        assert_eq!(archive_name(&tar.into_inner().unwrap()), Some("root.tar"));
    }
}
