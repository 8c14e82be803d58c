//! Python's packages: `dist-info` (PEP 376, 491) and `egg-info` beside the modules of each interpreter.
//!
//! What Debian packaged is Debian's alone. Virtual environments are plain files.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::owners::Owners;
use super::{add_language, below, names, text};

/// Where interpreters keep their libraries; others in directories of their own below /opt.
const LIBRARIES: [&str; 4] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"];

/// Adds every package that no package of the system brought, with its files.
pub fn read(root: &Path, owners: &mut Owners) {
    let own = names(root, "/opt").into_iter().map(|name| format!("/opt/{name}"));
    let own = own.filter(|home| !below(root, home).join("pyvenv.cfg").exists());
    let own: Vec<String> =
        own.flat_map(|home| ["lib", "lib64"].map(|library| format!("{home}/{library}"))).collect();
    for library in LIBRARIES.iter().map(|library| (*library).to_owned()).chain(own) {
        for version in names(root, &library).iter().filter(|name| name.starts_with("python3")) {
            for kind in ["dist-packages", "site-packages"] {
                read_directory(root, &format!("{library}/{version}/{kind}"), owners);
            }
        }
    }
}

fn read_directory(root: &Path, directory: &str, owners: &mut Owners) {
    for name in names(root, directory) {
        let (about, files) = match name.rsplit_once('.') {
            Some((_, "dist-info")) => (format!("{directory}/{name}/METADATA"), Some("RECORD")),
            Some((_, "egg-info")) if below(root, directory).join(&name).is_dir() => {
                (format!("{directory}/{name}/PKG-INFO"), Some("installed-files.txt"))
            }
            Some((_, "egg-info")) => (format!("{directory}/{name}"), None),
            _ => continue,
        };
        if owners.listed(about.as_bytes()).is_some() {
            continue;
        }
        let Some(headers) = text(root, &about) else { continue };
        let header = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let (Some(project), Some(version)) = (header("Name:"), header("Version:")) else { continue };
        let key = format!("pip:{directory}:{}", normalized(project));
        let Some(package) = add_language(owners, key, version) else { return };
        let own = format!("{directory}/{name}");
        owners.list_below(package, own.as_bytes());
        let Some(files) = files else { continue };
        // A record names paths from the modules' directory, the older list from its own.
        let base = if files == "RECORD" { directory } else { &own };
        for line in text(root, &format!("{own}/{files}")).unwrap_or_default().lines() {
            let (path, sha256) = recorded(line);
            list(owners, package, directory, &joined(base, path), sha256);
        }
    }
}

/// Adds a file, and the directories that hold it below the modules' own.
fn list(owners: &mut Owners, package: u32, directory: &str, path: &str, sha256: Option<[u8; 32]>) {
    let listed = owners.list(package, path.as_bytes());
    if let (Some(owned), Some(sha256)) = (listed.filter(|owned| owned.package == package), sha256) {
        owners.record(owned, sha256);
    }
    let slashes = path.match_indices('/').map(|(place, _)| &path[..place]);
    for parent in slashes.filter(|parent| parent.len() > directory.len() && parent.starts_with(directory)) {
        owners.list(package, parent.as_bytes());
    }
}

/// A line of RECORD: path, `sha256=` and the digest in base64, size. A path with a comma is quoted.
fn recorded(line: &str) -> (&str, Option<[u8; 32]>) {
    let (path, rest) = match line.strip_prefix('"').and_then(|line| line.split_once("\",")) {
        Some(quoted) => quoted,
        None => line.split_once(',').unwrap_or((line, "")),
    };
    let digest = rest.split(',').next().and_then(|digest| digest.strip_prefix("sha256="));
    let digest = digest.and_then(|digest| URL_SAFE_NO_PAD.decode(digest).ok());
    (path, digest.and_then(|digest| digest.try_into().ok()))
}

/// A path from a directory, without `..`.
fn joined(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { vec![] } else { base.split('/').skip(1).collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The one name of a project that may be written in several ways (PEP 503).
fn normalized(name: &str) -> String {
    let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::Tree;
    use super::*;

    const MODULES: &str = "/usr/local/lib/python3.11/dist-packages";

    #[test]
    fn a_package_owns_what_its_record_lists() {
        let tree = Tree::new();
        let info = format!("{MODULES}/My_Project-1.0.dist-info");
        let digest = URL_SAFE_NO_PAD.encode([7; 32]);
        tree.file(
            &format!("{info}/METADATA"),
            "Metadata-Version: 2.1\nName: My_Project\nVersion: 1.0\n\nText\n",
        );
        tree.file(
            &format!("{info}/RECORD"),
            format!("../../../bin/mine,,\nmine/a.py,sha256={digest},3\n\"mine/b,c.py\",,\n"),
        );
        tree.file(&format!("{MODULES}/old.egg-info/PKG-INFO"), "Name: old\nVersion: 2\n");
        tree.file(&format!("{MODULES}/old.egg-info/installed-files.txt"), "../old.py\n");
        let mut owners = Owners::default();
        read(tree.root(), &mut owners);
        let mine = format!("pip:{MODULES}:my-project");
        let of = |path: &str| owners.of(path).map(|package| package.key.clone());
        let inside = |path: &str| of(&format!("{MODULES}/{path}"));
        assert_eq!(of("/usr/local/bin/mine"), Some(mine.clone()));
        for path in ["mine", "mine/a.py", "mine/b,c.py", "My_Project-1.0.dist-info/INSTALLER"] {
            assert_eq!(inside(path), Some(mine.clone()), "{path}");
        }
        assert_eq!(inside("old.py"), Some(format!("pip:{MODULES}:old")));
        assert_eq!((inside("other.py"), of("/usr/local/bin")), (None, None));
        let module = owners.listed(format!("{MODULES}/mine/a.py").as_bytes()).unwrap();
        assert_eq!(owners.recorded(module), Some(&[7; 32]));
    }
}
