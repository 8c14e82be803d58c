//! A box as it is kept: its archive, and what is known about it.

use super::disk::BoxDisk;
use super::recipe::{flat, reference};
use super::verified;
use crate::event::{Context, Event};
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use crate::state::{Access, Document, read_or_none, write};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name of the file that describes a box, beside its archive.
const BOX_JSON: &str = "box.json";

/// A box in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxFile {
    /// Its archive: a root file system as tar, perhaps compressed.
    pub path: PathBuf,
    /// What is known about it.
    pub meta: Meta,
}

/// What is known about a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// `debian/12`.
    pub name: String,
    /// The recipe's version; of a fetched box, the beginning of its digest. `version` in the file is that of its format.
    #[serde(rename = "box_version")]
    pub version: String,
    /// Digest of the archive.
    pub sha256: String,
    /// As Debian names it: `amd64`.
    pub architecture: String,
    /// Length of the archive in bytes.
    pub size: u64,
    /// When it was made or fetched, in seconds since 1970.
    pub created: u64,
    /// File name of the archive.
    archive: String,
    /// Where it came from.
    pub made: Made,
}

/// Where a box came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// From recipes with these digests; more than one when a change of the recipe changed nothing in the box.
    Built {
        /// Digests of the recipes.
        recipes: Vec<String>,
    },
    /// From this address.
    Fetched {
        /// Where it was.
        url: String,
    },
}

impl Document for Meta {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "description of a box";
    const WAY_OUT: &'static str = "remove its directory: the box is built or fetched again";
}

impl Meta {
    /// About a box whose archive has this file name and came just now.
    pub(super) fn new(name: &str, version: &str, archive: &str, sha256: &str, size: u64, made: Made) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            sha256: sha256.to_owned(),
            architecture: architecture().to_owned(),
            size,
            created: crate::state::now(),
            archive: archive.to_owned(),
            made,
        }
    }

    /// Writes it into the box's directory.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        write(&directory.join(BOX_JSON), Access::Shared, self)
    }

    /// Where the box belongs below the store's root.
    pub(super) fn place(&self) -> PathBuf {
        [&flat(&self.name), &self.version, &self.sha256].iter().collect()
    }

    /// Whether it was built from this recipe.
    pub(super) fn is_from(&self, recipe: &str) -> bool {
        matches!(&self.made, Made::Built { recipes } if recipes.iter().any(|known| known == recipe))
    }
}

impl BoxFile {
    /// The box in a directory, if it is whole as far as can be told without reading it.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let meta: Meta = read_or_none(&directory.join(BOX_JSON))?;
        let path = directory.join(Path::new(&meta.archive).file_name()?);
        let whole = fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() == meta.size);
        whole.then_some(Self { path, meta })
    }

    /// Its other form, the disk of a VM, where one was made.
    pub fn disk(&self) -> Option<BoxDisk> {
        BoxDisk::of(self)
    }

    /// Its directory in the store.
    pub(super) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Where is kept what its files are, for the fingerprints of containers made from it.
    pub fn cache_of_files(&self) -> PathBuf {
        self.directory().join("files.cache")
    }

    /// Its name in an engine: `envup-box/debian-12:4be1…`.
    pub fn reference(&self) -> String {
        reference(&self.meta.name, &self.meta.sha256)
    }

    /// Name and version, as an Envfile can ask for it: `debian/12@1`.
    pub fn title(&self) -> String {
        format!("{}@{}", self.meta.name, self.meta.version)
    }

    /// Makes sure that the archive is what it was, without reading it when it was read before and looks untouched since.
    pub(super) fn verify_if_touched(&self, context: &Context) -> Result<()> {
        verified::unless_untouched(self.directory(), std::slice::from_ref(&self.path), || {
            self.verify(context)
        })
    }

    /// Remembers that the archive as it lies there now is as its digest says. Not being able to only costs time later.
    pub(super) fn mark_verified(&self) {
        verified::mark(self.directory(), std::slice::from_ref(&self.path));
    }

    /// Reads the whole archive and compares its digest.
    pub fn verify(&self, context: &Context) -> Result<()> {
        let found = sha256_of(&self.path, self.meta.size, &format!("verifying {}", self.meta.name), context)?;
        if found == self.meta.sha256 {
            return Ok(());
        }
        Err(Error::failed(format!("the box {} was changed after it was made", self.title()))
            .detail(format!(
                "expected sha256 {}\nfound    sha256 {found}\nin {}",
                self.meta.sha256,
                self.path.display()
            ))
            .hint(format!("remove it with `env box remove {}`: it is built or fetched again", self.title())))
    }
}

/// What changes when somebody writes to a file.
pub(super) fn look(path: &Path) -> Option<String> {
    let data = fs::metadata(path).ok()?;
    let (written, changed) = ((data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec()));
    Some(format!("{} {} {written:?} {changed:?}\n", data.ino(), data.len()))
}

/// Digest of a file that should be this long; `what` says what is being done.
pub(super) fn sha256_of(path: &Path, size: u64, what: &str, context: &Context) -> Result<String> {
    let attempt = || format!("cannot read {}", path.display());
    let mut file = File::open(path).attempt(attempt)?;
    let (mut hasher, mut done, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        context.check(what)?;
        let count = file.read(&mut buffer).attempt(attempt)?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
        done += count as u64;
        context.emit(Event::Progress { machine: None, what: what.to_owned(), done, total: Some(size) });
    }
}

/// This host's architecture, as Debian names it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
