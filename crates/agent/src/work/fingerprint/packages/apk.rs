//! Alpine's packages, from apk's own database: paragraphs of lines that begin with a letter.

use std::path::Path;

use super::super::owners::{Owners, Package};
use super::text;

const DATABASES: [&str; 2] = ["/usr/lib/apk/db/installed", "/lib/apk/db/installed"];

/// Adds every package with the paths that it brought.
pub fn read(root: &Path, owners: &mut Owners) {
    let Some(installed) = DATABASES.iter().find_map(|path| text(root, path)) else { return };
    for paragraph in installed.split("\n\n") {
        let field = |letter: &str| paragraph.lines().find_map(|line| line.strip_prefix(letter));
        let (Some(name), Some(version)) = (field("P:"), field("V:")) else { continue };
        let fields = field("A:").map(|arch| ("arch", arch.to_owned()));
        let package = Package {
            key: format!("apk:{name}"),
            version: version.to_owned(),
            fields: fields.into_iter().collect(),
            ..Package::default()
        };
        let Some(place) = owners.add(package) else { return };
        let mut directory = "";
        for line in paragraph.lines() {
            let path = match line.split_once(':') {
                Some(("F", "")) => {
                    directory = "";
                    continue;
                }
                Some(("F", path)) => {
                    directory = path;
                    format!("/{path}")
                }
                Some(("R", file)) if directory.is_empty() => format!("/{file}"),
                Some(("R", file)) => format!("/{directory}/{file}"),
                _ => continue,
            };
            owners.list(place, path.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Tree;
    use super::*;

    #[test]
    fn packages_own_what_they_list() {
        let tree = Tree::new();
        tree.file(
            "/lib/apk/db/installed",
            "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nF:usr\nF:usr/bin\nR:ldd\n\nP:x\nV:1\n",
        );
        let mut owners = Owners::default();
        read(tree.root(), &mut owners);
        let keys: Vec<_> =
            owners.packages().iter().map(|package| (&*package.key, &*package.version)).collect();
        assert_eq!(keys, [("apk:musl", "1.2.5-r0"), ("apk:x", "1")]);
        for path in ["/lib/ld-musl-x86_64.so.1", "/usr/bin/ldd", "/usr/bin"] {
            assert_eq!(owners.of(path).map(|package| &*package.key), Some("apk:musl"), "{path}");
        }
    }
}
