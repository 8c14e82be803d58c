//! Follows links as the machine itself would: an absolute target begins at the root of its tree, `..` never leaves it.
//!
//! Each name on the way is asked for once. Hundreds of paths lead through the same few directories, and where a processor is
//! emulated every call costs as much as a thousand steps here.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::hash::Quick;

/// As many links may follow one another; the kernel allows as many.
const MOST: usize = 40;

/// The links of one tree.
pub struct Links<'r> {
    root: &'r Path,
    known: Mutex<HashMap<Vec<u8>, Is, Quick>>,
}

/// What is at a path whose directories are none of them links.
#[derive(Clone)]
enum Is {
    Link(Arc<[u8]>),
    Other,
    Absent,
}

/// Where a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub struct Reached {
    /// The path within the tree, without links.
    pub path: String,
    /// Whether something is there.
    pub exists: bool,
}

impl<'r> Links<'r> {
    /// Of the tree below `root`.
    pub fn new(root: &'r Path) -> Links<'r> {
        Links { root, known: Mutex::default() }
    }

    /// Where a path leads to; `None` where links go in circles.
    pub fn reach(&self, path: &str) -> Option<Reached> {
        let mut real = Vec::new();
        let mut left: Vec<Vec<u8>> = parts(path.as_bytes());
        let (mut followed, mut exists) = (0, true);
        while let Some(part) = left.pop() {
            if part == b".." {
                real.truncate(real.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                continue;
            }
            let parent = real.len();
            real.push(b'/');
            real.extend_from_slice(&part);
            match self.is(&real) {
                Is::Other => {}
                Is::Absent => exists = false,
                Is::Link(target) => {
                    followed += 1;
                    if followed > MOST {
                        return None;
                    }
                    real.truncate(if target.starts_with(b"/") { 0 } else { parent });
                    left.extend(parts(&target));
                }
            }
        }
        let path = if real.is_empty() { "/".to_owned() } else { String::from_utf8_lossy(&real).into_owned() };
        Some(Reached { path, exists })
    }

    fn is(&self, path: &[u8]) -> Is {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is) = known().get(path) {
            return is.clone();
        }
        let is = match fs::read_link(self.root.join(OsStr::from_bytes(&path[1..]))) {
            Ok(target) => Is::Link(target.into_os_string().into_vec().into()),
            // What the kernel says of all that is no link.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Is::Other,
            Err(_) => Is::Absent,
        };
        known().insert(path.to_vec(), is.clone());
        is
    }
}

/// The names on the way, the first one last.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".");
    names.rev().map(<[u8]>::to_vec).collect()
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
        let links = Links::new(tree.root());
        let reached = |path: &str, exists| Some(Reached { path: path.to_owned(), exists });
        // Twice: what is known by then says the same.
        for _ in 0..2 {
            assert_eq!(links.reach("/etc/a"), reached("/usr/lib/real", true));
            assert_eq!(links.reach("/etc/up"), reached("/usr/lib/real", true));
            assert_eq!(links.reach("/etc/none/x"), reached("/etc/none/x", false));
            assert_eq!(links.reach("/usr/lib/real/x"), reached("/usr/lib/real/x", false));
            assert_eq!(links.reach("/.."), reached("/", true));
            assert_eq!(links.reach("/etc/round"), None);
        }
    }

    #[test]
    fn a_name_is_asked_for_once() {
        let tree = Tree::new();
        tree.file("/usr/lib/a", "").file("/usr/lib/b", "").link("/lib", "usr/lib");
        let links = Links::new(tree.root());
        links.reach("/lib/a");
        let before = links.known.lock().unwrap().len();
        links.reach("/lib/b");
        assert_eq!(links.known.lock().unwrap().len(), before + 1);
        // What changes meanwhile is seen the next time.
        fs::remove_file(tree.root().join("usr/lib/b")).unwrap();
        assert!(links.reach("/lib/b").unwrap().exists);
        assert!(!Links::new(tree.root()).reach("/lib/b").unwrap().exists);
    }
}
