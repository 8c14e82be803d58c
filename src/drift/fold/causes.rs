//! Which difference is the cause of another one, or says the same with more understanding.

use super::super::difference::{Difference, DifferenceKind};
use super::super::packaged::is_silent;
use super::authorities::{bundle_of_authority, package_of_bundle};
use super::people::{group_of_user, home_of_user, members_of_group};
use super::units::{explained, port_of_unit, service_of_timer};
use super::{Scene, Seen};
use envup_agent::Section;
use std::path::Path;

/// Finds the difference that another one belongs to.
pub type Cause = for<'a> fn(&Scene<'a>, Seen<'a>) -> Option<&'a Difference>;

/// In the order in which they are asked.
pub const CAUSES: &[Cause] = &[
    part_of_package,
    release_of_package,
    digest_of_package,
    bundle_of_authority,
    package_of_bundle,
    explained,
    file_of_program,
    locale_files,
    service_of_timer,
    port_of_unit,
    group_of_user,
    members_of_group,
    home_of_user,
    covered_by_mount,
    inside_directory,
];

/// Fields that follow from the version of the package.
const OF_VERSION: [&str; 5] = ["version", "file", "real", "package", "sha256"];

/// What came or went with its package, and what has the package's new version.
fn part_of_package<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let difference = seen.difference;
    let owner = |name: &str| scene.find(Section::Packages, name).filter(|package| package.is_of_version());
    let package = seen.values("package").find_map(owner)?;
    let is_part = match package.kind {
        DifferenceKind::Changed if difference.is_in(Section::Files) => {
            // A packaged program that is told by itself was changed by somebody, whatever its version.
            seen.is_one_sided()
                && difference.kind != DifferenceKind::Changed
                && !is_silent(&difference.key, &package.key)
        }
        DifferenceKind::Changed
            if [Section::Libraries, Section::Runtimes]
                .map(Section::as_str)
                .contains(&&*difference.section) =>
        {
            seen.is_one_sided() || difference.fields().iter().all(|field| OF_VERSION.contains(field))
        }
        DifferenceKind::Changed => seen.is_one_sided(),
        kind => kind == difference.kind,
    };
    is_part.then_some(package)
}

/// Releases that a package stands for.
fn release_of_package<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let package = match (seen.difference.section.as_str(), seen.difference.key.as_str()) {
        ("os", "libc") => "dpkg:libc6",
        ("os", "debian version") => "dpkg:base-files",
        _ => return None,
    };
    scene.find(Section::Packages, package).filter(|package| package.is_of_version())
}

/// The digest of a package differs when a file of it has become an item, or is none any more.
fn digest_of_package<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    if !seen.difference.is_in(Section::Packages) || seen.difference.fields() != ["files"] {
        return None;
    }
    scene.all(Section::Files).find(|file| {
        let file = scene.seen(file);
        file.is_one_sided()
            && file.field("package") == Some(&seen.difference.key)
            && file.difference.rule.is_none()
    })
}

/// The file that a library, a runtime or a program with needs is.
fn file_of_program<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let file = seen.difference;
    if !file.is_in(Section::Files) {
        return None;
    }
    let programs = scene.all(Section::Runtimes).chain(scene.all(Section::Libraries));
    programs.into_iter().find(|program| {
        let is_it = |name| scene.seen(program).values(name).any(|path| path == file.key);
        let needs = program.key.strip_prefix(&file.key).is_some_and(|rest| rest.starts_with(" needs "));
        // A program that another one hides, or the other way round.
        let shadows = |paths: &str| paths.split(',').any(|path| path == file.key);
        let is_hidden = scene.seen(program).values("shadows").any(shadows);
        let explains = seen.is_one_sided() || program.fields().contains(&"version");
        explains && (needs || is_hidden || ["file", "path", "real"].into_iter().any(is_it))
    })
}

/// What is written when locales are made.
fn locale_files<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let path = &seen.difference.key;
    let is_of_locales = path == "/etc/locale.gen" || path.starts_with("/usr/lib/locale/");
    (seen.difference.is_in(Section::Files) && is_of_locales)
        .then(|| scene.find(Section::Locale, "available"))?
}

/// What is out of sight since something was mounted over it, and what came to light when that went.
fn covered_by_mount<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let file = seen.difference;
    if !file.is_in(Section::Files) {
        return None;
    }
    let covers = |mount: &&Difference| {
        matches!(
            (mount.kind, file.kind),
            (DifferenceKind::Extra, DifferenceKind::Missing)
                | (DifferenceKind::Missing, DifferenceKind::Extra)
        )
    };
    let places = Path::new(&file.key).ancestors().filter_map(Path::to_str);
    places.filter_map(|place| scene.find(Section::Mounts, place)).find(covers)
}

/// What is in a directory that came or went as a whole, unless it is worse than that.
fn inside_directory<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let inside = seen.difference;
    if !inside.is_in(Section::Files) || inside.kind == DifferenceKind::Changed {
        return None;
    }
    let (parent, _) = inside.key.rsplit_once('/')?;
    let directory = scene.find(Section::Files, parent)?;
    let is_whole = match directory.kind {
        DifferenceKind::Changed => directory.fields().contains(&"type"),
        kind => kind == inside.kind,
    };
    (is_whole && inside.severity <= directory.severity).then_some(directory)
}
