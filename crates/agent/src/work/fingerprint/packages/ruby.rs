//! Ruby's gems, by the specifications beside them.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::owners::Owners;
use super::{add_language, below, names, text};

/// Directories with one directory of gems for each version of Ruby.
const BY_VERSION: [&str; 4] =
    ["/usr/lib/ruby/gems", "/usr/lib64/ruby/gems", "/usr/local/lib/ruby/gems", "/var/lib/gems"];
/// A directory of gems itself.
const SINGLE: &str = "/usr/local/bundle";

/// Adds every gem that no package of the system brought.
pub fn read(root: &Path, owners: &mut Owners) {
    let versions = BY_VERSION
        .iter()
        .flat_map(|home| names(root, home).into_iter().map(move |version| format!("{home}/{version}")));
    for home in versions.chain([SINGLE.to_owned()]) {
        let mut gems: BTreeMap<String, Vec<Gem>> = BTreeMap::new();
        for kind in ["specifications", "specifications/default"] {
            for file in names(root, &format!("{home}/{kind}")) {
                let gem = gem(root, format!("{home}/{kind}/{file}"), owners);
                if let Some((name, gem)) = gem {
                    gems.entry(name).or_default().push(gem);
                }
            }
        }
        for (name, versions) in gems {
            add(root, &home, &name, versions, owners);
        }
    }
}

/// One version of a gem.
struct Gem {
    specification: String,
    version: String,
}

fn gem(root: &Path, specification: String, owners: &Owners) -> Option<(String, Gem)> {
    if !specification.ends_with(".gemspec") || owners.listed(specification.as_bytes()).is_some() {
        return None;
    }
    let text = text(root, &specification)?;
    let (name, version) = (attribute(&text, "name")?, attribute(&text, "version")?);
    Some((name.to_owned(), Gem { specification, version: version.to_owned() }))
}

/// Adds a gem, which may be there in several versions side by side.
fn add(root: &Path, home: &str, name: &str, gems: Vec<Gem>, owners: &mut Owners) {
    let versions: Vec<&str> = gems.iter().map(|gem| gem.version.as_str()).collect();
    let Some(package) = add_language(owners, format!("gem:{home}:{name}"), &versions.join(", ")) else {
        return;
    };
    let extensions = format!("{home}/extensions");
    for Gem { specification, .. } in gems {
        let file = specification.rsplit_once('/').map_or("", |(_, file)| file);
        let stem = file.trim_end_matches(".gemspec");
        for path in [format!("{home}/cache/{stem}.gem"), format!("{home}/build_info/{stem}.info")] {
            if below(root, &path).exists() {
                owners.list(package, path.as_bytes());
            }
        }
        let mut directories = vec![format!("{home}/gems/{stem}"), format!("{home}/doc/{stem}")];
        for platform in names(root, &extensions) {
            for version in names(root, &format!("{extensions}/{platform}")) {
                directories.push(format!("{extensions}/{platform}/{version}/{stem}"));
            }
        }
        for directory in directories.iter().filter(|directory| below(root, directory).exists()) {
            owners.list_below(package, directory.as_bytes());
        }
        owners.list(package, specification.as_bytes());
    }
}

/// `s.name = "rake".freeze`.
fn attribute<'t>(specification: &'t str, name: &str) -> Option<&'t str> {
    let value = specification.lines().find_map(|line| {
        let (_, assigned) = line.trim().split_once('.')?;
        assigned.strip_prefix(name)?.trim_start().strip_prefix('=')
    })?;
    value.trim_start().strip_prefix(['"', '\''])?.split(['"', '\'']).next()
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Tree;
    use super::*;

    #[test]
    fn a_gem_owns_its_directories() {
        let tree = Tree::new();
        let specification =
            "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\nend\n";
        tree.file("/var/lib/gems/3.1.0/specifications/rake-13.0.6.gemspec", specification);
        let older = specification.replace("13.0.6", "12.3.3");
        tree.file("/var/lib/gems/3.1.0/specifications/rake-12.3.3.gemspec", older);
        tree.file("/var/lib/gems/3.1.0/gems/rake-13.0.6/lib/rake.rb", "");
        tree.file("/var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/rake-13.0.6/gem.build_complete", "");
        let mut owners = Owners::default();
        read(tree.root(), &mut owners);
        let of = |path: &str| owners.of(path).map(|package| (&*package.key, &*package.version));
        let rake = Some(("gem:/var/lib/gems/3.1.0:rake", "12.3.3, 13.0.6"));
        assert_eq!(of("/var/lib/gems/3.1.0/gems/rake-13.0.6/lib/rake.rb"), rake);
        assert_eq!(
            of("/var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/rake-13.0.6/gem.build_complete"),
            rake
        );
        assert_eq!(of("/var/lib/gems/3.1.0/gems/other-1/lib/x.rb"), None);
    }
}
