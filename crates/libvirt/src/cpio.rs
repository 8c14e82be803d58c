//! Writes the archive that is appended to an initrd: files and directories in the form `newc`, owned by root.

use std::collections::BTreeSet;

/// The start of a header, and the name that ends an archive.
const MAGIC: &str = "070701";
const TRAILER: &str = "TRAILER!!!";

/// Kinds of entries, as in the mode of a file.
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// An archive in the making.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    inodes: u32,
    directories: BTreeSet<String>,
}

impl Archive {
    /// A directory with those above it; those that are there stay as they are.
    pub fn directory(&mut self, path: &str, mode: u32) {
        let path = path.trim_matches('/');
        if let Some((above, _)) = path.rsplit_once('/') {
            self.directory(above, 0o755);
        }
        if !path.is_empty() && self.directories.insert(path.to_owned()) {
            self.entry(path, DIRECTORY | mode, &[]);
        }
    }

    /// A file, with the directories above it.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        let path = path.trim_matches('/');
        if let Some((above, _)) = path.rsplit_once('/') {
            self.directory(above, 0o755);
        }
        self.entry(path, FILE | mode, content);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.inodes += 1;
        let inode = if name == TRAILER { 0 } else { self.inodes };
        let (links, size) = (1, content.len());
        let mut header = MAGIC.to_owned();
        // Inode, mode, owner, group, links, time, size, four numbers of devices, length of the name, checksum.
        for number in [inode, mode, 0, 0, links, 0, size as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0] {
            header += &format!("{number:08x}");
        }
        self.bytes.extend(header.as_bytes());
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(content);
        self.align();
    }

    fn align(&mut self) {
        pad(&mut self.bytes);
    }
}

/// Fills up to a multiple of four: the kernel looks for the next archive only there.
pub fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_is_written_can_be_read() {
        let mut archive = Archive::default();
        archive.directory("/machine/root/.ssh", 0o700);
        archive.file("/machine/root/.ssh/authorized_keys", 0o600, b"key\n");
        archive.file("/machine/etc/hostname", 0o644, b"web\n");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("archive"), bytes).unwrap();
        let input = std::fs::File::open(place.path().join("archive")).unwrap();
        let read = Command::new("busybox")
            .args(["cpio", "-i", "-d"])
            .current_dir(place.path())
            .stdin(Stdio::from(input))
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        assert_eq!(std::fs::read(place.path().join("machine/etc/hostname")).unwrap(), b"web\n");
        let ssh = place.path().join("machine/root/.ssh");
        let mode = |path: &std::path::Path| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode(&ssh), mode(&ssh.join("authorized_keys"))), (0o700, 0o600));
    }
}
