//! What collectors work with: the machine's files below its root, and where they put what they find.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use envup_agent::{Fingerprint, FingerprintRequest, Item, Items, Section, Unread};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::owners::Owners;
use crate::work::failure::Failure;

/// The machine as collectors see it.
pub struct View<'a> {
    /// Which package each file came with.
    pub owners: &'a Owners,
    root: &'a Path,
    key: Vec<u8>,
}

impl<'a> View<'a> {
    pub fn new(request: &'a FingerprintRequest, owners: &'a Owners) -> Result<View<'a>, Failure> {
        let key = unhex(&request.key)
            .filter(|key| key.len() == 32)
            .ok_or_else(|| Failure::new("the key of the fingerprint is not 64 hexadecimal characters"))?;
        Ok(View { owners, root: Path::new(&request.root), key })
    }

    /// Where a path of the machine lies for this process.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A text file of the machine; `None` when there is none. What is not UTF-8 is replaced. Failures go into `found`.
    pub fn text(&self, path: &str, found: &mut Found) -> Option<String> {
        match fs::read(self.path(path)) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => {
                found.cannot(path, error);
                None
            }
        }
    }

    /// The names in a directory of the machine, sorted; none when there is no such directory. Failures go into `found`.
    pub fn names(&self, path: &str, found: &mut Found) -> Vec<String> {
        let mut names: Vec<String> = match fs::read_dir(self.path(path)) {
            Ok(entries) => {
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => vec![],
            Err(error) => {
                found.cannot(path, error);
                vec![]
            }
        };
        names.sort();
        names
    }

    /// The keyed digest of what may not be told, 64 hexadecimal characters; equal bytes under another name have another one.
    pub fn keyed(&self, name: &str, bytes: &[u8]) -> String {
        // HMAC itself pads a short key with zeros to the length of a block.
        let mut block = [0; 64];
        block[..self.key.len()].copy_from_slice(&self.key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(bytes);
        hex(&mac.finalize().into_bytes())
    }

    /// Tells which key this is, without telling it.
    pub fn key_id(&self) -> String {
        self.keyed("key id", b"")[..16].to_owned()
    }
}

/// What a collector found in its section.
#[derive(Default)]
pub struct Found {
    items: Items,
    unread: Vec<(String, String)>,
}

impl Found {
    /// Adds an item; fields without a value are left out. An item of that key that is there already gets the fields too.
    pub fn item<'v>(
        &mut self,
        key: impl Into<String>,
        fields: impl IntoIterator<Item = (&'static str, Option<&'v str>)>,
    ) {
        let item: &mut Item = self.items.entry(key.into()).or_default();
        for (name, value) in fields {
            if let Some(value) = value {
                item.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Adds an item that is one value.
    pub fn value(&mut self, key: impl Into<String>, value: &str) {
        self.item(key, [("value", Some(value))]);
    }

    /// Says that something could not be read.
    pub fn cannot(&mut self, key: impl Into<String>, reason: impl ToString) {
        self.unread.push((key.into(), reason.to_string()));
    }

    /// Everything becomes part of the fingerprint.
    pub fn hand_in(self, section: Section, fingerprint: &mut Fingerprint) {
        fingerprint.sections.entry(section).or_default().extend(self.items);
        let unread = self.unread.into_iter().map(|(key, reason)| Unread { section, key, reason });
        fingerprint.unread.extend(unread);
    }
}

/// Bytes as lowercase hexadecimal characters.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
