//! What packages promised about their files, read when the first of them is asked for, by whichever thread.

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use crate::work::fingerprint::owners::{Owners, Package, Promise};

/// The lists that were asked for.
#[derive(Default)]
pub struct Promised {
    /// One a package.
    lists: OnceLock<Box<[OnceLock<Sums>]>>,
}

/// MD5 by path.
type Sums = HashMap<Vec<u8>, [u8; 16]>;

impl Promised {
    /// The MD5 that a path should have; `None` when its package promises none.
    pub fn md5(&self, owners: &Owners, package: u32, path: &[u8]) -> Option<[u8; 16]> {
        let packages = owners.packages();
        let lists = self.lists.get_or_init(|| packages.iter().map(|_| OnceLock::new()).collect());
        let (list, package) = (lists.get(package as usize)?, packages.get(package as usize)?);
        list.get_or_init(|| sums(owners, package)).get(path).copied()
    }
}

fn sums(owners: &Owners, package: &Package) -> Sums {
    let Promise::Md5sums { list, .. } = &package.promise else { return Sums::new() };
    let text = fs::read(list).unwrap_or_default();
    text.split(|byte| *byte == b'\n').filter_map(|line| sum(owners, line)).collect()
}

/// A line of an md5sums file: digest, two blanks, path.
fn sum(owners: &Owners, line: &[u8]) -> Option<(Vec<u8>, [u8; 16])> {
    let (digest, path) = line.split_at_checked(32)?;
    let mut md5 = [0; 16];
    for (byte, digits) in md5.iter_mut().zip(digest.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    let path = [b"/", path.strip_prefix(b"  ")?].concat();
    Some((owners.resolved(&path).unwrap_or(path), md5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_sums_is_understood() {
        let digest = "00112233445566778899aabbccddeeff";
        let (path, md5) = sum(&Owners::default(), format!("{digest}  usr/bin/a b").as_bytes()).unwrap();
        assert_eq!((path.as_slice(), md5[15]), (&b"/usr/bin/a b"[..], 0xff));
        assert_eq!(sum(&Owners::default(), b"0011  usr/bin/a"), None);
    }
}
