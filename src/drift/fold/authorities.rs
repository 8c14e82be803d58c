//! Trusted authorities come and go with the bundle that holds all of them, and with the package that makes the bundle.

use super::super::difference::{Difference, DifferenceKind};
use super::{Scene, Seen};
use envup_agent::Section;

/// One file with all of them, as distributions call it.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The packages that make it.
const PACKAGES: [&str; 4] =
    ["dpkg:ca-certificates", "rpm:ca-certificates", "apk:ca-certificates", "apk:ca-certificates-bundle"];

/// The package or bundle that an authority came or went with, also where only one of its stores did.
pub fn bundle_of_authority<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let authority = seen.difference;
    let is_store = authority.kind == DifferenceKind::Changed && authority.fields() == ["in"];
    let bundle = || BUNDLES.iter().find_map(|path| scene.find(Section::Files, path));
    let whole = package(scene).or_else(bundle).filter(|whole| whole.kind != DifferenceKind::Changed)?;
    (authority.is_in(Section::Certificates) && (is_store || whole.kind == authority.kind)).then_some(whole)
}

/// The package that a bundle came or went with; a bundle alone stands for itself.
pub fn package_of_bundle<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let bundle = seen.difference;
    package(scene).filter(|package| is_bundle(bundle) && package.kind == bundle.kind)
}

/// Whether a difference is about a bundle.
pub fn is_bundle(difference: &Difference) -> bool {
    difference.is_in(Section::Files) && BUNDLES.contains(&difference.key.as_str())
}

fn package<'a>(scene: &Scene<'a>) -> Option<&'a Difference> {
    let mut packages = PACKAGES.iter().filter_map(|key| scene.find(Section::Packages, key));
    packages.find(|package| package.kind != DifferenceKind::Changed)
}
