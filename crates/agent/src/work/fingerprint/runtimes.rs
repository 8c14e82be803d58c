//! Which program a login gets when it says `python3`: the first one along the search path, and those that it hides.
//!
//! The version is that of the owning package. Where no package owns the program, it comes from a file of its installation, and at
//! last from the program itself, for two seconds at most. Beside rpm, which tells its packages, a fingerprint runs nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::os::assignment;
use super::view::{Found, View};
use crate::work::probe::command;

/// Names, and what makes each of them tell its version in one line; nothing where it has no such word.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("ansible", &[]),
    ("bash", &["-c", "echo $BASH_VERSION"]),
    ("bundle", &["--version"]),
    ("cargo", &["--version"]),
    ("cc", &["-dumpfullversion"]),
    ("clang", &["-dumpversion"]),
    ("cmake", &[]),
    ("composer", &[]),
    ("curl", &[]),
    ("docker", &["--version"]),
    ("dotnet", &["--version"]),
    ("g++", &["-dumpfullversion"]),
    ("gcc", &["-dumpfullversion"]),
    ("gem", &["--version"]),
    ("git", &["--version"]),
    ("go", &["version"]),
    ("java", &[]),
    ("javac", &[]),
    ("make", &[]),
    ("mariadb", &["--version"]),
    ("mysql", &["--version"]),
    ("nginx", &["-v"]),
    ("node", &["--version"]),
    ("npm", &[]),
    ("openssl", &["version"]),
    ("perl", &["-e", "print $^V"]),
    ("php", &["-r", "echo PHP_VERSION;"]),
    ("pip", &["--version"]),
    ("pip3", &["--version"]),
    ("postgres", &["--version"]),
    ("psql", &["--version"]),
    ("puppet", &["--version"]),
    ("python", &["--version"]),
    ("python3", &["--version"]),
    ("redis-server", &["--version"]),
    ("ruby", &["--version"]),
    ("rustc", &["--version"]),
    ("sh", &[]),
    ("sqlite3", &["--version"]),
    ("terraform", &[]),
    ("yarn", &[]),
];

/// How long a program may take to tell its version.
const LIMIT: Duration = Duration::from_secs(2);

/// Where programs are looked for if nothing says otherwise.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The section `runtimes`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let path = super::environment::search_path(view, found).unwrap_or_else(|| SEARCH_PATH.to_owned());
    for (name, arguments) in PROGRAMS {
        let mut hits = hits(view, &path, name).into_iter();
        let Some((path, real)) = hits.next() else { continue };
        let package = view.owners().of(&real).or_else(|| view.owners().of(&path));
        let version = package.map(|package| package.version.clone());
        let version = version.or_else(|| installed(view, &real)).or_else(|| told(view, &path, arguments));
        let shadows = hits.map(|(path, _)| path).collect::<Vec<_>>().join(",");
        found.item(
            *name,
            [
                ("path", Some(path.as_str())),
                ("real", Some(real.as_str())),
                ("version", version.as_deref()),
                ("package", package.map(|package| package.key.as_str())),
                ("shadows", Some(shadows.as_str()).filter(|paths| !paths.is_empty())),
            ],
        );
    }
}

/// All programs of a name along the search path, each once: as they are called, and without links.
fn hits(view: &View<'_>, path: &str, name: &str) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let directories = path.split(':').filter(|directory| directory.starts_with('/'));
    let hit = |directory: &str| {
        let path = format!("{}/{name}", directory.trim_end_matches('/'));
        let real = view.real(&path)?;
        let metadata = fs::metadata(view.path(&real)).ok()?;
        (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some((path, real))
    };
    directories.filter_map(hit).filter(|(_, real)| seen.insert(real.clone())).collect()
}

/// The version that a file of the installation tells; installations look alike wherever they lie.
fn installed(view: &View<'_>, real: &str) -> Option<String> {
    let mut unheard = Found::default();
    let (directory, name) = real.rsplit_once('/')?;
    let prefix = directory.rsplit_once('/')?.0;
    let mut text = |path: &str| view.text(&format!("{prefix}/{path}"), &mut unheard);
    let defined = |text: &str, name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.trim().trim_matches('"').to_owned())
    };
    match name {
        "node" => {
            let text = text("include/node/node_version.h")?;
            let part = |part| defined(&text, &format!("NODE_{part}_VERSION"));
            Some(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
        }
        "go" => text("VERSION")?.lines().next()?.strip_prefix("go").map(str::to_owned),
        "java" | "javac" => assignment(&text("release")?, "JAVA_VERSION").map(str::to_owned),
        name if name.starts_with("python3.") => {
            defined(&text(&format!("include/{name}/patchlevel.h"))?, "PY_VERSION")
        }
        // A script of a package of npm's.
        _ if real.contains("/node_modules/") => {
            let package: serde_json::Value = serde_json::from_str(&text("package.json")?).ok()?;
            package.get("version")?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// The version that a program tells itself.
fn told(view: &View<'_>, path: &str, arguments: &[&str]) -> Option<String> {
    if !view.is_live() || arguments.is_empty() {
        return None;
    }
    let argv: Vec<String> = [path].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
    let (status, output) = command::run(&argv, None, LIMIT).ok()?;
    status.success().then(|| version(&output)).flatten()
}

/// The first word of a line that looks like a version.
fn version(line: &str) -> Option<String> {
    let between = |c: char| c.is_whitespace() || ",()/".contains(c);
    let word = |word: &str| {
        let word = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        (word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit())).then(|| word.to_owned())
    };
    line.split(between).find_map(word)
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, live, odd};
    use super::*;

    fn program<'t>(tree: &'t Tree, path: &str) -> &'t Tree {
        tree.file(path, "").mode(path, 0o755)
    }

    #[test]
    fn the_first_one_along_the_path_counts_and_tells_what_it_hides() {
        let tree = Tree::new();
        program(&tree, "/usr/bin/python3.11").link("/usr/bin/python3", "python3.11").link("/bin", "usr/bin");
        tree.package("python3.11-minimal", "3.11.2-6", "/usr/bin/python3.11");
        let before = tree.items(collect);
        let python =
            ["path", "real", "version", "package"].map(|name| field(&before, "python3", name).unwrap());
        assert_eq!(
            python,
            ["/usr/bin/python3", "/usr/bin/python3.11", "3.11.2-6", "dpkg:python3.11-minimal"]
        );
        assert_eq!(field(&before, "python3", "shadows"), None);
        program(&tree, "/usr/local/bin/python3");
        let after = tree.items(collect);
        assert_eq!(field(&after, "python3", "path"), Some("/usr/local/bin/python3"));
        assert_eq!(field(&after, "python3", "shadows"), Some("/usr/bin/python3"));
        tree.file("/etc/environment", "PATH=/usr/bin:/usr/local/bin\n");
        assert_eq!(field(&tree.items(collect), "python3", "path"), Some("/usr/bin/python3"));
    }

    #[test]
    fn installations_tell_their_version() {
        let tree = Tree::new();
        let header =
            "#define NODE_MAJOR_VERSION 20\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION 7\n";
        program(&tree, "/usr/local/bin/node").file("/usr/local/include/node/node_version.h", header);
        program(&tree, "/usr/local/lib/node_modules/npm/bin/npm-cli.js");
        tree.file("/usr/local/lib/node_modules/npm/package.json", r#"{"version":"10.2.0"}"#);
        tree.link("/usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js");
        program(&tree, "/opt/jdk/bin/java").file("/opt/jdk/release", "JAVA_VERSION=\"21.0.1\"\n");
        program(&tree, "/opt/go/bin/go").file("/opt/go/VERSION", "go1.22.1\ntime x\n");
        program(&tree, "/usr/local/bin/python3.12").link("/usr/local/bin/python3", "python3.12");
        tree.file("/usr/local/include/python3.12/patchlevel.h", "#define PY_VERSION      \t\"3.12.1\"\n");
        tree.file("/etc/environment", "PATH=/usr/local/bin:/opt/jdk/bin:/opt/go/bin\n");
        let items = tree.items(collect);
        let versions =
            ["node", "npm", "java", "go", "python3"].map(|name| field(&items, name, "version").unwrap());
        assert_eq!(versions, ["20.1.7", "10.2.0", "21.0.1", "1.22.1", "3.12.1"]);
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (line, expected) in [
            ("Python 3.11.2", Some("3.11.2")),
            ("go version go1.22.1 linux/amd64", Some("1.22.1")),
            ("v18.19.0", Some("18.19.0")),
            ("OpenSSL 3.0.11 19 Sep 2023 (Library: OpenSSL 3.0.11)", Some("3.0.11")),
            ("psql (PostgreSQL) 15.5 (Debian)", Some("15.5")),
            ("nothing here.", None),
        ] {
            assert_eq!(version(line).as_deref(), expected, "{line}");
        }
        odd(b"go version go1.22.1").for_each(|bytes| drop(version(&String::from_utf8_lossy(&bytes))));
    }

    #[test]
    fn the_machine_that_runs_has_a_shell() {
        let items = live(collect).sections.into_values().next().unwrap();
        assert!(items["sh"]["path"].ends_with("/sh"), "{items:?}");
    }
}
