//! What a disk image must not be: one that refers to other files. Whoever can have such an image converted or booted reads whatever
//! of this host it names.
//!
//! Only the header is looked at; whether the rest is sound is QEMU's business.

use crate::model::error::Attempt;
use crate::model::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The part of the header that all versions have, and of version 3 the feature bits.
const HEADER: usize = 80;
const MAGIC: &[u8; 4] = b"QFI\xfb";
/// Incompatible features, by bit: the image is being written, known to be damaged, has its data in another file.
const DAMAGED: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
/// Features of which QEMU needs to know and we not: dirty, compression type, extended entries.
const HARMLESS: u64 = 1 | 1 << 3 | 1 << 4;

/// Fails unless the file is a qcow2 image that stands for itself.
pub(super) fn check(path: &Path) -> Result<()> {
    let mut header = Vec::with_capacity(HEADER);
    let file = File::open(path).attempt(|| format!("cannot read {}", path.display()))?;
    file.take(HEADER as u64)
        .read_to_end(&mut header)
        .attempt(|| format!("cannot read {}", path.display()))?;
    match why_bad(&header) {
        None => Ok(()),
        Some(why) => Err(Error::failed(format!("the disk image {} {why}", path.display()))
            .hint("a box's disk is one plain qcow2 image: `qemu-img convert -O qcow2` makes one of a disk that you trust")),
    }
}

fn why_bad(header: &[u8]) -> Option<&'static str> {
    let number = |at: usize| {
        header.get(at..at + 4).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let long = |at: usize| Some(number(at)? << 32 | number(at + 4)?);
    if header.get(..4) != Some(MAGIC) {
        return Some("is no qcow2 image");
    }
    let version = number(4);
    if !matches!(version, Some(2 | 3)) || header.len() < HEADER {
        return Some("has a header of a kind that is not known");
    }
    if long(8) != Some(0) || number(16) != Some(0) {
        return Some("refers to another file as its backing file");
    }
    if number(32) != Some(0) {
        return Some("is encrypted");
    }
    let features = if version == Some(3) { long(72)? } else { 0 };
    if features & DATA_FILE != 0 {
        return Some("refers to another file for its data");
    }
    if features & DAMAGED != 0 {
        return Some("is marked as damaged");
    }
    (features & !HARMLESS != 0).then_some("uses features that are not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(changes: &[(usize, u8)]) -> Vec<u8> {
        let mut header = vec![0; HEADER];
        header[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        for (at, byte) in changes {
            header[*at] = *byte;
        }
        header
    }

    #[test]
    fn only_an_image_that_stands_for_itself_will_do() {
        assert_eq!(why_bad(&header(&[])), None);
        assert_eq!(why_bad(&header(&[(79, 1)])), None);
        for (changes, why) in [
            (&[(0, 0)][..], "no qcow2"),
            (&[(7, 4)], "not known"),
            (&[(15, 104)], "backing file"),
            (&[(19, 9)], "backing file"),
            (&[(35, 2)], "encrypted"),
            (&[(79, 4)], "for its data"),
            (&[(79, 2)], "damaged"),
            (&[(79, 0x80)], "features"),
        ] {
            assert!(why_bad(&header(changes)).is_some_and(|said| said.contains(why)), "{why}");
        }
        assert!(why_bad(&header(&[])[..40]).is_some());
        assert!(why_bad(b"").is_some());
    }
}
