//! Packing files and directories of the host as an archive that unpacks at the root of a machine, everything owned by root.
//!
//! Where the archive goes to is [`staging`](super::staging)'s business.

use crate::model::Result;
use crate::model::error::Attempt;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use walkdir::DirEntry;

/// An archive that is being made. All paths are absolute paths in the machine.
pub struct Pack {
    builder: tar::Builder<Vec<u8>>,
    /// Directories that are in it.
    directories: BTreeSet<String>,
}

impl Pack {
    /// An empty one.
    pub fn new() -> Self {
        Self { builder: tar::Builder::new(Vec::new()), directories: BTreeSet::new() }
    }

    /// A directory with these permissions; those above it are as they are everywhere.
    pub fn directory(&mut self, path: &str, mode: u32) -> Result<()> {
        self.parents(path)?;
        if self.directories.insert(path.to_owned()) {
            let mut header = header(tar::EntryType::Directory, mode, 0);
            let name = format!("{}/", path.trim_start_matches('/'));
            self.builder.append_data(&mut header, name, std::io::empty()).attempt(packing)?;
        }
        Ok(())
    }

    /// A file with this content.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.parents(path)?;
        let mut header = header(tar::EntryType::Regular, mode, content.len() as u64);
        self.builder.append_data(&mut header, path.trim_start_matches('/'), content).attempt(packing)
    }

    /// The entries of a walk through a file or directory of the host, under another name. `change` sees the content of every
    /// file before it is packed.
    pub fn tree(
        &mut self,
        source: &Path,
        entries: impl Iterator<Item = walkdir::Result<DirEntry>>,
        path: &str,
        change: &dyn Fn(Vec<u8>) -> Vec<u8>,
    ) -> Result<()> {
        for entry in entries {
            let entry = entry.attempt(|| format!("reading {}", source.display()))?;
            let relative = entry.path().strip_prefix(source).unwrap_or(Path::new(""));
            let mut name = Path::new(path).to_path_buf();
            if !relative.as_os_str().is_empty() {
                name.push(relative);
            }
            let reading = || format!("reading {}", entry.path().display());
            let name = name.strip_prefix("/").unwrap_or(&name);
            if entry.file_type().is_symlink() {
                let link = fs::read_link(entry.path()).attempt(reading)?;
                let mut header = header(tar::EntryType::Symlink, 0o777, 0);
                self.parents(path)?;
                self.builder.append_link(&mut header, name, link).attempt(packing)?;
                continue;
            }
            let mode = entry.metadata().attempt(reading)?.permissions().mode() & 0o7777;
            if entry.file_type().is_dir() {
                self.directory(&format!("/{}", name.display()), mode)?;
            } else if entry.file_type().is_file() {
                let content = change(fs::read(entry.path()).attempt(reading)?);
                self.parents(path)?;
                let mut header = header(tar::EntryType::Regular, mode, content.len() as u64);
                self.builder.append_data(&mut header, name, content.as_slice()).attempt(packing)?;
            }
        }
        Ok(())
    }

    /// The bytes.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.builder.into_inner().attempt(packing)
    }

    /// Missing parents would be made by the engine, with permissions nobody chose.
    fn parents(&mut self, path: &str) -> Result<()> {
        let above = path.trim_start_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
        let mut parent = String::new();
        for part in above.split('/').filter(|part| !part.is_empty()) {
            parent.push('/');
            parent.push_str(part);
            if self.directories.insert(parent.clone()) {
                let mut header = header(tar::EntryType::Directory, 0o755, 0);
                let name = format!("{}/", parent.trim_start_matches('/'));
                self.builder.append_data(&mut header, name, std::io::empty()).attempt(packing)?;
            }
        }
        Ok(())
    }
}

fn packing() -> &'static str {
    "packing files"
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::inputs;

    #[test]
    fn a_directory_is_packed_with_those_above_it() {
        let source = tempfile::tempdir().unwrap();
        fs::create_dir(source.path().join("sub")).unwrap();
        fs::write(source.path().join("sub/page"), "hello").unwrap();
        let mut pack = Pack::new();
        pack.directory("/var/lib/envup/staging", 0o700).unwrap();
        pack.tree(
            source.path(),
            inputs::walk(source.path()),
            "/var/lib/envup/staging/1/content",
            &|content| content,
        )
        .unwrap();
        let bytes = pack.finish().unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries: Vec<(String, u32)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
            })
            .collect();
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "var/",
                "var/lib/",
                "var/lib/envup/",
                "var/lib/envup/staging/",
                "var/lib/envup/staging/1/",
                "var/lib/envup/staging/1/content/",
                "var/lib/envup/staging/1/content/sub/",
                "var/lib/envup/staging/1/content/sub/page",
            ]
        );
        assert_eq!((entries[2].1, entries[3].1), (0o755, 0o700));
    }
}
