//! The digests of packages: one of all their files that are told nowhere else, one of their documentation.

use sha2::{Digest as _, Sha256};

use envup_agent::Content;

use super::Scan;
use super::entry::{Entry, Inside};
use super::names::Names;
use super::told::Told;
use super::walk::Walked;
use crate::work::fingerprint::view::{Found, hex};

/// One digest a package and kind of file.
pub struct Digests {
    packages: Vec<[Option<Sha256>; 2]>,
    line: Vec<u8>,
}

/// The fields they become: of files and of documentation.
const FIELDS: [&str; 2] = ["files", "documents"];

impl Digests {
    /// Of everything that the walk saw and that is no item.
    pub(super) fn of_packages(scan: &Scan<'_>, walked: &Walked<'_>) -> Digests {
        let packages = scan.view.owners().packages().len();
        let packages = std::iter::repeat_with(Default::default).take(packages).collect();
        let mut digests = Digests { packages, line: Vec::new() };
        // Who makes the items says what cannot be read.
        let mut names = Names::read(scan.view, &mut Found::default());
        let is_of_package = |entry: &Entry<'_>| matches!(entry.told, Told::Package(_));
        walked.each(is_of_package, |place, path, entry| {
            let Told::Package(package) = entry.told else { return };
            let owner = names.owner(entry.user, entry.group);
            digests.add(package, place.is_document, path, entry, &owner);
        });
        digests
    }

    /// Adds a path to its package. The order counts: directory by directory, by name.
    fn add(&mut self, package: u32, is_document: bool, path: &[u8], entry: &Entry<'_>, owner: &str) {
        let Some(digests) = self.packages.get_mut(package as usize) else { return };
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(path);
        line.extend_from_slice(&[0, entry.mode.to_le_bytes()[0], entry.mode.to_le_bytes()[1], 0]);
        line.extend_from_slice(entry.kind.as_str().as_bytes());
        line.push(0);
        line.extend_from_slice(owner.as_bytes());
        line.push(0);
        match &entry.inside {
            Inside::Content(Content::Sha256(inside) | Content::Keyed(inside)) => {
                line.extend_from_slice(inside)
            }
            Inside::Target(target) => line.extend_from_slice(target),
            Inside::Untold | Inside::Size | Inside::Device(_) => {}
        }
        line.push(b'\n');
        digests[usize::from(is_document)].get_or_insert_default().update(line);
    }

    /// The digests of a package, by the name of their field.
    pub fn of(&self, package: usize) -> impl Iterator<Item = (&'static str, String)> {
        let digests = self.packages.get(package).into_iter().flatten();
        FIELDS
            .into_iter()
            .zip(digests)
            .filter_map(|(field, digest)| Some((field, hex(&digest.as_ref()?.clone().finalize()))))
    }
}
