//! Shared libraries as the loader finds them, and programs that no package owns and that lack one, or a version of one.

mod cache;
mod elf;
mod unowned;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use self::elf::Elf;
use super::view::{Found, View};

/// Where the loader looks without being told.
const DEFAULTS: &[&str] = &["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/// The section `libraries`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let libraries = Libraries::find(view, found);
    for (name, paths) in &libraries.paths {
        let Some((path, real)) = paths.iter().find_map(|path| Some((path, view.real(path)?))) else {
            continue;
        };
        let package = view.owners().of(&real);
        found.item(
            name,
            [
                ("file", Some(path.as_str())),
                ("package", package.map(|package| package.key.as_str())),
                ("version", package.map(|package| package.version.as_str())),
            ],
        );
    }
    let mut known = BTreeMap::new();
    for path in unowned::programs(view) {
        if let Some(program) = read(view, &path) {
            libraries.lacks(view, &path, &program, &mut known, found);
        }
    }
}

/// The libraries by name; several where there are some for other processors.
struct Libraries {
    paths: BTreeMap<String, Vec<String>>,
    directories: Vec<String>,
}

impl Libraries {
    /// From the loader's cache; where there is none (musl), from the names of files.
    fn find(view: &View<'_>, found: &mut Found) -> Libraries {
        let mut directories: Vec<String> = DEFAULTS.iter().map(|path| (*path).to_owned()).collect();
        let multiarch = |name: &String| name.contains("-linux-gnu") || name.contains("-linux-musl");
        for name in view.names("/usr/lib", found).into_iter().filter(multiarch) {
            directories.extend([format!("/lib/{name}"), format!("/usr/lib/{name}")]);
        }
        let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let cache = view.bytes("/etc/ld.so.cache", found);
        for (name, path) in cache.as_deref().map(cache::entries).unwrap_or_default() {
            paths.entry(name).or_default().push(path);
        }
        if paths.is_empty() {
            let mut seen = BTreeSet::new();
            for directory in directories.iter().filter(|directory| seen.insert(view.real(directory))) {
                for name in view.names(directory, found).into_iter().filter(|name| name.contains(".so.")) {
                    paths.entry(name.clone()).or_default().push(format!("{directory}/{name}"));
                }
            }
        }
        Libraries { paths, directories }
    }

    /// Tells what a program needs and does not find. Libraries that were read before are `known`.
    fn lacks(
        &self,
        view: &View<'_>,
        path: &str,
        program: &Elf,
        known: &mut BTreeMap<String, Option<Elf>>,
        found: &mut Found,
    ) {
        for name in &program.needed {
            let mut fits = |path: &String| {
                let library = known.entry(path.clone()).or_insert_with(|| read(view, path));
                library.as_ref().is_some_and(|library| library.machine == program.machine)
            };
            let Some(file) = self.candidates(path, program, name).into_iter().find(|path| fits(path)) else {
                found.item(format!("{path} needs {name}"), [("needs", Some(name.as_str()))]);
                continue;
            };
            let defined = known.get(&file).and_then(Option::as_ref).map(|library| library.defines.as_slice());
            // A library without versions is taken as it is.
            let Some(defined) = defined.filter(|versions| !versions.is_empty()) else { continue };
            for version in
                program.wants.get(name).into_iter().flatten().filter(|version| !defined.contains(version))
            {
                let needs = format!("{version} of {name}");
                let fields = [("needs", Some(needs.as_str())), ("found", Some(file.as_str()))];
                found.item(format!("{path} needs {version}"), fields);
            }
        }
    }

    /// Where the loader looks for a library of a program.
    fn candidates(&self, path: &str, program: &Elf, name: &str) -> Vec<String> {
        if name.contains('/') {
            return vec![name.to_owned()];
        }
        let origin = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        let own = program.search.split(':').filter(|directory| !directory.is_empty());
        let own = own.map(|directory| directory.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
        let cached = self.paths.get(name).into_iter().flatten().cloned();
        let beside = |directory: &String| format!("{directory}/{name}");
        own.map(|directory| beside(&directory))
            .chain(cached)
            .chain(self.directories.iter().map(beside))
            .collect()
    }
}

/// Reads a program or a library.
fn read(view: &View<'_>, path: &str) -> Option<Elf> {
    let real = view.real(path)?;
    let file = view.path(real);
    // Nothing but a regular file: opening a pipe would wait for somebody to write.
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    elf::read(&File::open(file).ok()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tree::{Tree, field};
    use super::*;

    /// The libraries of the program that runs this test, below the tree.
    fn with_libraries(tree: &Tree) -> Vec<String> {
        let program = elf::read(&File::open("/proc/self/exe").unwrap()).unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        for name in &program.needed {
            let path = maps
                .lines()
                .find_map(|line| line.split_whitespace().nth(5).filter(|path| path.ends_with(name)));
            let library = fs::read(path.unwrap()).unwrap();
            tree.file(&format!("/lib/{name}"), library);
        }
        program.needed
    }

    #[test]
    fn a_library_is_told_with_its_package_and_a_program_that_lacks_it_too() {
        let tree = Tree::new();
        let needed = with_libraries(&tree);
        tree.package("libc6", "2.36-9", "/lib/libc.so.6");
        tree.file("/opt/app/bin/app", fs::read("/proc/self/exe").unwrap()).mode("/opt/app/bin/app", 0o755);
        let items = tree.items(collect);
        let libc = ["file", "package", "version"].map(|name| field(&items, "libc.so.6", name).unwrap());
        assert_eq!(libc, ["/lib/libc.so.6", "dpkg:libc6", "2.36-9"]);
        assert!(!items.keys().any(|key| key.contains(" needs ")), "{items:?}");
        let lost = needed.iter().find(|name| *name != "libc.so.6").unwrap();
        fs::remove_file(tree.root().join("lib").join(lost)).unwrap();
        assert_eq!(
            field(&tree.items(collect), &format!("/opt/app/bin/app needs {lost}"), "needs"),
            Some(lost.as_str())
        );
    }

    #[test]
    fn a_version_that_the_library_lacks_is_told() {
        let machine = (true, 62);
        let program = Elf {
            machine,
            needed: vec!["libc.so.6".to_owned()],
            wants: [("libc.so.6".to_owned(), vec!["GLIBC_2.4".to_owned(), "GLIBC_2.38".to_owned()])].into(),
            ..Elf::default()
        };
        let library = Elf { machine, defines: vec!["GLIBC_2.4".to_owned()], ..Elf::default() };
        let libraries = Libraries { paths: BTreeMap::new(), directories: vec!["/lib".to_owned()] };
        let mut known = [("/lib/libc.so.6".to_owned(), Some(library))].into();
        let mut found = Found::default();
        Tree::new().view(|view| libraries.lacks(view, "/opt/app", &program, &mut known, &mut found));
        let items = found.into_items();
        assert_eq!(items.keys().collect::<Vec<_>>(), ["/opt/app needs GLIBC_2.38"]);
        assert_eq!(field(&items, "/opt/app needs GLIBC_2.38", "found"), Some("/lib/libc.so.6"));
    }
}
