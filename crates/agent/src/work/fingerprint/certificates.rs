//! The authorities that the machine trusts: every certificate of its bundles, of OpenSSL's directory, and of what was added by
//! hand, each by its digest. Stores of single programs (Java, browsers) are files like others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::der;
use super::view::{Found, View, hex};

/// One file with all of them, as distributions call it.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// One file each, found by the hash of the subject.
const DIRECTORY: &str = "/etc/ssl/certs";
/// What administrators add; it is trusted once `update-ca-certificates` ran.
const ADDED: &str = "/usr/local/share/ca-certificates";
/// Made for the machine itself by Debian's ssl-cert; told by the section `files`.
const OWN: &str = "/etc/ssl/certs/ssl-cert-snakeoil.pem";

/// Digests by the text that they were found in: bundles and directories hold the same.
type Known = HashMap<String, String>;

#[derive(Default)]
struct Certificate {
    subject: String,
    stores: BTreeSet<&'static str>,
}

/// The section `certificates`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let (mut certificates, mut known) = (BTreeMap::new(), Known::new());
    let bundles: BTreeSet<String> = BUNDLES.iter().filter_map(|path| view.real(path)).collect();
    for path in &bundles {
        add(view, path, "bundle", (&mut certificates, &mut known), found);
    }
    let mut files = BTreeSet::new();
    for name in view.names(DIRECTORY, found).iter().filter(|name| is_hashed(name)) {
        files.extend(view.real(&format!("{DIRECTORY}/{name}")).filter(|path| path != OWN));
    }
    for path in &files {
        add(view, path, "directory", (&mut certificates, &mut known), found);
    }
    let mut directories = vec![ADDED.to_owned()];
    while let Some(directory) = directories.pop() {
        for name in view.names(&directory, found) {
            let path = format!("{directory}/{name}");
            match name.ends_with(".crt") {
                true => add(view, &path, "added", (&mut certificates, &mut known), found),
                false if view.path(&path).is_dir() => directories.push(path),
                false => {}
            }
        }
    }
    for (digest, certificate) in &certificates {
        let stores: Vec<&str> = certificate.stores.iter().copied().collect();
        let fields = [("subject", certificate.subject.as_str()), ("in", &stores.join(","))];
        found.item(digest, fields.map(|(name, value)| (name, Some(value))));
    }
}

/// Adds the certificates of a file.
fn add(
    view: &View<'_>,
    path: &str,
    store: &'static str,
    (certificates, known): (&mut BTreeMap<String, Certificate>, &mut Known),
    found: &mut Found,
) {
    let text = view.text(path, found).unwrap_or_default();
    for text in texts_in(&text) {
        let digest = known.get(text).cloned().or_else(|| {
            let der = decoded(text)?;
            let digest = hex(&Sha256::digest(&der));
            let certificate = certificates.entry(digest.clone()).or_default();
            certificate.subject = der::subject(&der).unwrap_or_default();
            known.insert(text.to_owned(), digest.clone());
            Some(digest)
        });
        if let Some(certificate) = digest.and_then(|digest| certificates.get_mut(&digest)) {
            certificate.stores.insert(store);
        }
    }
}

/// The certificates of a text in PEM (RFC 7468), each as it is written there.
fn texts_in(text: &str) -> impl Iterator<Item = &str> {
    let begun = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    begun.filter_map(|rest| rest.split_once("-----END CERTIFICATE-----")).map(|(content, _)| content.trim())
}

/// The certificate that is written there.
fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.split_whitespace().collect::<String>()).ok()
}

/// `002c0b4f.0`.
fn is_hashed(name: &str) -> bool {
    let (hash, number) = name.split_once('.').unwrap_or_default();
    hash.len() == 8
        && hash.chars().all(|c| c.is_ascii_hexdigit())
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::der::tests::certificate;
    use super::super::tree::{Tree, odd};
    use super::*;

    fn pem(name: &str) -> String {
        let text = STANDARD.encode(certificate(name, "Example"));
        let (begin, end) = text.split_at(30);
        format!("# {name}\n-----BEGIN CERTIFICATE-----\n{begin}\n{end}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn authorities_are_told_once_with_all_places() {
        let tree = Tree::new();
        tree.file("/etc/ssl/certs/ca-certificates.crt", pem("A") + &pem("B"));
        tree.file("/usr/share/ca-certificates/a.crt", pem("A"))
            .link("/etc/ssl/certs/a.pem", "/usr/share/ca-certificates/a.crt");
        tree.link("/etc/ssl/certs/0123abcd.0", "a.pem")
            .file("/usr/local/share/ca-certificates/x/c.crt", pem("C"));
        tree.file(OWN, pem("web")).link("/etc/ssl/certs/0123abce.0", "ssl-cert-snakeoil.pem");
        let mut told: Vec<String> =
            tree.items(collect).values().map(|item| format!("{} {}", item["subject"], item["in"])).collect();
        told.sort();
        assert_eq!(
            told,
            ["CN=A, O=Example bundle,directory", "CN=B, O=Example bundle", "CN=C, O=Example added"]
        );
    }

    #[test]
    fn odd_bundles_do_no_harm() {
        for bytes in odd(pem("A").as_bytes()) {
            texts_in(&String::from_utf8_lossy(&bytes)).for_each(|text| drop(decoded(text)));
        }
    }
}
