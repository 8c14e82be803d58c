//! The cache of files as bytes: how they are laid out, and writing them. Reading them is `index`.
//!
//! All of it goes through the engine into the machine each time, which is copied, and woken up for, piece by piece. So a file's
//! numbers are told by how far they are from those of the file before it, and what many files have in common is told once. Each
//! directory says how long it is, and its names depend on nothing but its own stamp and the kinds of files: who looks for one need
//! not read what is in the others. Bytes of an older form are refused like damaged ones.

use super::{Cache, CachedDirectory, CachedFile, Content, Stamp};

pub const MAGIC: &[u8] = b"envup files 4\n";

/// The number of a name that is no file; those of [`Kind`]s begin after it.
pub const OTHER: u64 = 0;

/// A cache as it is kept and sent.
pub fn packed(cache: &Cache<'_>) -> Vec<u8> {
    let files = || cache.directories.iter().flat_map(|directory| &directory.files);
    let mut kinds = Vec::new();
    for kind in files().map(Kind::of) {
        if let Err(place) = kinds.binary_search(&kind) {
            kinds.insert(place, kind);
        }
    }
    let mut writer = Writer(MAGIC.to_vec());
    writer.text(cache.key_id.as_bytes());
    writer.number(kinds.len() as u64);
    for Kind { mode, user, group, is_keyed, has_md5 } in &kinds {
        let numbers =
            [(*mode).into(), (*user).into(), (*group).into(), (*is_keyed).into(), (*has_md5).into()];
        numbers.into_iter().for_each(|number| writer.number(number));
    }
    writer.number(files().count() as u64);
    writer.number(cache.directories.len() as u64);
    let mut before = Stamp::default();
    for directory in &cache.directories {
        writer.text(directory.path);
        writer.stamp(directory.stamp, &mut before);
        writer.text(&names(directory, &kinds));
    }
    writer.0
}

/// All names in a directory, sorted.
fn names(directory: &CachedDirectory<'_>, kinds: &[Kind]) -> Vec<u8> {
    let files = directory.files.iter().map(|file| (file.name, Some(file)));
    let mut names: Vec<_> = files.chain(directory.others.iter().map(|name| (*name, None))).collect();
    names.sort_by_key(|(name, _)| *name);
    let mut writer = Writer(Vec::new());
    let mut before = directory.stamp;
    for (name, file) in names {
        writer.text(name);
        match file {
            None => writer.number(OTHER),
            Some(file) => writer.file(file, kinds, &mut before),
        }
    }
    writer.0
}

/// What many files have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub mode: u16,
    pub user: u32,
    pub group: u32,
    pub is_keyed: bool,
    pub has_md5: bool,
}

impl Kind {
    fn of(file: &CachedFile<'_>) -> Kind {
        let CachedFile { mode, user, group, .. } = *file;
        let is_keyed = matches!(file.content, Content::Keyed(_));
        Kind { mode, user, group, is_keyed, has_md5: file.md5.is_some() }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn file(&mut self, file: &CachedFile<'_>, kinds: &[Kind], before: &mut Stamp) {
        let (Ok(place) | Err(place)) = kinds.binary_search(&Kind::of(file));
        self.number(OTHER + 1 + place as u64);
        let CachedFile { inode, size, changed, .. } = *file;
        self.stamp(Stamp { inode, size, changed }, before);
        let (Content::Sha256(digest) | Content::Keyed(digest)) = &file.content;
        self.0.extend_from_slice(digest);
        self.0.extend_from_slice(file.md5.as_ref().map_or(&[], |md5| md5.as_slice()));
    }

    fn stamp(&mut self, stamp: Stamp, before: &mut Stamp) {
        self.number(difference(before.inode, stamp.inode));
        self.number(stamp.size);
        self.number(difference(before.changed, stamp.changed));
        *before = stamp;
    }

    /// A number, seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }
}

/// How far it is from one number to another: small when that is little, in either direction.
fn difference(from: u64, to: u64) -> u64 {
    let way = to.wrapping_sub(from).cast_signed();
    ((way << 1) ^ (way >> 63)).cast_unsigned()
}

/// Where a [`difference`] leads to.
pub fn after(from: u64, difference: u64) -> u64 {
    from.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_by_how_far_they_are_apart() {
        for numbers in [[0, 0], [5, 4], [4, 5], [0, u64::MAX], [u64::MAX, 0], [1, 1 << 63], [1 << 63, 1]] {
            let [from, to] = numbers;
            assert_eq!(after(from, difference(from, to)), to);
        }
        assert_eq!([difference(7, 7), difference(7, 6), difference(7, 8)], [0, 1, 2]);
    }
}
