//! The cache of files: what one fingerprint read, so that the next one need not read it again.
//!
//! `env` keeps it beside the fingerprint as bytes, sends it along the next time, and keeps of it what machines of one box have in
//! common. Every regular file that was read is in it, by directory, and the names of all else, so that a directory in which nothing
//! came or went need not be read either. Whether an entry still holds is decided by the agent alone.

mod index;
mod packed;

use std::fmt::Write as _;

use super::Damage;

pub use index::{CacheIndex, CachedName};

/// What one fingerprint read. Names borrow from the bytes it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache<'b> {
    /// The key that keyed digests were made with, as fingerprints tell it; empty where there are none.
    pub key_id: &'b str,
    /// Sorted by path.
    pub directories: Vec<CachedDirectory<'b>>,
}

/// What is in one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedDirectory<'b> {
    /// Its path, without a slash at the end: empty for the root.
    pub path: &'b [u8],
    /// What the names in it are known for.
    pub stamp: Stamp,
    /// Files that were read, sorted by name.
    pub files: Vec<CachedFile<'b>>,
    /// All other names, sorted; without a meaning where the stamp is none.
    pub others: Vec<&'b [u8]>,
}

/// By what a directory is known to be as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When something in it, or itself, was last changed, in nanoseconds since 1970; 0 if that cannot be trusted.
    pub changed: u64,
}

/// A regular file as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFile<'b> {
    /// Its name in the directory.
    pub name: &'b [u8],
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970; 0 if that was too short a time before it was read to be trusted.
    pub changed: u64,
    /// Permissions, with setuid, setgid and sticky bit.
    pub mode: u16,
    /// Number of its user.
    pub user: u32,
    /// Number of its group.
    pub group: u32,
    /// Digest of what is in it.
    pub content: Content,
    /// MD5, where a package's list had to be asked.
    pub md5: Option<[u8; 16]>,
}

/// The digest of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// SHA-256.
    Sha256([u8; 32]),
    /// Keyed, because it may not be told.
    Keyed([u8; 32]),
}

impl<'b> Cache<'b> {
    /// Every file with its path, spelled as in fingerprints.
    pub fn files(&self) -> impl Iterator<Item = (String, &CachedFile<'b>)> {
        self.directories.iter().flat_map(|directory| {
            directory.files.iter().map(|file| (spelled(&[directory.path, b"/", file.name].concat()), file))
        })
    }

    /// What is known of a directory.
    pub fn directory(&self, path: &[u8]) -> Option<&CachedDirectory<'b>> {
        let place = self.directories.binary_search_by(|directory| directory.path.cmp(path));
        place.ok().map(|place| &self.directories[place])
    }

    /// As it is kept and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        packed::packed(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &'b [u8]) -> Result<Cache<'b>, Damage> {
        let index = CacheIndex::of(bytes)?;
        let mut names = Vec::new();
        let directories = index.directories.iter().map(|packed| {
            index.names(packed, &mut names)?;
            let mut directory =
                CachedDirectory { path: packed.path, stamp: packed.stamp, ..CachedDirectory::default() };
            for name in names.drain(..) {
                match name {
                    CachedName::File(file) => directory.files.push(file),
                    CachedName::Other(name) => directory.others.push(name),
                }
            }
            Ok(directory)
        });
        Ok(Cache { key_id: index.key_id, directories: directories.collect::<Result<_, Damage>>()? })
    }
}

/// A path as fingerprints spell it: bytes that are not UTF-8 become `\xHH`, and so does a backslash that would look like that.
pub fn spelled(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(place) = rest.find("\\x") {
            let (before, after) = rest.split_at(place);
            let digits = &after.as_bytes()[2..after.len().min(4)];
            let is_like_ours =
                digits == b"5c" || digits.first().is_some_and(|digit| b"89abcdef".contains(digit));
            text += before;
            text += if is_like_ours { "\\x5c" } else { "\\" };
            rest = &after[1..];
        }
        text += rest;
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Cache<'static> {
        let file = |name, content, md5| CachedFile {
            name,
            inode: u64::MAX,
            size: 300,
            changed: 1_700_000_000_000_000_001,
            mode: 0o4755,
            user: 0,
            group: 65534,
            content,
            md5,
        };
        let etc = vec![
            file(b"a\xff", Content::Sha256([1; 32]), None),
            file(b"b", Content::Keyed([2; 32]), Some([3; 16])),
        ];
        let stamp = Stamp { inode: 5, size: 4096, changed: 1_700_000_000_000_000_000 };
        let directories = vec![
            CachedDirectory::default(),
            CachedDirectory { path: b"/etc", stamp, files: etc, others: vec![b"aa", b"c"] },
        ];
        Cache { key_id: "00ff", directories }
    }

    #[test]
    fn it_survives_being_kept() {
        let bytes = example().to_bytes();
        let read = Cache::from_bytes(&bytes).unwrap();
        assert_eq!(read, example());
        assert_eq!(read.files().map(|(path, _)| path).collect::<Vec<_>>(), ["/etc/a\\xff", "/etc/b"]);
        assert_eq!(
            (read.directory(b"/usr"), read.directory(b"/etc")),
            (None, Some(&example().directories[1]))
        );
    }

    #[test]
    fn a_directory_is_read_alone_with_its_names_in_order() {
        let bytes = example().to_bytes();
        let index = CacheIndex::of(&bytes).unwrap();
        let mut names = Vec::new();
        let stamp = index.read(b"/etc", &mut names).unwrap();
        let expected: [&[u8]; 4] = [b"aa", b"a\xff", b"b", b"c"];
        assert!(names.iter().map(CachedName::name).eq(expected));
        assert!(matches!(&names[2], CachedName::File(file) if *file == example().directories[1].files[1]));
        assert_eq!((stamp, index.files, index.is_keyed()), (Some(example().directories[1].stamp), 2, true));
        assert!(index.read(b"/usr", &mut names).unwrap().is_none() && names.is_empty());
    }

    #[test]
    fn one_of_an_older_form_is_refused() {
        assert!(Cache::from_bytes(b"envup files 3\n\0\0\0").is_err());
        assert!(Cache::from_bytes(b"envup files 4\n\0\0\0\0").is_ok());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = example().to_bytes();
        for length in 0..bytes.len() {
            assert!(Cache::from_bytes(&bytes[..length]).is_err(), "{length} bytes were enough");
        }
        for place in 0..bytes.len() {
            // Whatever comes out, nothing breaks.
            let mut changed = bytes.clone();
            changed[place] ^= 0x81;
            let _ = Cache::from_bytes(&changed);
            let Ok(index) = CacheIndex::of(&changed) else { continue };
            let mut names = Vec::new();
            for directory in &index.directories {
                let is_whole = index.read(directory.path, &mut names).is_ok();
                assert!(if is_whole { names.is_sorted_by_key(CachedName::name) } else { names.is_empty() });
            }
        }
    }

    #[test]
    fn different_paths_are_spelled_differently() {
        let paths: [&[u8]; 6] = [b"a\xff", b"a\\xff", b"a\\x5cxff", b"a\\x2d", "a\u{ff}".as_bytes(), b"a\\"];
        let spelled = paths.map(spelled);
        assert_eq!(spelled, ["a\\xff", "a\\x5cxff", "a\\x5cx5cxff", "a\\x2d", "a\u{ff}", "a\\"]);
    }
}
