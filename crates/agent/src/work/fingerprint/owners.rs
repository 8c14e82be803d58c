//! Which package each file came with, from the package managers' own databases.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// Files and their packages. Paths are those of the machine, top-level links such as `/lib` resolved.
#[derive(Default)]
pub struct Owners {
    packages: Vec<Package>,
    by_path: HashMap<Box<str>, u32>,
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
}

impl Owners {
    /// Reads the databases below a root; those that are not there have nothing to say.
    pub fn read(root: &str) -> Owners {
        let mut owners = Owners::default();
        let aliases = aliases(Path::new(root));
        super::packages::dpkg::read(Path::new(root), &mut |package, paths| {
            owners.add(package, paths, &aliases);
        });
        owners
    }

    fn add(&mut self, package: Package, paths: &str, aliases: &[(String, String)]) {
        let Ok(place) = u32::try_from(self.packages.len()) else { return };
        for path in paths.lines().filter(|path| path.len() > 2) {
            self.by_path.entry(resolved(path, aliases).into()).or_insert(place);
        }
        self.packages.push(package);
    }

    /// The package that a file came with.
    pub fn of(&self, path: &str) -> Option<&Package> {
        self.by_path.get(path).and_then(|place| self.packages.get(*place as usize))
    }

    /// All packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }
}

/// Top-level links of the machine: `/lib` and what it stands for, `/usr/lib`.
fn aliases(root: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let link = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        let target = target.to_str()?.trim_start_matches('/').to_owned();
        Some((format!("/{}/", entry.file_name().to_str()?), format!("/{target}/")))
    };
    entries.filter_map(link).collect()
}

fn resolved(path: &str, aliases: &[(String, String)]) -> String {
    let alias = aliases.iter().find(|(from, _)| path.starts_with(from.as_str()));
    alias.map_or_else(|| path.to_owned(), |(from, to)| format!("{to}{}", &path[from.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_behind_a_top_level_link() {
        let mut owners = Owners::default();
        let aliases = [("/lib/".to_owned(), "/usr/lib/".to_owned())];
        let package = Package { key: "dpkg:libc6".to_owned(), ..Package::default() };
        owners.add(package.clone(), "/.\n/lib/ld.so\n/usr/share/doc\n", &aliases);
        assert_eq!(owners.of("/usr/lib/ld.so"), Some(&package));
        assert_eq!(owners.of("/etc/passwd"), None);
    }
}
