//! What an item of a packaged file says: such a file is an item of its own only when it is not what its package brought, and
//! one that is gone is told as an item of the type `missing`.
//!
//! So an item on one side alone does not mean that the file is on that side alone.

use envup_agent::{Fingerprint, Item, Section};

/// Below these, every file that came with a package of the system is an item.
const TOLD_ONE_BY_ONE: [&str; 4] = ["/etc/", "/usr/local/", "/opt/", "/srv/"];

/// Packages of the system; those of languages are told only where they changed, wherever they lie.
const SYSTEM: [&str; 3] = ["dpkg:", "rpm:", "apk:"];

/// The sides of a file as people would tell them; others are left as they are.
pub fn sides(
    key: &str,
    was: Option<Item>,
    is: Option<Item>,
    before: &Fingerprint,
    after: &Fingerprint,
) -> (Option<Item>, Option<Item>) {
    let known = |item: &Option<Item>, other: &Fingerprint| {
        let package = item.as_ref().and_then(|item| item.get("package"));
        package.is_some_and(|package| is_silent(key, package) && has(other, package))
    };
    let (was, is) = match (was, is) {
        (None, is) if known(&is, before) => (Some(as_packaged()), is.map(besides_type)),
        (was, None) if known(&was, after) => (was.map(besides_type), Some(as_packaged())),
        sides => sides,
    };
    match (is_gone(&was), is_gone(&is)) {
        (true, false) => (None, is),
        (false, true) => (was, None),
        _ => (was, is),
    }
}

/// Whether a path of a package is no item while it is as the package brought it.
pub fn is_silent(path: &str, package: &str) -> bool {
    let is_system = SYSTEM.iter().any(|manager| package.starts_with(manager));
    !(is_system && TOLD_ONE_BY_ONE.iter().any(|place| path.starts_with(place)))
}

fn has(side: &Fingerprint, package: &str) -> bool {
    side.items(Section::Packages).is_some_and(|packages| packages.contains_key(package))
}

fn is_gone(item: &Option<Item>) -> bool {
    item.as_ref().and_then(|item| item.get("type")).is_some_and(|kind| kind == "missing")
}

/// Without its type where that is what packages bring most: the other side does not tell it, so it is not known to differ.
fn besides_type(mut item: Item) -> Item {
    if matches!(item.get("type").map(String::as_str), Some("file" | "link")) {
        item.remove("type");
    }
    item
}

fn as_packaged() -> Item {
    [("state".to_owned(), "as packaged".to_owned())].into()
}
