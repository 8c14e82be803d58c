//! The other form of a box: the disk of a VM, and the kernel and initrd that boot it. It is made from the box's own archive and lies
//! beside it, so that both forms are one box.

use super::disk_build::NO_AUTHORITIES;
use super::meta::{BoxFile, sha256_of};
use super::qcow2;
use super::recipe::reference;
use super::verified;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use crate::state::{Access, Document, read_or_none, write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of its directory in that of the box, and in what a build leaves.
pub(super) const DISK: &str = "disk";

const DISK_JSON: &str = "disk.json";
const IMAGE: &str = "disk.qcow2";
const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";

/// The disk of a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxDisk {
    directory: PathBuf,
    name: String,
    /// What is known about it.
    pub meta: DiskMeta,
}

/// What is known about a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskMeta {
    /// Digest of what it was made by.
    pub(super) recipe: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Whether it has no certificate authorities to which its initrd could add this host's own; of an older one nobody knows.
    #[serde(default)]
    pub without_authorities: bool,
    files: BTreeMap<String, FileMeta>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileMeta {
    sha256: String,
    size: u64,
}

impl Document for DiskMeta {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "description of a box's disk";
    const WAY_OUT: &'static str = "remove its directory: the disk is made again";
}

impl BoxDisk {
    /// The disk of this box, if there is one that is whole as far as can be told without reading it.
    pub(super) fn of(found: &BoxFile) -> Option<Self> {
        let directory = found.directory().join(DISK);
        let meta: DiskMeta = read_or_none(&directory.join(DISK_JSON))?;
        let whole = |name: &str| {
            let known = meta.files.get(name)?;
            fs::metadata(directory.join(name)).ok().filter(|data| data.is_file() && data.len() == known.size)
        };
        let is_whole = [IMAGE, KERNEL, INITRD].iter().all(|name| whole(name).is_some());
        is_whole.then(|| Self { directory, name: found.meta.name.clone(), meta })
    }

    /// Describes what a build left in a directory.
    pub(super) fn describe(directory: &Path, recipe: &str, context: &Context) -> Result<()> {
        qcow2::check(&directory.join(IMAGE))?;
        let mut files = BTreeMap::new();
        for name in [IMAGE, KERNEL, INITRD] {
            let path = directory.join(name);
            let size = fs::metadata(&path).attempt(|| format!("the build left no {name}"))?.len();
            let sha256 = sha256_of(&path, size, &format!("digesting the {name}"), context)?;
            files.insert(name.to_owned(), FileMeta { sha256, size });
        }
        let mark = directory.join(NO_AUTHORITIES);
        let without_authorities = mark.exists();
        if without_authorities {
            fs::remove_file(&mark).attempt(|| format!("removing {}", mark.display()))?;
        }
        let recipe = recipe.to_owned();
        let meta = DiskMeta { recipe, created: crate::state::now(), without_authorities, files };
        write(&directory.join(DISK_JSON), Access::Shared, &meta)
    }

    /// The qcow2 image.
    pub fn image(&self) -> PathBuf {
        self.directory.join(IMAGE)
    }

    /// The kernel.
    pub fn kernel(&self) -> PathBuf {
        self.directory.join(KERNEL)
    }

    /// The initrd.
    pub fn initrd(&self) -> PathBuf {
        self.directory.join(INITRD)
    }

    /// Where is kept what its files are, for the fingerprints of machines made from it.
    pub fn cache_of_files(&self) -> PathBuf {
        self.directory.join("files.cache")
    }

    /// Its name in an engine, as that of an archive: `envup-box/debian-12:90ac…`.
    pub fn reference(&self) -> String {
        reference(&self.name, self.sha256())
    }

    /// Digest of the image.
    pub fn sha256(&self) -> &str {
        self.meta.files.get(IMAGE).map_or("", |file| &file.sha256)
    }

    /// Bytes of all its files.
    pub fn size(&self) -> u64 {
        self.meta.files.values().map(|file| file.size).sum()
    }

    /// Makes sure that the files are what they were, without reading those that look untouched since they were read.
    pub(super) fn verify_if_touched(&self, context: &Context) -> Result<()> {
        verified::unless_untouched(&self.directory, &self.files(), || self.verify(context))
    }

    /// Remembers that the files as they lie there now are as their digests say. Not being able to only costs time later.
    pub(super) fn mark_verified(&self) {
        verified::mark(&self.directory, &self.files());
    }

    fn files(&self) -> Vec<PathBuf> {
        self.meta.files.keys().map(|name| self.directory.join(name)).collect()
    }

    /// Reads all files whole and compares their digests.
    pub fn verify(&self, context: &Context) -> Result<()> {
        for (name, known) in &self.meta.files {
            let path = self.directory.join(name);
            let found =
                sha256_of(&path, known.size, &format!("verifying the {name} of {}", self.name), context)?;
            if found != known.sha256 {
                return Err(Error::failed(format!(
                    "the {name} of the box {} was changed after it was made",
                    self.name
                ))
                .detail(format!(
                    "expected sha256 {}\nfound    sha256 {found}\nin {}",
                    known.sha256,
                    path.display()
                ))
                .hint(format!("`env box build --vm {}` makes it again", self.name)));
            }
        }
        qcow2::check(&self.image())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_authorities_is_known_as_one() {
        let place = tempfile::tempdir().unwrap();
        let mut image = b"QFI\xfb\0\0\0\x03".to_vec();
        image.resize(104, 0);
        for (name, content) in [(IMAGE, image.as_slice()), (KERNEL, b"kernel"), (INITRD, b"initrd")] {
            fs::write(place.path().join(name), content).unwrap();
        }
        let mark = place.path().join(NO_AUTHORITIES);
        for is_without in [false, true] {
            if is_without {
                fs::write(&mark, "").unwrap();
            }
            BoxDisk::describe(place.path(), "recipe", &Context::silent()).unwrap();
            let meta: DiskMeta = read_or_none(&place.path().join(DISK_JSON)).unwrap();
            assert_eq!((meta.without_authorities, mark.exists()), (is_without, false));
        }
    }
}
