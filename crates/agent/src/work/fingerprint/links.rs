//! Follows links inside a tree that is not `/`: an absolute target begins at the tree's root, `..` never leaves it.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many links may follow one another; the kernel allows as many.
const MOST: usize = 40;

/// The path within the tree below `root` without links, whether or not something is there; `None` where links go in circles.
pub fn resolve(root: &Path, path: &str) -> Option<String> {
    let mut real = PathBuf::from("/");
    let mut left: Vec<String> = parts(Path::new(path));
    let mut followed = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            real.pop();
            continue;
        }
        real.push(&part);
        let Ok(target) = fs::read_link(root.join(real.strip_prefix("/").ok()?)) else { continue };
        followed += 1;
        if followed > MOST {
            return None;
        }
        real.pop();
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        left.extend(parts(&target));
    }
    Some(real.to_string_lossy().into_owned())
}

/// The names on the way, the first one last.
fn parts(path: &Path) -> Vec<String> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::ParentDir => Some("..".to_owned()),
        _ => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn links_stay_in_the_tree() {
        let tree = Tree::new();
        tree.file("/usr/lib/real", "").link("/lib", "usr/lib").link("/etc/a", "/lib/real");
        tree.link("/etc/up", "../../../../lib/real").link("/etc/round", "round");
        let real = |path| resolve(tree.root(), path);
        assert_eq!(real("/etc/a").as_deref(), Some("/usr/lib/real"));
        assert_eq!(real("/etc/up").as_deref(), Some("/usr/lib/real"));
        assert_eq!(real("/etc/none/x").as_deref(), Some("/etc/none/x"));
        assert_eq!(real("/etc/round"), None);
    }
}
