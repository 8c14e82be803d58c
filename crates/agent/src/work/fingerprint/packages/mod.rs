//! Packages that are installed, each manager in a file of its own.

pub mod dpkg;

use super::view::{Found, View};

/// All packages of all managers.
pub fn collect(view: &View<'_>, found: &mut Found) {
    for package in view.owners.packages() {
        let fields = package.fields.iter().map(|(name, value)| (*name, Some(value.as_str())));
        found.item(package.key.as_str(), fields.chain([("version", Some(package.version.as_str()))]));
    }
}
