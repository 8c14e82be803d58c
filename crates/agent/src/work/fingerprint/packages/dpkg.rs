//! Debian's packages, from dpkg's own database (deb(5), dpkg-query(1)): `status` and the lists below `info`.

use std::fs;
use std::path::Path;

use super::super::owners::Package;

const STATUS: &str = "var/lib/dpkg/status";
const INFO: &str = "var/lib/dpkg/info";

/// Hands out every package with the list of its paths, one on a line.
pub fn read(root: &Path, each: &mut dyn FnMut(Package, &str)) {
    let Ok(status) = fs::read_to_string(root.join(STATUS)) else { return };
    for paragraph in status.split("\n\n") {
        let Some((name, package)) = package(paragraph) else { continue };
        let arch = package.fields.get("arch").map(String::as_str).unwrap_or_default();
        let lists = [format!("{name}.list"), format!("{name}:{arch}.list")];
        let list = lists.iter().find_map(|list| fs::read_to_string(root.join(INFO).join(list)).ok());
        each(package, &list.unwrap_or_default());
    }
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
}
