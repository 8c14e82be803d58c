//! Where the walk goes: real local disks, and nothing that is gone at the next start or told elsewhere.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::work::failure::plain;

/// Not told at all: the kernel's, what lasts no longer than a start, and our own.
const LEFT_OUT: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/var/lib/envup"];

/// Told as directories, never opened: temporary files, machines inside the machine, and the books of package managers.
const CLOSED: [&str; 13] = [
    "/lib/apk/db",
    "/tmp",
    "/usr/lib/apk/db",
    "/usr/lib/sysimage/rpm",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/kubelet",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/rpm",
    "/var/tmp",
];

/// Python's own copies of what it read, made whenever somebody runs it; it checks them against the source by itself.
pub const BYTECODE: &[u8] = b"__pycache__";

/// File systems on disks.
const ON_DISK: [&str; 9] = ["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "reiserfs", "xfs", "zfs"];

/// Where the walk goes in one machine.
pub struct Scope {
    /// By directory: names in it that are not told.
    left_out: HashMap<Vec<u8>, Vec<Vec<u8>>>,
    closed: HashSet<&'static [u8]>,
    /// The device that everything has to be on, where mounts are not known.
    device: Option<u64>,
    /// Why mounts are not known though they should be.
    problem: Option<String>,
}

impl Scope {
    /// For the machine below `root`, whose root directory is on `device`. The kernel is asked about the running machine only.
    pub fn read(root: &Path, device: u64) -> Scope {
        let table = match root == Path::new("/") {
            true => std::fs::read_to_string("/proc/self/mountinfo").map_err(|error| Some(plain(&error))),
            false => Err(None),
        };
        let (mounts, device, problem) = match table {
            Ok(table) => (foreign_mounts(&table), None, None),
            Err(problem) => (Vec::new(), Some(device), problem),
        };
        let mut left_out: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
        for path in mounts.into_iter().chain(LEFT_OUT.map(|path| path.as_bytes().to_vec())) {
            if let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
                left_out.entry(path[..slash].to_vec()).or_default().push(path[slash + 1..].to_vec());
            }
        }
        Scope { left_out, closed: CLOSED.iter().map(|path| path.as_bytes()).collect(), device, problem }
    }

    /// Names in a directory that are not told; usually none.
    pub fn left_out(&self, directory: &[u8]) -> &[Vec<u8>] {
        self.left_out.get(directory).map_or(&[], Vec::as_slice)
    }

    /// Whether a directory on a device is opened.
    pub fn opens(&self, directory: &[u8], device: u64) -> bool {
        self.device.is_none_or(|all| all == device) && !self.closed.contains(directory)
    }

    /// Whether the walk comes to a path, if it exists.
    pub fn reaches(&self, path: &[u8]) -> bool {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(place, _)| place);
        let ends = slashes.skip(1).chain([path.len()]);
        let mut parent: &[u8] = b"";
        for end in ends {
            let name = &path[parent.len() + 1..end];
            if self.closed.contains(parent)
                || name == BYTECODE
                || self.left_out(parent).iter().any(|other| other == name)
            {
                return false;
            }
            parent = &path[..end];
        }
        true
    }

    /// Why mounts are not known, so that only the first device was walked.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

/// The mount points of a mount table that do not belong to the machine's own disks.
fn foreign_mounts(table: &str) -> Vec<Vec<u8>> {
    // The last mount on a place is the one that is seen.
    let mut mounts: HashMap<&str, bool> = HashMap::new();
    for line in table.lines() {
        let Some((mount, source)) = line.split_once(" - ") else { continue };
        let fields: Vec<&str> = mount.split(' ').collect();
        let [_, _, _, root, point, ..] = fields[..] else { continue };
        let kind = source.split(' ').next().unwrap_or_default();
        mounts.insert(point, root == "/" && ON_DISK.contains(&kind));
    }
    let foreign = mounts.into_iter().filter(|(point, is_own)| !is_own && *point != "/");
    foreign.map(|(point, _)| unescaped(point)).collect()
}

/// A path of the mount table, where blanks and backslashes are written as octal numbers.
fn unescaped(point: &str) -> Vec<u8> {
    let mut parts = point.split('\\');
    let mut path = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        path.push(code.unwrap_or(b'\\'));
        path.extend_from_slice(if code.is_some() { &part.as_bytes()[3..] } else { part.as_bytes() });
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_disks_belong_to_the_machine() {
        let table = "\
            1 0 0:1 / / rw - overlay overlay rw\n\
            2 1 8:1 / /srv rw,noatime shared:1 - ext4 /dev/sda1 rw\n\
            3 1 8:1 /docker/volumes/x /data rw - ext4 /dev/sda1 rw\n\
            4 1 0:2 / /mnt/a\\040b rw - tmpfs tmpfs rw\n\
            5 1 8:2 / /covered rw - xfs /dev/sdb rw\n\
            6 1 0:3 / /covered rw - nfs server:/x rw\n";
        let mut found = foreign_mounts(table);
        found.sort();
        assert_eq!(found, [b"/covered".to_vec(), b"/data".to_vec(), b"/mnt/a b".to_vec()]);
    }

    #[test]
    fn what_lies_behind_a_closed_door_is_not_reached() {
        let scope = Scope::read(Path::new("/nowhere"), 1);
        let reached = ["/etc/passwd", "/usr", "/tmp", "/runner"].map(|path| scope.reaches(path.as_bytes()));
        assert_eq!(reached, [true; 4]);
        let hidden =
            ["/proc/1/stat", "/run", "/tmp/x", "/var/lib/dpkg/info/x.list", "/usr/lib/__pycache__/a.pyc"];
        assert_eq!(hidden.map(|path| scope.reaches(path.as_bytes())), [false; 5]);
        assert!(scope.opens(b"/etc", 1) && !scope.opens(b"/mnt", 2) && !scope.opens(b"/tmp", 1));
    }
}
