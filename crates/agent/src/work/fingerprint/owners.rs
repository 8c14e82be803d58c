//! Which package each file came with, from the package managers' own databases.
//!
//! Paths stay where they are for as long as the process lives, which takes one fingerprint: there are tens of thousands of them, and
//! to make room for each and give it back would take longer than to read them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::hash::Quick;
use super::packages;

/// Files and their packages. Paths are those of the machine, top-level links such as `/lib` resolved.
#[derive(Default)]
pub struct Owners {
    packages: Vec<Package>,
    /// In the order of their numbers.
    listed: Vec<Listed>,
    /// Their numbers, by path: four bytes for each, of which the processor has all at hand.
    by_path: HashTable<u32>,
    below: HashMap<Box<[u8]>, Owned, Quick>,
    recorded: HashMap<u32, [u8; 32], Quick>,
    aliases: Vec<(Vec<u8>, Vec<u8>)>,
    unread: Vec<(String, String)>,
}

/// A path that packages list.
struct Listed {
    path: &'static [u8],
    /// The first one that does.
    package: u32,
    /// Whether others do, too.
    is_shared: bool,
}

/// A package that is installed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Package {
    /// As fingerprints call it: `dpkg:nginx`.
    pub key: String,
    /// Its version.
    pub version: String,
    /// Further fields of its item, by name.
    pub fields: BTreeMap<&'static str, String>,
    /// Who says how its files should be.
    pub promise: Promise,
}

/// What a package manager says about the files of a package.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Promise {
    /// A package of the system: the names, and SHA-256 of those that have one, see [`Owners::recorded`].
    #[default]
    Names,
    /// A package of the system: their MD5 at the time they were unpacked.
    Md5sums {
        /// Where they are listed, as this process sees it.
        list: PathBuf,
        /// When unpacking ended, in nanoseconds since 1970.
        unpacked: u64,
    },
    /// A package of a language: SHA-256 of those that have one, see [`Owners::recorded`].
    Language,
}

/// The package of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Which of [`Owners::packages`].
    pub package: u32,
    /// Which of all listed paths; `None` for what merely lies in a directory of a package.
    pub number: Option<u32>,
    /// Whether other packages list it too, as they do with directories.
    pub is_shared: bool,
}

impl Owners {
    /// Reads the databases below a root; those that are not there have nothing to say.
    pub fn read(root: &Path) -> Owners {
        let mut owners = Owners { aliases: aliases(root), ..Owners::default() };
        packages::read(root, &mut owners);
        owners
    }

    /// Adds a package; `None` if there are too many of them. Its paths follow.
    pub fn add(&mut self, package: Package) -> Option<u32> {
        let place = u32::try_from(self.packages.len()).ok()?;
        self.packages.push(package);
        Some(place)
    }

    /// Adds a path to a package. The first package that lists it is its owner.
    pub fn list(&mut self, package: u32, path: &[u8]) -> Option<Owned> {
        match self.number(path) {
            Some(number) => self.again(number, package),
            None => self.list_all(package, [lasting(path.to_vec())]),
        }
    }

    /// The same for many paths that stay where they are; gives what the last of them belongs to.
    pub fn list_all(
        &mut self,
        package: u32,
        paths: impl IntoIterator<Item = &'static [u8]>,
    ) -> Option<Owned> {
        let mut last = None;
        for path in paths {
            let path = self.resolved(path).map_or(path, lasting);
            let next = u32::try_from(self.listed.len()).ok()?;
            let listed = &self.listed;
            let is_path = |number: &u32| listed[*number as usize].path == path;
            last = match self.by_path.entry(hash(path), is_path, |number| hash(listed[*number as usize].path))
            {
                // Not looked at again: the processor need not wait until its place came from memory.
                Entry::Vacant(place) => {
                    place.insert(next);
                    self.listed.push(Listed { path, package, is_shared: false });
                    Some(next)
                }
                Entry::Occupied(place) => {
                    let number = *place.get();
                    self.again(number, package).and(Some(number))
                }
            };
        }
        self.owned(last?)
    }

    /// Makes room for so many paths.
    pub fn expect(&mut self, paths: usize) {
        self.by_path.reserve(paths, |number| hash(self.listed[*number as usize].path));
        self.listed.reserve(paths);
    }

    /// Adds a directory that belongs to a package with everything in it.
    pub fn list_below(&mut self, package: u32, directory: &[u8]) {
        self.list(package, directory);
        self.below.insert(directory.into(), Owned { package, number: None, is_shared: false });
    }

    /// Notes which content a listed path should have.
    pub fn record(&mut self, owned: Owned, sha256: [u8; 32]) {
        if let Some(number) = owned.number {
            self.recorded.insert(number, sha256);
        }
    }

    /// Notes that a database could not be read.
    pub fn cannot(&mut self, key: impl Into<String>, reason: impl ToString) {
        self.unread.push((key.into(), reason.to_string()));
    }

    /// The package that a file came with.
    pub fn of(&self, path: &str) -> Option<&Package> {
        let parent = path.rfind('/').map_or(&[][..], |end| &path.as_bytes()[..end]);
        let owned = self.listed(path.as_bytes()).or_else(|| self.holder(parent));
        self.packages.get(owned?.package as usize)
    }

    /// The package that lists a path, byte for byte.
    pub fn listed(&self, path: &[u8]) -> Option<Owned> {
        self.owned(self.number(path)?)
    }

    fn number(&self, path: &[u8]) -> Option<u32> {
        self.by_path.find(hash(path), |number| self.listed[*number as usize].path == path).copied()
    }

    /// The same for who goes through a directory by name and found `before` last: packages mostly list their files in that order.
    pub fn listed_after(&self, before: Option<Owned>, path: &[u8]) -> Option<Owned> {
        let next = before.and_then(|owned| owned.number?.checked_add(1));
        let is_next = |number: &u32| self.listed.get(*number as usize).is_some_and(|next| next.path == path);
        next.filter(is_next).map_or_else(|| self.listed(path), |number| self.owned(number))
    }

    fn owned(&self, number: u32) -> Option<Owned> {
        let Listed { package, is_shared, .. } = *self.listed.get(number as usize)?;
        Some(Owned { package, number: Some(number), is_shared })
    }

    /// Notes that a package lists a path, too.
    fn again(&mut self, number: u32, package: u32) -> Option<Owned> {
        let listed = self.listed.get_mut(number as usize)?;
        listed.is_shared |= listed.package != package;
        self.owned(number)
    }

    /// The package that a directory belongs to with everything in it.
    pub fn everything_below(&self, directory: &[u8]) -> Option<Owned> {
        self.below.get(directory).copied()
    }

    /// The same for a directory that may lie in such a one.
    pub fn holder(&self, directory: &[u8]) -> Option<Owned> {
        let slashes = (1..directory.len()).rev().filter(|place| directory[*place] == b'/');
        let mut ends = [directory.len()].into_iter().chain(slashes);
        ends.find_map(|end| self.everything_below(&directory[..end]))
    }

    /// The content that a path should have, where its package says so with SHA-256.
    pub fn recorded(&self, owned: Owned) -> Option<&[u8; 32]> {
        self.recorded.get(&owned.number?)
    }

    /// All packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// All listed paths, by number.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = (&[u8], Owned)> {
        self.listed.iter().zip(0..u32::MAX).map(|(Listed { path, package, is_shared }, number)| {
            (*path, Owned { package: *package, number: Some(number), is_shared: *is_shared })
        })
    }

    /// Databases that could not be read, and why.
    pub fn unread(&self) -> &[(String, String)] {
        &self.unread
    }

    /// A path behind a top-level link.
    pub fn resolved(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (from, to) = self.aliases.iter().find(|(from, _)| path.starts_with(from))?;
        Some([to, &path[from.len()..]].concat())
    }
}

fn hash(path: &[u8]) -> u64 {
    Quick::default().hash_one(path)
}

/// Bytes that are never given back.
pub fn lasting(bytes: Vec<u8>) -> &'static [u8] {
    bytes.leak()
}

/// Top-level links of the machine: `/lib` and what it stands for, `/usr/lib`.
fn aliases(root: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let link = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        let target = target.to_str()?.trim_matches('/').to_owned();
        let from = format!("/{}/", entry.file_name().to_str()?);
        Some((from.into_bytes(), format!("/{target}/").into_bytes()))
    };
    entries.filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(key: &str) -> Package {
        Package { key: key.to_owned(), ..Package::default() }
    }

    #[test]
    fn a_file_is_found_behind_a_top_level_link() {
        let aliases = vec![(b"/lib/".to_vec(), b"/usr/lib/".to_vec())];
        let mut owners = Owners { aliases, ..Owners::default() };
        let libc = owners.add(package("dpkg:libc6")).unwrap();
        owners.list(libc, b"/lib/ld.so");
        assert_eq!(owners.of("/usr/lib/ld.so"), Some(&package("dpkg:libc6")));
        assert_eq!(owners.of("/etc/passwd"), None);
    }

    #[test]
    fn what_several_packages_list_is_shared_and_a_directory_may_belong_to_one() {
        let mut owners = Owners::default();
        let [one, other] =
            ["dpkg:one", "npm:/usr/lib/node_modules:other"].map(|key| owners.add(package(key)).unwrap());
        let first = owners.list(one, b"/usr").unwrap();
        let second = owners.list(other, b"/usr").unwrap();
        assert_eq!((first.is_shared, second.is_shared, second.package), (false, true, one));
        owners.list_below(other, b"/usr/lib/node_modules/other");
        assert_eq!(
            owners.of("/usr/lib/node_modules/other/a/b.js").unwrap().key,
            package("npm:/usr/lib/node_modules:other").key
        );
        assert_eq!(owners.of("/usr/lib/node_modules"), None);
    }
}
