//! The cache of files as bytes.
//!
//! All of it goes through the engine into the machine each time, which is copied, and woken up for, piece by piece. So a file's
//! numbers are told by how far they are from those of the file before it, and what many files have in common is told once. Bytes of
//! an older form are refused like damaged ones.

use super::{Cache, CachedDirectory, CachedFile, Content, Stamp};

const MAGIC: &[u8] = b"envup files 3\n";

/// A cache as it is kept and sent.
pub fn packed(cache: &Cache<'_>) -> Vec<u8> {
    let files = cache.directories.iter().flat_map(|directory| &directory.files);
    let mut kinds = Vec::new();
    for kind in files.map(Kind::of) {
        if let Err(place) = kinds.binary_search(&kind) {
            kinds.insert(place, kind);
        }
    }
    let mut writer = Writer { bytes: MAGIC.to_vec(), kinds, before: Stamp::default() };
    writer.cache(cache);
    writer.bytes
}

/// Reads what [`packed`] wrote; `None` when it is damaged.
pub fn unpacked(bytes: &[u8]) -> Option<Cache<'_>> {
    Reader { rest: bytes, kinds: Vec::new(), before: Stamp::default() }.cache()
}

/// What many files have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    mode: u16,
    user: u32,
    group: u32,
    is_keyed: bool,
    has_md5: bool,
}

impl Kind {
    fn of(file: &CachedFile<'_>) -> Kind {
        let CachedFile { mode, user, group, .. } = *file;
        let is_keyed = matches!(file.content, Content::Keyed(_));
        Kind { mode, user, group, is_keyed, has_md5: file.md5.is_some() }
    }
}

struct Writer {
    bytes: Vec<u8>,
    /// Sorted.
    kinds: Vec<Kind>,
    /// The file or directory before.
    before: Stamp,
}

impl Writer {
    fn cache(&mut self, cache: &Cache<'_>) {
        self.text(cache.key_id.as_bytes());
        self.number(self.kinds.len() as u64);
        for Kind { mode, user, group, is_keyed, has_md5 } in self.kinds.clone() {
            let numbers = [mode.into(), user.into(), group.into(), is_keyed.into(), has_md5.into()];
            numbers.into_iter().for_each(|number| self.number(number));
        }
        self.number(cache.directories.len() as u64);
        for directory in &cache.directories {
            self.text(directory.path);
            self.stamp(directory.stamp);
            self.number(directory.files.len() as u64);
            directory.files.iter().for_each(|file| self.file(file));
            self.number(directory.others.len() as u64);
            directory.others.iter().for_each(|name| self.text(name));
        }
    }

    fn file(&mut self, file: &CachedFile<'_>) {
        self.text(file.name);
        let (Ok(place) | Err(place)) = self.kinds.binary_search(&Kind::of(file));
        self.number(place as u64);
        let CachedFile { inode, size, changed, .. } = *file;
        self.stamp(Stamp { inode, size, changed });
        let (Content::Sha256(digest) | Content::Keyed(digest)) = &file.content;
        self.bytes.extend_from_slice(digest);
        self.bytes.extend_from_slice(file.md5.as_ref().map_or(&[], |md5| md5.as_slice()));
    }

    fn stamp(&mut self, stamp: Stamp) {
        self.number(difference(self.before.inode, stamp.inode));
        self.number(stamp.size);
        self.number(difference(self.before.changed, stamp.changed));
        self.before = stamp;
    }

    /// A number, seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }
}

/// How far it is from one number to another: small when that is little, in either direction.
fn difference(from: u64, to: u64) -> u64 {
    let way = to.wrapping_sub(from).cast_signed();
    ((way << 1) ^ (way >> 63)).cast_unsigned()
}

/// Where a [`difference`] leads to.
fn after(from: u64, difference: u64) -> u64 {
    from.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}

struct Reader<'b> {
    rest: &'b [u8],
    kinds: Vec<Kind>,
    /// The file or directory before.
    before: Stamp,
}

impl<'b> Reader<'b> {
    fn cache(&mut self) -> Option<Cache<'b>> {
        self.rest = self.rest.strip_prefix(MAGIC)?;
        let key_id = std::str::from_utf8(self.text()?).ok()?;
        self.kinds = self.list(Reader::kind)?;
        let mut directories = self.list(Reader::directory)?;
        // A binary search in what is not sorted would only find less; the host may still rely on the order.
        directories.sort_by(|one, other| one.path.cmp(other.path));
        self.rest.is_empty().then_some(Cache { key_id, directories })
    }

    fn directory(&mut self) -> Option<CachedDirectory<'b>> {
        Some(CachedDirectory {
            path: self.text()?,
            stamp: self.stamp()?,
            files: self.list(Reader::file)?,
            others: self.list(Reader::text)?,
        })
    }

    fn stamp(&mut self) -> Option<Stamp> {
        let inode = after(self.before.inode, self.number()?);
        let size = self.number()?;
        let changed = after(self.before.changed, self.number()?);
        self.before = Stamp { inode, size, changed };
        Some(self.before)
    }

    fn kind(&mut self) -> Option<Kind> {
        Some(Kind {
            mode: self.number()?.try_into().ok()?,
            user: self.number()?.try_into().ok()?,
            group: self.number()?.try_into().ok()?,
            is_keyed: self.number()? != 0,
            has_md5: self.number()? != 0,
        })
    }

    fn file(&mut self) -> Option<CachedFile<'b>> {
        let name = self.text()?;
        let place = usize::try_from(self.number()?).ok()?;
        let Kind { mode, user, group, is_keyed, has_md5 } = *self.kinds.get(place)?;
        let Stamp { inode, size, changed } = self.stamp()?;
        let digest = self.array()?;
        let content = if is_keyed { Content::Keyed(digest) } else { Content::Sha256(digest) };
        let md5 = if has_md5 { Some(self.array()?) } else { None };
        Some(CachedFile { name, inode, size, changed, mode, user, group, content, md5 })
    }

    fn list<T>(&mut self, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok()?;
        // A damaged count cannot ask for more memory than the bytes themselves.
        let mut list = Vec::with_capacity(count.min(self.rest.len() / size_of::<T>().max(1)));
        for _ in 0..count {
            list.push(each(self)?);
        }
        Some(list)
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
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
