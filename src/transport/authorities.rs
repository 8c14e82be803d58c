//! The certificate authorities that this host trusts beyond its distribution's: without them nothing in a machine reaches the
//! network that this host reaches through a company's proxy. Only reads; what becomes of them is others' business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where distributions keep what an administrator added: Debian, Fedora, Arch.
const ADDED: [&str; 3] = [
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/ca-certificates/trust-source/anchors",
];

/// Where distributions keep all that is trusted: Debian and Arch, Fedora, SUSE, Alpine.
const TRUSTED: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// This host's; `None` when nobody added any.
pub static AUTHORITIES: LazyLock<Option<Authorities>> =
    LazyLock::new(|| Authorities::read(&ADDED.map(Path::new), &TRUSTED.map(Path::new)));

/// Certificates as texts in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// Those that were added to this host.
    pub added: String,
    /// All that this host trusts, with the added ones.
    pub all: String,
}

impl Authorities {
    fn read(added: &[&Path], trusted: &[&Path]) -> Option<Self> {
        let is_certificate = |text: &String| text.contains("-----BEGIN CERTIFICATE-----");
        let texts = files_below(added).into_iter().filter_map(|path| fs::read_to_string(path).ok());
        let texts: Vec<String> = texts.filter(is_certificate).collect();
        let distribution = trusted.iter().find_map(|path| fs::read_to_string(path).ok());
        let mut all = distribution.filter(is_certificate).unwrap_or_default();
        for text in &texts {
            if !all.contains(text.trim()) {
                append(&mut all, text);
            }
        }
        let mut added = String::new();
        texts.iter().for_each(|text| append(&mut added, text));
        (!added.is_empty()).then_some(Self { added, all })
    }
}

fn append(bundle: &mut String, text: &str) {
    if !bundle.is_empty() && !bundle.ends_with('\n') {
        bundle.push('\n');
    }
    bundle.push_str(text.trim());
    bundle.push('\n');
}

/// The added ones as a distribution keeps them; `None` where this host cannot tell by which digests they are looked up.
pub static KEPT: LazyLock<Option<Vec<Kept>>> =
    LazyLock::new(|| added_files().iter().map(|path| Kept::read(path)).collect());

/// An authority as a distribution keeps it: a file, and a link to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is called in a machine, without an ending.
    pub name: String,
    /// A certificate in PEM.
    pub text: String,
    /// The digest of its subject, by which programs look it up: `6ca38420`.
    pub digest: String,
}

impl Kept {
    /// What is in a file; `None` unless that is one certificate and there is an OpenSSL that understands it.
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok().filter(|text| text.matches("-----BEGIN ").count() == 1)?;
        let words = ["x509", "-noout", "-subject_hash", "-in"];
        let output = Command::new("openssl").args(words).arg(path).output().ok()?;
        let digest = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(Self { name: name(path), text: format!("{}\n", text.trim()), digest: digest.trim().to_owned() })
    }
}

/// What a certificate is called in a machine, without its ending: nothing that a tool would spell differently.
pub fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    format!("host-{}", stem.chars().map(plain).collect::<String>())
}

/// The files of what an administrator added.
pub fn added_files() -> Vec<PathBuf> {
    files_below(&ADDED.map(Path::new))
}

fn files_below(directories: &[&Path]) -> Vec<PathBuf> {
    let below = directories.iter().flat_map(|directory| walkdir::WalkDir::new(directory).sort_by_file_name());
    let files = below.flatten().filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    files.filter(|path| path.extension().is_some_and(|ending| ending == "crt" || ending == "pem")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----")
    }

    #[test]
    fn an_authority_is_kept_by_the_digest_of_its_subject() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("the proxy (old).pem");
        let words = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
        let files = ["-keyout", "/dev/null", "-subj", "/CN=Proxy", "-out"];
        let made = Command::new("openssl").args(words).args(files).arg(&path).output().unwrap();
        assert!(made.status.success());
        let kept = Kept::read(&path).unwrap();
        assert_eq!((kept.name.as_str(), kept.digest.as_str()), ("host-the_proxy__old_", "2c192b88"));
        fs::write(&path, kept.text.repeat(2)).unwrap();
        assert_eq!(Kept::read(&path), None);
    }

    #[test]
    fn what_was_added_follows_what_the_distribution_trusts() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir_all(path("added/company")).unwrap();
        fs::write(path("bundle"), certificate("public") + "\n" + &certificate("proxy")).unwrap();
        let read = || Authorities::read(&[&path("added"), &path("none")], &[&path("none"), &path("bundle")]);
        fs::write(path("added/README.pem"), "no certificate").unwrap();
        assert_eq!(read(), None);
        fs::write(path("added/company/root.pem"), certificate("root")).unwrap();
        fs::write(path("added/proxy.crt"), certificate("proxy") + "\n").unwrap();
        let found = read().unwrap();
        assert_eq!(found.added, format!("{}\n{}\n", certificate("root"), certificate("proxy")));
        let names: Vec<&str> = found.all.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(names, ["public", "proxy", "root"]);
    }
}
