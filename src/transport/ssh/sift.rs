//! Takes a mark of ours out of what a command writes, wherever it is cut, and remembers the last that was said on standard error.

use super::process::Stream;

/// How much of standard error is kept for explanations.
const KEPT: usize = 4096;

/// Looks for a mark in two streams.
pub(super) struct Sifter {
    mark: &'static [u8],
    held: [Vec<u8>; 2],
    found: bool,
    said: Vec<u8>,
}

impl Sifter {
    /// Nothing seen yet.
    pub(super) fn new(mark: &'static [u8]) -> Self {
        Self { mark, held: [Vec::new(), Vec::new()], found: false, said: Vec::new() }
    }

    /// What can be handed on of a stream now that these bytes came: all but the mark, or what may be its beginning.
    pub(super) fn sift(&mut self, stream: Stream, bytes: &[u8]) -> Vec<u8> {
        if stream == Stream::Stderr {
            self.said.extend_from_slice(bytes);
            let superfluous = self.said.len().saturating_sub(KEPT);
            self.said.drain(..superfluous);
        }
        let held = &mut self.held[stream.index()];
        held.extend_from_slice(bytes);
        if let Some(at) = held.windows(self.mark.len()).position(|window| window == self.mark) {
            held.drain(at..at + self.mark.len());
            self.found = true;
        }
        let longest = self.mark.len().min(held.len());
        let open = (0..=longest).rev().find(|length| held.ends_with(&self.mark[..*length])).unwrap_or(0);
        let rest = held.split_off(held.len() - open);
        std::mem::replace(held, rest)
    }

    /// What was held back in vain, once all has come.
    pub(super) fn rest(&mut self) -> [(Stream, Vec<u8>); 2] {
        let [out, err] = &mut self.held;
        [(Stream::Stdout, std::mem::take(out)), (Stream::Stderr, std::mem::take(err))]
    }

    /// Whether the mark came.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// The last that was said on standard error.
    pub(super) fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_taken_out_however_it_is_cut() {
        for size in 1..9 {
            let mut sifter = Sifter::new(b"<mark>");
            let mut kept = Vec::new();
            for piece in b"one\n<mar\n<mark>two\n".chunks(size) {
                kept.extend(sifter.sift(Stream::Stderr, piece));
            }
            kept.extend(sifter.rest()[1].1.clone());
            assert_eq!(kept, b"one\n<mar\ntwo\n", "pieces of {size}");
            assert!(sifter.found());
        }
    }

    #[test]
    fn what_only_begins_like_a_mark_comes_in_the_end() {
        let mut sifter = Sifter::new(b"<mark>");
        assert_eq!(sifter.sift(Stream::Stdout, b"text<"), b"text");
        assert_eq!(sifter.sift(Stream::Stderr, b"<m"), b"");
        assert_eq!(sifter.rest(), [(Stream::Stdout, b"<".to_vec()), (Stream::Stderr, b"<m".to_vec())]);
        assert!(!sifter.found());
    }
}
