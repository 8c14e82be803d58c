//! Packages that are installed, each manager in a file of its own.

mod apk;
mod dpkg;
mod node;
mod python;
mod rpm;
mod ruby;

use std::fs;
use std::path::Path;

use super::files::Digests;
use super::owners::{Owners, Package, Promise};
use super::view::{self, Found, View};

/// Reads the databases of all managers; the system's come first, what they list belongs to nobody else.
pub fn read(root: &Path, owners: &mut Owners) {
    dpkg::read(root, owners);
    apk::read(root, owners);
    rpm::read(root, owners);
    python::read(root, owners);
    node::read(root, owners);
    ruby::read(root, owners);
}

/// Where a path of the machine lies for this process.
fn below(root: &Path, path: &str) -> std::path::PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The names in a directory of the machine, sorted; none when there is no such directory.
fn names(root: &Path, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(below(root, directory)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A text of the machine; `None` when there is none or it cannot be read, as the walk over all files tells by itself.
fn text(root: &Path, path: &str) -> Option<String> {
    fs::read(below(root, path)).ok().map(view::text)
}

/// Adds a package of a language; its paths follow.
fn add_language(owners: &mut Owners, key: String, version: &str) -> Option<u32> {
    owners.add(Package { key, version: version.to_owned(), promise: Promise::Language, ..Package::default() })
}

/// All packages of all managers, with the digests of their files where files were looked at.
pub fn collect(view: &View<'_>, digests: Option<&Digests>, found: &mut Found) {
    for (place, package) in view.owners().packages().iter().enumerate() {
        let fields = package.fields.iter().map(|(name, value)| (*name, Some(value.as_str())));
        found.item(package.key.as_str(), fields.chain([("version", Some(package.version.as_str()))]));
        if let Some(digests) = digests {
            for (name, digest) in digests.of(place) {
                found.item(package.key.as_str(), [(name, Some(digest.as_str()))]);
            }
        }
    }
    for (key, reason) in view.owners().unread() {
        found.cannot(key, reason);
    }
}
