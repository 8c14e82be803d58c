//! Reads files and digests what is in them, large ones piece by piece.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use envup_agent::Content;
use hmac::Mac as _;
use md5::Md5;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::work::fingerprint::view::View;

/// How much is read at once: what fits into a core's own cache.
const PIECE: usize = 128 * 1024;

/// How cloud-init begins some of the files that it writes, such as rules of sudo: its version and the time follow.
const BY_CLOUD_INIT: &[u8] = b"# Created by cloud-init v. ";

/// Reads files for one thread.
pub struct Reader<'a> {
    view: &'a View<'a>,
    buffer: Box<[u8]>,
}

/// How a file is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    pub is_keyed: bool,
    pub with_md5: bool,
}

/// The digests of a file.
pub struct Digested {
    pub content: Content,
    pub md5: Option<[u8; 16]>,
}

impl<'a> Reader<'a> {
    pub fn new(view: &'a View<'a>) -> Reader<'a> {
        Reader { view, buffer: vec![0; PIECE].into() }
    }

    /// Digests an open file that should have this size. Its MD5 is that of all of it; see [`without_time`] for the other.
    pub fn digest(&mut self, file: impl AsFd, size: u64, how: How) -> io::Result<Digested> {
        let mut keyed = how.is_keyed.then(|| self.view.mac("file"));
        let mut plain = Sha256::new();
        let mut md5 = how.with_md5.then(Md5::new);
        let mut total = 0;
        loop {
            let length = match rustix::io::read(&file, &mut self.buffer[..]) {
                Ok(length) => length,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let piece = &self.buffer[..length];
            let told = if total == 0 { without_time(piece) } else { piece };
            match &mut keyed {
                Some(keyed) => keyed.update(told),
                None => plain.update(told),
            }
            if let Some(md5) = &mut md5 {
                md5.update(piece);
            }
            total += length as u64;
            // Less than there was room for, and all that was expected: the end, without asking once more.
            if length == 0 || length < self.buffer.len() && total >= size {
                break;
            }
        }
        let content = match keyed {
            Some(keyed) => Content::Keyed(keyed.finalize().into_bytes().into()),
            None => Content::Sha256(plain.finalize().into()),
        };
        Ok(Digested { content, md5: md5.map(|md5| md5.finalize().into()) })
    }
}

/// The beginning of a file without a first line that says when cloud-init wrote it: on every machine at another time. Nothing that any
/// program would take for more than words can hide in such a line.
fn without_time(beginning: &[u8]) -> &[u8] {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b" .,:+~-".contains(byte);
    let Some(rest) = beginning.strip_prefix(BY_CLOUD_INIT) else { return beginning };
    match rest.iter().position(|byte| !is_word(byte)) {
        Some(end) if rest[end] == b'\n' => &rest[end..],
        _ => beginning,
    }
}

/// Opens a file or directory, never a link, without leaving a trace in its times where that is allowed.
pub fn open(directory: impl AsFd, name: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    // What became a pipe in the meantime must not make anybody wait.
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match openat(&directory, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => openat(&directory, name, flags, Mode::empty()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_cloud_init_wrote_a_file_does_not_count_and_all_else_does() {
        let rule = "\n\n# User rules\nme ALL=(ALL) ALL\n";
        let written = |day: &str| {
            format!("# Created by cloud-init v. 22.4.2 on Mon, {day} Nov 2026 22:42:10 +0000{rule}")
        };
        assert_eq!(without_time(written("29").as_bytes()), rule.as_bytes());
        assert_eq!(without_time(written("30").as_bytes()), rule.as_bytes());
        let program = written("29").replace("2026", "<?php run() ?>");
        for other in ["# Created by hand\nx", "# Created by cloud-init v. 22", "", rule, &program] {
            assert_eq!(without_time(other.as_bytes()), other.as_bytes());
        }
    }
}
