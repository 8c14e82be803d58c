//! Finding directories in the bytes of a cache: what is in one is read when somebody comes to it, and is then at hand for the
//! processor. To read all of it before anything is asked would take several times the memory.

use super::packed::{Kind, MAGIC, OTHER, after};
use super::{CachedFile, Content, Damage, Stamp};

/// The bytes of a cache, and where each directory is in them.
#[derive(Default)]
pub struct CacheIndex<'b> {
    /// The key that keyed digests were made with, as fingerprints tell it; empty where there are none.
    pub key_id: &'b str,
    /// How many files there are in all directories.
    pub files: usize,
    kinds: Vec<Kind>,
    /// Sorted by path.
    pub(super) directories: Vec<PackedDirectory<'b>>,
}

/// A directory whose names were not read yet.
pub(super) struct PackedDirectory<'b> {
    pub(super) path: &'b [u8],
    pub(super) stamp: Stamp,
    names: &'b [u8],
}

/// A name in a directory.
#[derive(Debug)]
pub enum CachedName<'b> {
    /// A regular file that was read.
    File(CachedFile<'b>),
    /// Anything else.
    Other(&'b [u8]),
}

impl<'b> CacheIndex<'b> {
    /// Of what [`Cache::to_bytes`](super::Cache::to_bytes) wrote. Damage within a directory is found when that one is read.
    pub fn of(bytes: &'b [u8]) -> Result<CacheIndex<'b>, Damage> {
        Reader(bytes).index().ok_or_else(damage)
    }

    /// Whether digests in it may be keyed.
    pub fn is_keyed(&self) -> bool {
        self.kinds.iter().any(|kind| kind.is_keyed)
    }

    /// Puts all names in a directory, sorted, into the list, instead of what was in it, and gives what they are known for; `None` for
    /// a directory of which nothing is known.
    pub fn read(&self, path: &[u8], names: &mut Vec<CachedName<'b>>) -> Result<Option<Stamp>, Damage> {
        names.clear();
        let place = self.directories.binary_search_by(|directory| directory.path.cmp(path));
        let Some(directory) = place.ok().and_then(|place| self.directories.get(place)) else {
            return Ok(None);
        };
        let read = self.names(directory, names);
        if read.is_err() {
            names.clear();
        }
        read.map(|()| Some(directory.stamp))
    }

    /// Adds all names in a directory to an empty list.
    pub(super) fn names(
        &self,
        directory: &PackedDirectory<'b>,
        names: &mut Vec<CachedName<'b>>,
    ) -> Result<(), Damage> {
        let mut reader = Reader(directory.names);
        let mut before = directory.stamp;
        while !reader.0.is_empty() {
            let name = reader.name(&self.kinds, &mut before).ok_or_else(damage)?;
            if names.last().is_some_and(|last| last.name() >= name.name()) {
                return Err(damage());
            }
            names.push(name);
        }
        Ok(())
    }
}

impl<'b> CachedName<'b> {
    /// The name itself.
    pub fn name(&self) -> &'b [u8] {
        match self {
            CachedName::File(file) => file.name,
            CachedName::Other(name) => name,
        }
    }
}

fn damage() -> Damage {
    Damage::Broken("the cache of files is damaged".to_owned())
}

/// What is left to read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn index(&mut self) -> Option<CacheIndex<'b>> {
        self.0 = self.0.strip_prefix(MAGIC)?;
        let key_id = std::str::from_utf8(self.text()?).ok()?;
        let kinds = self.list(Reader::kind)?;
        let files = self.length()?;
        let mut before = Stamp::default();
        let mut directories = self.list(|reader| reader.directory(&mut before))?;
        // A binary search in what is not sorted would only find less; the host may still rely on the order.
        directories.sort_by(|one, other| one.path.cmp(other.path));
        self.0.is_empty().then_some(CacheIndex { key_id, files, kinds, directories })
    }

    fn directory(&mut self, before: &mut Stamp) -> Option<PackedDirectory<'b>> {
        Some(PackedDirectory { path: self.text()?, stamp: self.stamp(before)?, names: self.text()? })
    }

    fn name(&mut self, kinds: &[Kind], before: &mut Stamp) -> Option<CachedName<'b>> {
        let name = self.text()?;
        let Some(place) = self.number()?.checked_sub(OTHER + 1) else { return Some(CachedName::Other(name)) };
        let Kind { mode, user, group, is_keyed, has_md5 } = *kinds.get(usize::try_from(place).ok()?)?;
        let Stamp { inode, size, changed } = self.stamp(before)?;
        let digest = self.array()?;
        let content = if is_keyed { Content::Keyed(digest) } else { Content::Sha256(digest) };
        let md5 = if has_md5 { Some(self.array()?) } else { None };
        Some(CachedName::File(CachedFile { name, inode, size, changed, mode, user, group, content, md5 }))
    }

    fn stamp(&mut self, before: &mut Stamp) -> Option<Stamp> {
        let inode = after(before.inode, self.number()?);
        let size = self.number()?;
        let changed = after(before.changed, self.number()?);
        *before = Stamp { inode, size, changed };
        Some(*before)
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

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.length()?;
        // A damaged count cannot ask for more memory than the bytes themselves.
        let mut list = Vec::with_capacity(count.min(self.0.len() / size_of::<T>().max(1)));
        for _ in 0..count {
            list.push(each(self)?);
        }
        Some(list)
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
