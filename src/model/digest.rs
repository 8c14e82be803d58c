//! SHA-256 digests that carry the version of the rule they were made by.
//!
//! A stored digest is compared only with one of the same version, so that an upgrade of the tool that changes a rule is
//! seen as such and replaces nothing. Golden tests pin every rule.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Collects labelled parts and digests them unambiguously: each part goes in with its length.
#[derive(Clone)]
pub struct Digester(Sha256);

impl Digester {
    /// Starts a digest; `rule` names what is digested and the version of the rule, such as `step/1`.
    pub fn new(rule: &str) -> Self {
        let mut digester = Self(Sha256::new());
        digester.part(rule.as_bytes());
        digester
    }

    /// Adds one part.
    pub fn part(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a piece of a part that comes in pieces, wherever one ends and the next begins. Another part must say how long it is.
    pub fn piece(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// The digest as 64 lowercase hexadecimal characters.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// SHA-256 of some bytes as 64 lowercase hexadecimal characters.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lowercase hexadecimal characters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 12 characters, for people and names.
pub fn short(digest: &str) -> &str {
    &digest[..digest.len().min(12)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[&str]| {
            let mut digester = Digester::new("test/1");
            for part in parts {
                digester.part(part);
            }
            digester.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }

    #[test]
    fn pieces_run_together() {
        let of = |pieces: &[&[u8]]| {
            let mut digester = Digester::new("test/1");
            for piece in pieces {
                digester.piece(piece);
            }
            digester.finish()
        };
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
    }
}
