//! rpm's packages, as rpm itself tells them: its databases (SQLite, ndb, Berkeley DB) have formats that only it knows.
//!
//! It runs as nobody, as everybody may: rpm as root writes locks and logs beside the database, and reads macros of root's. Files
//! that were never unpacked, such as documentation that was left out, and those that packages merely claim, are nobody's.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;

use super::super::owners::{Owners, Package};
use super::super::view::unhex;
use super::below;
use crate::work::probe::command;

const DATABASES: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const FILES: [&str; 3] = ["rpmdb.sqlite", "Packages", "Packages.db"];
const PROGRAMS: [&str; 2] = ["/usr/bin/rpm", "/bin/rpm"];

/// A package begins with the control character RS, each of its files with GS, and US stands between fields.
const FORMAT: &str = "\x1e%{NAME}\x1f%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\x1f%{ARCH}\
    [\x1d%{FILENAMES}\x1f%{FILEDIGESTS}\x1f%{FILEFLAGS}\x1f%{FILESTATES}]";
/// Who has nothing to write to; a number, as not every machine has a name for it.
const NOBODY: &str = "65534:65534";
/// How long rpm may take for all packages.
const LIMIT: Duration = Duration::from_secs(60);

/// Flags of files, as rpm numbers them.
const MAY_BE_MISSING: u32 = 1 << 3;
const GHOST: u32 = 1 << 6;

/// Adds every package with the paths that it brought, or says why rpm could not be asked.
pub fn read(root: &Path, owners: &mut Owners) {
    let is_kept = |directory: &&&str| FILES.iter().any(|file| below(root, directory).join(file).exists());
    let Some(directory) = DATABASES.iter().find(is_kept) else { return };
    let cannot = |why: &str| format!("the packages of rpm in {directory}: {why}");
    if root != Path::new("/") {
        return owners.cannot("rpm", cannot("only rpm can read them: look at the machine while it runs"));
    }
    let Some(program) = PROGRAMS.iter().find(|program| Path::new(program).exists()) else {
        return owners.cannot("rpm", cannot("only rpm can read them: install rpm in the machine"));
    };
    match told(program, directory) {
        Ok((answer, complaint)) => {
            let is_whole = add(&answer, owners);
            if !is_whole {
                owners.cannot("rpm", cannot("rpm told some of them in a way that is not understood"));
            } else if complaint.starts_with("error:") || answer.is_empty() && !complaint.is_empty() {
                // A header that is skipped, or a database of a kind that this rpm was built without.
                owners.cannot("rpm", cannot(&complaint));
            }
        }
        Err(why) => owners.cannot("rpm", cannot(&why)),
    }
}

/// What rpm tells of all packages, and the last line of what it complains about.
fn told(program: &str, database: &str) -> Result<(Vec<u8>, String), String> {
    let argv = [program, "--dbpath", database, "-qa", "--nodigest", "--nosignature", "--queryformat", FORMAT];
    let user = geteuid().is_root().then_some(NOBODY);
    let answer = command::ask(&argv.map(str::to_owned), user, LIMIT)?;
    if answer.status.success() {
        Ok((answer.output, answer.complaint))
    } else {
        let hint = "if `rpm -qa` works for root alone, run it once, as it makes what others need to read";
        Err(format!("`{program} -qa` as nobody: {}; {hint}", answer.complaint))
    }
}

/// A package as rpm tells it.
struct Told<'t> {
    name: String,
    version: String,
    arch: String,
    files: Vec<&'t [u8]>,
}

/// Adds the packages of an answer; false when some of it was left out as it is not what was asked for.
fn add(answer: &[u8], owners: &mut Owners) -> bool {
    let records = answer.split(|byte| *byte == b'\x1e').skip(1);
    let mut told: Vec<Option<Told>> = records.map(package).collect();
    let mut is_whole = answer.is_empty() || answer[0] == b'\x1e';
    is_whole &= told.iter().all(Option::is_some);
    // Keys of signatures are kept like packages.
    told.retain(|told| told.as_ref().is_some_and(|told| told.name != "gpg-pubkey"));
    let rpm = told.iter().flatten().find(|told| told.name == "rpm").map(|rpm| rpm.arch.clone());
    let native = rpm.unwrap_or_else(|| ARCH.to_owned());
    let mut by_key: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for told in told.into_iter().flatten() {
        let is_usual = told.arch == native || told.arch == "noarch";
        let key = format!("rpm:{}", told.name);
        let key = if is_usual { key } else { format!("{key}:{}", told.arch) };
        by_key.entry(key).or_default().push(told);
    }
    for (key, mut versions) in by_key {
        versions.sort_by(|one, other| one.version.cmp(&other.version));
        let version: Vec<&str> = versions.iter().map(|told| told.version.as_str()).collect();
        let arch = versions.first().map(|told| ("arch", told.arch.clone()));
        let package = Package {
            version: version.join(", "),
            key,
            fields: arch.into_iter().collect(),
            ..Package::default()
        };
        let Some(place) = owners.add(package) else { return false };
        for file in versions.iter().flat_map(|told| &told.files) {
            is_whole &= list(place, file, owners).is_some();
        }
    }
    is_whole
}

/// A record without the character that it begins with.
fn package(record: &[u8]) -> Option<Told<'_>> {
    let mut parts = record.split(|byte| *byte == b'\x1d');
    let head = String::from_utf8_lossy(parts.next()?).into_owned();
    let fields: Vec<&str> = head.split('\x1f').collect();
    let [name, version, arch] = fields[..] else { return None };
    let [name, version, arch] = [name, version, arch].map(str::to_owned);
    (!name.is_empty()).then(|| Told { name, version, arch, files: parts.collect() })
}

/// Adds a file to a package if it was unpacked; `None` when it is not told as was asked for.
fn list(package: u32, file: &[u8], owners: &mut Owners) -> Option<()> {
    let fields: Vec<&[u8]> = file.split(|byte| *byte == b'\x1f').collect();
    let [path, digest, flags, state] = fields[..] else { return None };
    if path == b"(none)" {
        // A package without files.
        return Some(());
    }
    if !path.starts_with(b"/") {
        return None;
    }
    let flags: u32 = std::str::from_utf8(flags).ok()?.parse().ok()?;
    // Others were replaced by another package's, or left out.
    let is_unpacked = state == b"0" && flags & (GHOST | MAY_BE_MISSING) == 0;
    if is_unpacked
        && let Some(owned) = owners.list(package, path).filter(|owned| owned.package == package)
        && let Some(sha256) = sha256(digest)
    {
        owners.record(owned, sha256);
    }
    Some(())
}

/// A digest in hexadecimal digits; `None` for one of another algorithm, and for none, as of directories.
fn sha256(digits: &[u8]) -> Option<[u8; 32]> {
    unhex(std::str::from_utf8(digits).ok()?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::odd;
    use super::*;

    /// As rpm 4.18 printed it, of a package with a link, a ghost and documentation that was left out, and of two versions of one.
    const ANSWER: &str = "\x1edemo\x1f2:1.2-3\x1fnoarch\
        \x1d/etc/demo.conf\x1f8d0d4c8a1e6ab75ae2f81abf1e1e66ce1ab7be53c7b8f245a41907fc45b3a801\x1f17\x1f0\
        \x1d/usr/lib/demo\x1f\x1f0\x1f0\x1d/usr/lib/demo/link\x1f\x1f0\x1f0\
        \x1d/usr/lib/demo/two words\x1f27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a\x1f0\x1f0\
        \x1d/usr/share/doc/demo/manual\x1fcd60ed2fa8c947cb05cb57b23884dea9390e4b6aec0add666e69bf842fc68da0\x1f2\x1f2\
        \x1d/var/cache/demo.ghost\x1f\x1f64\x1f0\
        \x1ekernel\x1f6.10-1\x1fx86_64\x1d/boot/new\x1f\x1f0\x1f0\x1ekernel\x1f6.1-1\x1fx86_64\x1d/boot/old\x1f\x1f0\x1f0\
        \x1erpm\x1f4.18-1\x1fx86_64\x1d(none)\x1f(none)\x1f(none)\x1f(none)\
        \x1eglibc\x1f2.39-1\x1fi686\x1d/lib/libc.so.6\x1f\x1f0\x1f0\
        \x1egpg-pubkey\x1fabc-def\x1f(none)\x1d(none)\x1f(none)\x1f(none)\x1f(none)";

    fn added(answer: &[u8]) -> (bool, Owners) {
        let mut owners = Owners::default();
        (add(answer, &mut owners), owners)
    }

    #[test]
    fn packages_are_told_once_with_all_their_versions() {
        let (is_whole, owners) = added(ANSWER.as_bytes());
        assert!(is_whole);
        let told: Vec<_> = owners
            .packages()
            .iter()
            .map(|package| (&*package.key, &*package.version, &*package.fields["arch"]))
            .collect();
        let expected = [
            ("rpm:demo", "2:1.2-3", "noarch"),
            ("rpm:glibc:i686", "2.39-1", "i686"),
            ("rpm:kernel", "6.1-1, 6.10-1", "x86_64"),
            ("rpm:rpm", "4.18-1", "x86_64"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn files_that_were_unpacked_have_a_package_and_their_digest() {
        let (_, owners) = added(ANSWER.as_bytes());
        let of = |path: &str| owners.of(path).map(|package| &*package.key);
        for path in ["/etc/demo.conf", "/usr/lib/demo", "/usr/lib/demo/link", "/usr/lib/demo/two words"] {
            assert_eq!(of(path), Some("rpm:demo"), "{path}");
        }
        assert_eq!((of("/boot/new"), of("/boot/old")), (Some("rpm:kernel"), Some("rpm:kernel")));
        for path in ["/usr/share/doc/demo/manual", "/var/cache/demo.ghost", "(none)"] {
            assert_eq!(of(path), None, "{path}");
        }
        let recorded = |path: &str| owners.recorded(owners.listed(path.as_bytes()).unwrap());
        assert_eq!(recorded("/usr/lib/demo/two words").unwrap()[..2], [0x27, 0xdd]);
        assert_eq!(recorded("/usr/lib/demo/link"), None);
    }

    #[test]
    fn what_is_odd_is_noticed() {
        for answer in [
            "text",
            "\x1edemo",
            "\x1edemo\x1f1\x1fnoarch\x1d/x\x1f\x1f0",
            "\x1ed\x1f1\x1fa\x1dx\x1f\x1f0\x1f0",
        ] {
            assert!(!added(answer.as_bytes()).0, "{answer:?}");
        }
        assert!(added(b"").0);
        odd(ANSWER.as_bytes()).for_each(|bytes| drop(added(&bytes)));
    }
}
