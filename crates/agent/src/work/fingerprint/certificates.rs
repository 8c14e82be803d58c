//! The authorities that the machine trusts: every certificate of its bundles, of OpenSSL's directory, and of what was added by
//! hand, each by its digest. Stores of single programs (Java, browsers) are files like others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::der;
use super::view::{Found, View, hex, text};

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

/// A text with certificates, and the kind of place that it was found in.
type Text = (&'static str, String);

#[derive(Default)]
struct Certificate {
    subject: String,
    stores: BTreeSet<&'static str>,
}

/// The section `certificates`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let mut texts = Vec::new();
    let bundles: BTreeSet<String> = BUNDLES.iter().filter_map(|path| view.real(path)).collect();
    texts.extend(bundles.iter().filter_map(|path| Some(("bundle", view.text(path, found)?))));
    directory(view, &mut texts, found);
    let mut directories = vec![ADDED.to_owned()];
    while let Some(directory) = directories.pop() {
        for name in view.names(&directory, found) {
            let path = format!("{directory}/{name}");
            match name.ends_with(".crt") {
                true => texts.extend(view.text(&path, found).map(|text| ("added", text))),
                false if view.path(&path).is_dir() => directories.push(path),
                false => {}
            }
        }
    }
    for (digest, certificate) in &certificates(&texts) {
        let stores: Vec<&str> = certificate.stores.iter().copied().collect();
        let fields = [("subject", certificate.subject.as_str()), ("in", &stores.join(","))];
        found.item(digest, fields.map(|(name, value)| (name, Some(value))));
    }
}

/// The texts of OpenSSL's directory. Each is opened by its link, which the kernel follows; to follow it here takes three calls
/// more, and there are a hundred and fifty.
fn directory(view: &View<'_>, texts: &mut Vec<Text>, found: &mut Found) {
    let place = |status: &Metadata| (status.dev(), status.ino());
    let own = view.real(OWN).filter(|path| path == OWN);
    let own = own.and_then(|own| view.path(own).symlink_metadata().ok()).map(|status| place(&status));
    let mut unread = BTreeSet::new();
    for name in view.names(DIRECTORY, found).iter().filter(|name| is_hashed(name)) {
        let path = format!("{DIRECTORY}/{name}");
        match view.opened(&path) {
            Ok(Some((_, status))) if own == Some(place(&status)) => {}
            Ok(Some((bytes, _))) => texts.push(("directory", text(bytes))),
            Ok(None) => {}
            // To be told once, by the name of the file itself.
            Err(_) => unread.extend(view.real(&path).filter(|path| path != OWN)),
        }
    }
    texts.extend(unread.iter().filter_map(|path| Some(("directory", view.text(path, found)?))));
}

/// The certificates of all texts by their digests. Bundles and directories hold the same ones: each is decoded once.
fn certificates(texts: &[Text]) -> BTreeMap<String, Certificate> {
    let mut written: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
    for (store, text) in texts {
        for text in texts_in(text) {
            written.entry(text).or_default().insert(store);
        }
    }
    let mut certificates: BTreeMap<String, Certificate> = BTreeMap::new();
    for (text, stores) in written {
        if let Some(der) = decoded(text) {
            let certificate = certificates.entry(hex(&Sha256::digest(&der))).or_default();
            certificate.subject = der::subject(&der).unwrap_or_default();
            certificate.stores.extend(stores);
        }
    }
    certificates
}

/// The certificates of a text in PEM (RFC 7468), each as it is written there.
fn texts_in(text: &str) -> impl Iterator<Item = &str> {
    let begun = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    begun.filter_map(|rest| rest.split_once("-----END CERTIFICATE-----")).map(|(content, _)| content.trim())
}

/// The certificate that is written there, in lines as a rule; there may be blanks anywhere.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let lines = STANDARD.decode(text.lines().collect::<String>());
    lines.or_else(|_| STANDARD.decode(text.split_whitespace().collect::<String>())).ok()
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
    fn blanks_may_be_anywhere() {
        for text in ["TUlJQQ==", "TUlJ\r\nQQ==", "TU lJ\n\tQ\u{a0}Q=="] {
            assert_eq!(decoded(text).as_deref(), Some(b"MIIA".as_slice()), "{text}");
        }
        assert_eq!(decoded("TUlJQ"), None);
    }

    #[test]
    fn odd_bundles_do_no_harm() {
        for bytes in odd(pem("A").as_bytes()) {
            texts_in(&String::from_utf8_lossy(&bytes)).for_each(|text| drop(decoded(text)));
        }
    }
}
