//! In which language and at which time the machine lives: its locale, the locales that were made, its time zone.

use std::collections::BTreeMap;
use std::fs::File;

use envup_agent::{is_public_variable, looks_secret};
use sha2::{Digest as _, Sha256};

use super::os::assignment;
use super::read_at::ReadAt;
use super::view::{Found, View, hex};

const MADE: &str = "/usr/lib/locale";
const ZONES: &str = "/usr/share/zoneinfo/";

/// The section `locale`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    for path in ["/etc/default/locale", "/etc/locale.conf"] {
        let text = view.text(path, found).unwrap_or_default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let Some(name) = line.split('=').next().filter(|name| *name != line && !name.is_empty()) else {
                continue;
            };
            let value = assignment(line, name).unwrap_or_default();
            // Others have no business here, and nobody knows what they are.
            match is_public_variable(name) && !looks_secret(value) {
                true => found.value(name, value),
                false => {
                    let keyed = view.keyed(&format!("variable {name}"), value.as_bytes());
                    found.item(name, [("keyed", Some(keyed.as_str()))]);
                }
            }
        }
    }
    let mut made: Vec<String> =
        view.names(MADE, found).into_iter().filter(|name| !name.ends_with("-archive")).collect();
    let archive =
        view.real(&format!("{MADE}/locale-archive")).and_then(|real| File::open(view.path(real)).ok());
    made.extend(archive.and_then(|archive| archived(&archive)).unwrap_or_default());
    made.sort();
    made.dedup();
    found.value("available", &made.join(","));
    time_zone(view, found);
}

/// The names in glibc's archive of locales: a header, a table that tells where each name and its data are, the names.
fn archived(archive: &dyn ReadAt) -> Option<Vec<String>> {
    let number = |offset: u64| {
        let mut bytes = [0; 4];
        archive.read_at(&mut bytes, offset).then(|| u32::from_le_bytes(bytes))
    };
    if number(0)? != 0xde02_0109 {
        return None;
    }
    let (table, places) = (u64::from(number(8)?), u64::from(number(16)?.min(100_000)));
    let mut names = Vec::new();
    for place in 0..places {
        let entry = table + place * 12;
        let (Some(name), Some(data)) = (number(entry + 4), number(entry + 8)) else { break };
        if name != 0 && data != 0 {
            names.push(archive.text_at(u64::from(name)));
        }
    }
    Some(names)
}

/// `timezone`, and in it what /etc/timezone says where that is something else.
fn time_zone(view: &View<'_>, found: &mut Found) {
    let said = view.text("/etc/timezone", found).map(|text| plain(text.trim()).to_owned());
    let zone = match std::fs::read_link(view.path("/etc/localtime")) {
        Ok(target) => {
            let target = target.to_string_lossy().into_owned();
            let name =
                plain(target.rsplit_once("zoneinfo/").map_or(target.as_str(), |(_, name)| name)).to_owned();
            match view.real("/etc/localtime") {
                Some(_) => name,
                // Then the C library takes UTC, whatever the link says.
                None => format!("{name} (not installed)"),
            }
        }
        Err(_) => match view.bytes("/etc/localtime", found) {
            Some(content) => copied(view, said.as_deref(), &content, found),
            None => "UTC".to_owned(),
        },
    };
    let other = said.filter(|said| zone.split(' ').next() != Some(said) && !said.is_empty());
    found.item("timezone", [("value", Some(zone.as_str())), ("timezone_file", other.as_deref())]);
}

/// All names of the one zone that everybody calls UTC.
fn plain(name: &str) -> &str {
    if matches!(name, "Etc/UTC" | "Etc/UCT" | "UCT" | "Etc/Universal" | "Universal" | "Etc/Zulu" | "Zulu") {
        return "UTC";
    }
    name
}

/// The zone whose file was copied to /etc/localtime.
fn copied(view: &View<'_>, likely: Option<&str>, content: &[u8], found: &mut Found) -> String {
    let mut is_it = |name: &str| view.bytes(&format!("{ZONES}{name}"), found).as_deref() == Some(content);
    if let Some(name) = likely.filter(|name| is_it(name)) {
        return name.to_owned();
    }
    let mut zones = BTreeMap::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        for name in view.names(&format!("{ZONES}{directory}"), &mut Found::default()) {
            let path = format!("{directory}{name}");
            let Ok(metadata) = view.path(format!("{ZONES}{path}")).symlink_metadata() else { continue };
            // `posix` and `right` hold the same zones again.
            if metadata.is_dir() && !matches!(name.as_str(), "posix" | "right") {
                directories.push(format!("{path}/"));
            } else if metadata.is_file() && metadata.len() == content.len() as u64 {
                // Those with a place before those without, such as `CET`.
                zones.insert((!path.contains('/'), path.clone()), path);
            }
        }
    }
    let name = zones.into_values().find(|name| is_it(name)).map(|name| plain(&name).to_owned());
    name.unwrap_or_else(|| format!("unknown, sha256 {}", &hex(&Sha256::digest(content))[..16]))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, odd};
    use super::*;

    /// An archive with one name in a table of two places.
    fn archive() -> Vec<u8> {
        let numbers = [0xde02_0109, 0, 56, 1, 2, 80, 12, 12, 92, 0, 0, 0, 0, 0, 7, 80, 100, 0, 0, 0];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number: &u32| number.to_le_bytes()).collect();
        bytes.extend(b"en_US.utf8\0");
        bytes
    }

    fn zone(tree: &Tree) -> String {
        field(&tree.items(collect), "timezone", "value").unwrap().to_owned()
    }

    #[test]
    fn locales_come_from_files_directories_and_the_archive() {
        let tree = Tree::new();
        tree.file("/etc/default/locale", "# x\nLANG=\"en_US.UTF-8\"\nLC_TIME=C\nX=CANARY\n");
        tree.file("/usr/lib/locale/C.utf8/LC_CTYPE", "").file("/usr/lib/locale/locale-archive", archive());
        let items = tree.items(collect);
        let told = ["LANG", "LC_TIME", "available"].map(|key| field(&items, key, "value").unwrap());
        assert_eq!(told, ["en_US.UTF-8", "C", "C.utf8,en_US.utf8"]);
        assert!(items.contains_key("X") && !format!("{items:?}").contains("CANARY"));
    }

    #[test]
    fn a_zone_is_told_by_link_or_content() {
        let tree = Tree::new();
        assert_eq!(zone(&tree), "UTC");
        tree.file("/usr/share/zoneinfo/Europe/Berlin", "TZif-b").file("/usr/share/zoneinfo/CET", "TZif-b");
        tree.file("/etc/localtime", "TZif-b");
        assert_eq!(zone(&tree), "Europe/Berlin");
        tree.file("/etc/localtime", "TZif-?");
        assert!(zone(&tree).starts_with("unknown, sha256 "));
        let linked = Tree::new();
        linked.file("/usr/share/zoneinfo/Etc/UTC", "").link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
        assert_eq!(zone(&linked), "UTC");
        let dangling = Tree::new();
        dangling
            .link("/etc/localtime", "/usr/share/zoneinfo/Asia/Tokyo")
            .file("/etc/timezone", "Asia/Tokyo\n");
        assert_eq!(zone(&dangling), "Asia/Tokyo (not installed)");
        assert_eq!(field(&dangling.items(collect), "timezone", "timezone_file"), None);
        dangling.file("/etc/timezone", "Europe/Berlin\n");
        assert_eq!(field(&dangling.items(collect), "timezone", "timezone_file"), Some("Europe/Berlin"));
    }

    #[test]
    fn odd_archives_do_no_harm() {
        odd(&archive()).for_each(|bytes| drop(archived(&bytes)));
    }
}
