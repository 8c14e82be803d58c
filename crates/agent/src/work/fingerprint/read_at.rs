//! Bytes at a place of a file, for formats of which only a little has to be read.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Something with bytes at places.
pub trait ReadAt {
    /// Fills `bytes` from a place on; whether all of them are there.
    fn read_at(&self, bytes: &mut [u8], place: u64) -> bool;

    /// A text that ends with a zero byte. At most so many bytes of it, 256 at most.
    fn text_at(&self, place: u64) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        let mut block = [0; 64];
        while text.len() < 256 {
            let next = place.saturating_add(text.len() as u64);
            // Near the end of the file there is no whole block any more.
            let more: &[u8] = match self.read_at(&mut block, next) {
                true => &block,
                false if self.read_at(&mut byte, next) => &byte,
                false => break,
            };
            match more.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    text.extend(&more[..end]);
                    break;
                }
                None => text.extend(more),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl ReadAt for File {
    fn read_at(&self, bytes: &mut [u8], place: u64) -> bool {
        self.read_exact_at(bytes, place).is_ok()
    }
}

#[cfg(test)]
impl ReadAt for Vec<u8> {
    fn read_at(&self, bytes: &mut [u8], place: u64) -> bool {
        let begin = usize::try_from(place).ok();
        let found = begin.and_then(|begin| self.get(begin..begin.checked_add(bytes.len())?));
        found.inspect(|found| bytes.copy_from_slice(found)).is_some()
    }
}
