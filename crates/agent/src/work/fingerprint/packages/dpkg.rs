//! Debian's packages, from dpkg's own database (deb(5), dpkg-query(1)): `status`, `diversions` and the lists below `info`.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::super::owners::{Owners, Package, Promise, lasting};
use super::super::view::text;
use super::super::whole;
use super::names;

const STATUS: &str = "var/lib/dpkg/status";
const DIVERSIONS: &str = "var/lib/dpkg/diversions";
const INFO: &str = "var/lib/dpkg/info";

/// Of a path in a list, with its newline.
const USUAL_LENGTH: usize = 50;

/// Adds every package with the paths that it brought.
pub fn read(root: &Path, owners: &mut Owners) {
    let status = match fs::read(root.join(STATUS)) {
        Ok(status) => text(status),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return owners.cannot("dpkg", error),
    };
    let diversions = fs::read(root.join(DIVERSIONS)).unwrap_or_default();
    let diversions = diversions_of(lasting(diversions));
    let mut lists = Vec::new();
    let native = native(&status);
    let info = root.join(INFO);
    // Asked for once, instead of for each package.
    let names = names(root, INFO);
    let is_there = |name: String| names.binary_search(&name).is_ok();
    let promise = |stem: &str, list: &Metadata| match is_there(format!("{stem}.md5sums")) {
        true => Promise::Md5sums { list: info.join(format!("{stem}.md5sums")), unpacked: nanoseconds(list) },
        false => Promise::Names,
    };
    for paragraph in status.split("\n\n") {
        let Some((name, mut package)) = package(paragraph) else { continue };
        let arch = package.fields.get("arch").cloned().unwrap_or_default();
        if native.is_some_and(|native| arch != native && arch != "all") {
            package.key = format!("dpkg:{name}:{arch}");
        }
        let mut stems = [format!("{name}:{arch}"), name.to_owned()].into_iter();
        // As dpkg does: a package without a list has no files.
        let stem = stems.find(|stem| is_there(format!("{stem}.list")));
        let mut paths: &[u8] = &[];
        match stem.as_deref().map(|stem| whole::read(&info.join(format!("{stem}.list")))).transpose() {
            Ok(read) => {
                if let (Some(stem), Some((list, status))) = (stem, read.flatten()) {
                    paths = lasting(list);
                    package.promise = promise(&stem, &status);
                }
            }
            Err(error) => owners.cannot(package.key.as_str(), format!("the list of its files: {error}")),
        }
        let Some(place) = owners.add(package) else { return };
        lists.push((place, name, paths));
    }
    owners.expect(lists.iter().map(|(_, _, paths)| paths.len()).sum::<usize>() / USUAL_LENGTH);
    for (place, name, paths) in lists {
        let paths = paths.split(|byte| *byte == b'\n').filter(|path| path.len() > 2);
        owners.list_all(place, paths.map(|path| diverted(path, name, &diversions)));
    }
}

/// The architecture of dpkg itself: packages of another one carry it in their name.
fn native(status: &str) -> Option<&str> {
    let (_, own) = status.split_once("Package: dpkg\n")?;
    own.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("Architecture: "))
}

fn nanoseconds(status: &Metadata) -> u64 {
    let seconds = u64::try_from(status.ctime()).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(status.ctime_nsec()).unwrap_or_default()
}

/// A path that one package took from all others.
struct Diversion<'t> {
    from: &'t [u8],
    to: &'t [u8],
    by: &'t [u8],
}

/// dpkg-divert's own list: three lines for each.
fn diversions_of(text: &[u8]) -> Vec<Diversion<'_>> {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.chunks_exact(3).map(|lines| Diversion { from: lines[0], to: lines[1], by: lines[2] }).collect()
}

/// Where a package's path lies now.
fn diverted<'t>(path: &'t [u8], package: &str, diversions: &[Diversion<'t>]) -> &'t [u8] {
    let diversion =
        diversions.iter().find(|diversion| diversion.from == path && diversion.by != package.as_bytes());
    diversion.map_or(path, |diversion| diversion.to)
}

/// The package of a paragraph, and its bare name, if any of it is there.
fn package(paragraph: &str) -> Option<(&str, Package)> {
    let field = |name: &str| {
        let line = paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    };
    let name = field("Package")?;
    let status: Vec<&str> = field("Status")?.split(' ').collect();
    let [want, _, state] = status[..] else { return None };
    if matches!(state, "not-installed" | "config-files") {
        return None;
    }
    let mut package = Package {
        key: format!("dpkg:{name}"),
        version: field("Version").unwrap_or_default().to_owned(),
        ..Package::default()
    };
    package.fields.insert("arch", field("Architecture").unwrap_or_default().to_owned());
    let unusual = if want == "hold" { Some(want) } else { (state != "installed").then_some(state) };
    if let Some(state) = unusual {
        package.fields.insert("state", state.to_owned());
    }
    Some((name, package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_told_with_what_is_unusual() {
        let text = |status: &str| {
            format!("Package: nginx\nStatus: {status}\nArchitecture: all\nVersion: 1.22.1-9\n Version: 2")
        };
        let (name, nginx) = package(&text("install ok installed")).map(|(n, p)| (n.to_owned(), p)).unwrap();
        assert_eq!(
            (name.as_str(), nginx.key.as_str(), nginx.version.as_str()),
            ("nginx", "dpkg:nginx", "1.22.1-9")
        );
        assert_eq!(nginx.fields, [("arch", "all".to_owned())].into());
        let state = |status: &str| {
            package(&text(status)).and_then(|(_, package)| package.fields.get("state").cloned())
        };
        assert_eq!(state("hold ok installed").as_deref(), Some("hold"));
        assert_eq!(state("install ok half-configured").as_deref(), Some("half-configured"));
        assert_eq!(package(&text("deinstall ok config-files")), None);
    }

    #[test]
    fn a_diverted_path_is_another_one_for_all_but_who_diverted_it() {
        let diversions = diversions_of(b"/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/x\n/usr/bin/x.real\n:\n");
        let path = |path: &'static str, package| diverted(path.as_bytes(), package, &diversions);
        assert_eq!(path("/bin/sh", "bash"), b"/bin/sh.distrib");
        assert_eq!(path("/bin/sh", "dash"), b"/bin/sh");
        assert_eq!(path("/usr/bin/x", "x"), b"/usr/bin/x.real");
        assert_eq!(path("/usr/bin/y", "x"), b"/usr/bin/y");
    }
}
