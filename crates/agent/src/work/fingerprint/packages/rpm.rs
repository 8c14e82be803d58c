//! rpm's packages: not read. Its database is SQLite or Berkeley DB with a format of its own inside; that it is there is said.

use std::path::Path;

use super::super::owners::Owners;
use super::below;

const DATABASES: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const FILES: [&str; 3] = ["rpmdb.sqlite", "Packages", "Packages.db"];

/// Says that packages are missing where rpm keeps any.
pub fn read(root: &Path, owners: &mut Owners) {
    let is_kept = |directory: &&&str| FILES.iter().any(|file| below(root, directory).join(file).exists());
    if let Some(directory) = DATABASES.iter().find(is_kept) {
        owners.cannot(
            "rpm",
            format!("the database of rpm packages in {directory} cannot be read by this version"),
        );
    }
}
