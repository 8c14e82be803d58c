//! Packages of npm that were installed for everybody (`npm install --global`), by their `package.json`.
//!
//! What is installed inside of them belongs to them.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::super::owners::Owners;
use super::{add_language, below, names, text};

/// Where npm installs for everybody, beside the directory for links to programs.
const PREFIXES: [&str; 2] = ["/usr", "/usr/local"];

#[derive(Deserialize)]
struct About {
    #[serde(default)]
    version: String,
}

/// Adds every package that no package of the system brought.
pub fn read(root: &Path, owners: &mut Owners) {
    for prefix in PREFIXES {
        let modules = format!("{prefix}/lib/node_modules");
        let installed = names(root, &modules);
        for name in &installed {
            if name.starts_with('@') {
                for inner in names(root, &format!("{modules}/{name}")) {
                    read_package(root, &modules, &format!("{name}/{inner}"), owners);
                }
            } else {
                read_package(root, &modules, name, owners);
            }
        }
        // Each program has to be asked whether it is a link: most machines have a thousand of them and nothing that one could lead to.
        if !installed.is_empty() {
            read_programs(root, prefix, &modules, owners);
        }
    }
}

fn read_package(root: &Path, modules: &str, name: &str, owners: &mut Owners) {
    let directory = format!("{modules}/{name}");
    let about = format!("{directory}/package.json");
    if owners.listed(about.as_bytes()).is_some() {
        return;
    }
    let Some(about) = text(root, &about).and_then(|text| serde_json::from_str::<About>(&text).ok()) else {
        return;
    };
    let Some(package) = add_language(owners, format!("npm:{modules}:{name}"), &about.version) else { return };
    owners.list_below(package, directory.as_bytes());
}

/// Links to programs belong to the package that they lead into.
fn read_programs(root: &Path, prefix: &str, modules: &str, owners: &mut Owners) {
    let programs = format!("{prefix}/bin");
    for name in names(root, &programs) {
        let path = format!("{programs}/{name}");
        let Ok(target) = fs::read_link(below(root, &path)) else { continue };
        let target = target.to_string_lossy().into_owned();
        let Some(inside) = target.strip_prefix("../lib/node_modules/") else { continue };
        let parts = if inside.starts_with('@') { 2 } else { 1 };
        let package: Vec<&str> = inside.split('/').take(parts).collect();
        let directory = format!("{modules}/{}", package.join("/"));
        if let Some(owned) = owners.everything_below(directory.as_bytes()) {
            owners.list(owned.package, path.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Tree;
    use super::*;

    #[test]
    fn a_package_owns_its_directory_and_the_links_into_it() {
        let tree = Tree::new();
        tree.file("/usr/local/lib/node_modules/npm/package.json", r#"{"name": "npm", "version": "10.2.0"}"#);
        tree.file("/usr/local/lib/node_modules/@vue/cli/package.json", r#"{"version": "5.0.8"}"#);
        tree.file("/usr/local/lib/node_modules/notes.txt", "no package");
        tree.link("/usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js");
        tree.link("/usr/local/bin/vue", "../lib/node_modules/@vue/cli/bin/vue.js");
        tree.link("/usr/local/bin/other", "elsewhere");
        let mut owners = Owners::default();
        read(tree.root(), &mut owners);
        let of = |path: &str| owners.of(path).map(|package| (&*package.key, &*package.version));
        let npm = Some(("npm:/usr/local/lib/node_modules:npm", "10.2.0"));
        assert_eq!(of("/usr/local/lib/node_modules/npm/lib/deep/x.js"), npm);
        assert_eq!(of("/usr/local/bin/npm"), npm);
        assert_eq!(of("/usr/local/bin/vue"), Some(("npm:/usr/local/lib/node_modules:@vue/cli", "5.0.8")));
        assert_eq!((of("/usr/local/bin/other"), of("/usr/local/lib/node_modules/notes.txt")), (None, None));
    }
}
