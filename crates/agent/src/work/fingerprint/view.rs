//! What collectors work with: the machine's files below its root, and where they put what they find.

use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use envup_agent::{Fingerprint, FingerprintRequest, Item, Items, Section, Unread};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::links::Links;
use super::owners::Owners;
use super::whole;
use crate::work::failure::{Failure, plain};

/// The machine as collectors see it.
pub struct View<'a> {
    owners: OnceLock<Owners>,
    links: Links<'a>,
    root: &'a Path,
    key: Vec<u8>,
    environment: &'a [String],
}

impl<'a> View<'a> {
    pub fn new(request: &'a FingerprintRequest) -> Result<View<'a>, Failure> {
        let key = unhex(&request.key)
            .filter(|key| key.len() == 32)
            .ok_or_else(|| Failure::new("the key of the fingerprint is not 64 hexadecimal characters"))?;
        let root = Path::new(&request.root);
        let (owners, links) = (OnceLock::new(), Links::new(root));
        Ok(View { owners, links, root, key, environment: &request.environment })
    }

    /// Which package each file came with. Whoever asks first reads the databases, the others wait for it.
    pub fn owners(&self) -> &Owners {
        self.owners.get_or_init(|| Owners::read(self.root))
    }

    /// Whether this is the machine that runs, and not only its files.
    pub fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Whether an engine made this a container, and writes some of its files.
    pub fn is_container(&self) -> bool {
        ["/.dockerenv", "/run/.containerenv"].iter().any(|path| self.path(path).exists())
    }

    /// Names of variables that the request lets be told, with `*`.
    pub fn environment(&self) -> &[String] {
        self.environment
    }

    /// Where a path of the machine lies for this process.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The path without links, as the machine itself would follow them; `None` when nothing is there.
    pub fn real(&self, path: &str) -> Option<String> {
        self.links.reach(path).filter(|reached| reached.exists).map(|reached| reached.path)
    }

    /// Where to open what a path of the machine leads to. The kernel follows links where they mean what they say.
    fn reach(&self, path: &str) -> Option<PathBuf> {
        if self.is_live() {
            Some(path.into())
        } else {
            self.links.reach(path).map(|reached| self.path(reached.path))
        }
    }

    /// The content of a regular file of the machine; `None` when there is none. Failures go into `found`.
    pub fn bytes(&self, path: &str, found: &mut Found) -> Option<Vec<u8>> {
        match self.opened(path) {
            Ok(read) => read.map(|(bytes, _)| bytes),
            Err(error) => {
                found.cannot(path, plain(&error));
                None
            }
        }
    }

    /// The same with the file's status, for who tells failures otherwise.
    pub fn opened(&self, path: &str) -> io::Result<Option<(Vec<u8>, Metadata)>> {
        let Some(place) = self.reach(path) else { return Ok(None) };
        whole::read(&place).or_else(|error| if is_absent(&error) { Ok(None) } else { Err(error) })
    }

    /// A text file of the machine; `None` when there is none. What is not UTF-8 is replaced. Failures go into `found`.
    pub fn text(&self, path: &str, found: &mut Found) -> Option<String> {
        self.bytes(path, found).map(text)
    }

    /// Whether everybody may read a file.
    pub fn is_public(&self, path: &str) -> bool {
        let metadata = self.reach(path).and_then(|place| fs::metadata(place).ok());
        metadata.is_some_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
    }

    /// The names in a directory of the machine, sorted; none when there is no such directory. Failures go into `found`.
    pub fn names(&self, path: &str, found: &mut Found) -> Vec<String> {
        self.entries(path, found).into_iter().map(|(name, _)| name).collect()
    }

    /// The same, each name with whether it is a link, which the directory itself tells.
    pub fn entries(&self, path: &str, found: &mut Found) -> Vec<(String, bool)> {
        let Some(place) = self.reach(path) else { return vec![] };
        let entry = |entry: DirEntry| {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            (entry.file_name().to_string_lossy().into_owned(), is_link)
        };
        let mut entries: Vec<_> = match fs::read_dir(place) {
            Ok(entries) => entries.flatten().map(entry).collect(),
            Err(error) if is_absent(&error) => vec![],
            Err(error) => {
                found.cannot(path, plain(&error));
                vec![]
            }
        };
        entries.sort();
        entries
    }

    /// The keyed digest of what may not be told, 64 hexadecimal characters; equal bytes under another name have another one.
    pub fn keyed(&self, name: &str, bytes: &[u8]) -> String {
        let mut mac = self.mac(name);
        mac.update(bytes);
        hex(&mac.finalize().into_bytes())
    }

    /// The beginning of a keyed digest, for what comes in pieces.
    pub fn mac(&self, name: &str) -> Hmac<Sha256> {
        // HMAC itself pads a short key with zeros to the length of a block.
        let mut block = [0; 64];
        block[..self.key.len()].copy_from_slice(&self.key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac
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

    /// The key, with a number if an item has it already.
    pub fn free(&self, key: String) -> String {
        let taken = |key: &String| self.items.contains_key(key);
        match taken(&key) {
            false => key,
            true => (2..).map(|number| format!("{key} ({number})")).find(|key| !taken(key)).unwrap_or(key),
        }
    }

    /// Says that something could not be read.
    pub fn cannot(&mut self, key: impl Into<String>, reason: impl ToString) {
        self.unread.push((key.into(), reason.to_string()));
    }

    /// What was found, for tests of what has no files.
    #[cfg(test)]
    pub fn into_items(self) -> Items {
        self.items
    }

    /// Everything becomes part of the fingerprint.
    pub fn hand_in(self, section: Section, fingerprint: &mut Fingerprint) {
        let items = fingerprint.sections.entry(section).or_default();
        match items.is_empty() {
            true => *items = self.items,
            false => items.extend(self.items),
        }
        let unread = self.unread.into_iter().map(|(key, reason)| Unread { section, key, reason });
        fingerprint.unread.extend(unread);
    }
}

/// Of a link that leads to itself nobody can read anything either.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(libc::ELOOP)
}

/// Bytes as a text. What is UTF-8, as nearly all is, becomes one without being copied.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Bytes as lowercase hexadecimal characters.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that hexadecimal digits stand for.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
