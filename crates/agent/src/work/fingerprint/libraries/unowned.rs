//! Programs and libraries that no package owns, where administrators put them.
//!
//! At most 20,000 entries are looked at and 400 programs are read, so that a tree of sources below /srv costs little.

use super::super::view::{Found, View};

use std::os::unix::fs::PermissionsExt as _;

const PLACES: &[&str] = &["/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/opt", "/srv"];
const ENTRIES: usize = 20_000;
const PROGRAMS: usize = 400;

/// Ends of names that no program has.
const NOT_PROGRAMS: &[&str] = &[
    "c", "conf", "css", "gif", "gz", "h", "html", "jar", "jpg", "js", "json", "map", "md", "mjs", "php",
    "pl", "pm", "png", "py", "pyc", "pyi", "rb", "rst", "sh", "svg", "toml", "ts", "txt", "xml", "yaml",
    "yml", "zip",
];

/// Their paths. What cannot be read is told by the section `files`.
pub fn programs(view: &View<'_>) -> Vec<String> {
    let mut unheard = Found::default();
    let mut left: Vec<String> = PLACES.iter().rev().map(|place| (*place).to_owned()).collect();
    let (mut programs, mut entries) = (Vec::new(), 0);
    while let Some(directory) = left.pop() {
        for name in view.names(&directory, &mut unheard) {
            entries += 1;
            if entries > ENTRIES || programs.len() >= PROGRAMS {
                return programs;
            }
            let end = name.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
            let path = format!("{directory}/{name}");
            if NOT_PROGRAMS.contains(&end) {
                continue;
            }
            let Ok(metadata) = view.path(&path).symlink_metadata() else { continue };
            let is_program =
                || metadata.permissions().mode() & 0o111 != 0 || end == "so" || name.contains(".so.");
            if metadata.is_dir() {
                left.push(path);
            } else if metadata.is_file() && is_program() && view.owners().of(&path).is_none() {
                programs.push(path);
            }
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Tree;
    use super::*;

    #[test]
    fn programs_of_packages_and_other_files_are_left_out() {
        let tree = Tree::new();
        for path in
            ["/opt/a/run", "/usr/local/bin/owned", "/usr/local/lib/libx.so.1", "/srv/index.js", "/srv/notes"]
        {
            tree.file(path, "");
        }
        tree.mode("/opt/a/run", 0o755).mode("/usr/local/bin/owned", 0o755).package(
            "p",
            "1",
            "/usr/local/bin/owned",
        );
        let found = tree.view(programs);
        assert_eq!(found, ["/usr/local/lib/libx.so.1", "/opt/a/run"]);
    }
}
