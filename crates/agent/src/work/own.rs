//! Hands what root made in a folder of the host to the folder's owner, who could not change or delete it otherwise.
//!
//! Only below the folder's own mount and file system, only what belongs to root, and only what is younger than the machine.
//! Links are handed over themselves and never followed. Where the folder's owner is root, or is no user of this machine
//! (engines that map users do this work themselves), nothing happens.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use envup_agent::{OwnReply, OwnRequest, Reply};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, StatxFlags, StatxTimestamp, Uid, chownat, fstat,
    openat, statat, statx,
};
use rustix::io::Errno;

use super::failure::Failure;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Names a thing without opening it, so that nothing can take its place between the look and the change.
const NAMED: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Who the kernel shows as the owner of what belongs to nobody here; see /proc/sys/kernel/overflowuid.
const NOBODY: u32 = 65534;

/// Carries the request out.
pub fn own(request: &OwnRequest) -> Result<Reply, Failure> {
    let path = Path::new(&request.folder);
    let cannot = |error: Errno| Failure::io(format_args!("cannot look at {}", path.display()), error);
    let folder = match openat(CWD, path, DIRECTORY, Mode::empty()) {
        Ok(folder) => folder,
        // A single file is synced, or nothing any more.
        Err(Errno::NOTDIR | Errno::NOENT) => return Ok(Reply::Own(OwnReply::default())),
        Err(error) => return Err(cannot(error)),
    };
    let owner = fstat(&folder).map_err(cannot)?;
    let mounts = fs::read("/proc/self/mountinfo").map(|text| mount_points(&text)).unwrap_or_default();
    let mut walk = Walk { owner, since: request.since, mounts, reply: OwnReply::default() };
    if ![0, NOBODY].contains(&walk.owner.st_uid) {
        walk.below(folder, path);
    }
    Ok(Reply::Own(walk.reply))
}

/// One walk through a folder.
struct Walk {
    /// The folder itself.
    owner: Stat,
    since: i64,
    mounts: HashSet<PathBuf>,
    reply: OwnReply,
}

impl Walk {
    /// What goes away while we look, or cannot be read, is left alone.
    fn below(&mut self, directory: OwnedFd, path: &Path) {
        let Ok(entries) = Dir::read_from(&directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if [c".", c".."].contains(&name) {
                continue;
            }
            let Ok(stat) = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if stat.st_dev != self.owner.st_dev || !is_directory && stat.st_uid != 0 {
                continue;
            }
            let path = path.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            if self.mounts.contains(&path) {
                continue;
            }
            if is_directory && let Ok(inner) = openat(&directory, name, DIRECTORY, Mode::empty()) {
                self.below(inner, &path);
            }
            if stat.st_uid == 0
                && let Ok(named) = openat(&directory, name, NAMED, Mode::empty())
            {
                match self.hand_over(named.as_fd()) {
                    Ok(true) => self.reply.changed += 1,
                    Ok(false) => {}
                    Err(_) => self.reply.refused += 1,
                }
            }
        }
    }

    /// Gives one thing to the folder's owner; `false` when it is not ours to give.
    fn hand_over(&self, thing: BorrowedFd<'_>) -> Result<bool, Errno> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let found = statx(thing, c"", AtFlags::EMPTY_PATH, wanted)?;
        let born = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        let is_directory = FileType::from_raw_mode(found.stx_mode.into()) == FileType::Directory;
        let made = match (born, found.stx_nlink) {
            (true, _) => nanoseconds(found.stx_btime),
            // A second name for an old file makes it look changed.
            (false, names) if names > 1 && !is_directory => return Ok(false),
            (false, _) => nanoseconds(found.stx_ctime),
        };
        if found.stx_uid != 0 || made < self.since {
            return Ok(false);
        }
        // Another group than root's was somebody's choice.
        let group = (found.stx_gid == 0).then(|| Gid::from_raw(self.owner.st_gid));
        let user = Some(Uid::from_raw(self.owner.st_uid));
        chownat(thing, c"", user, group, AtFlags::EMPTY_PATH).map(|()| true)
    }
}

fn nanoseconds(time: StatxTimestamp) -> i64 {
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.into())
}

/// Where something is mounted: the fifth word of each line of mountinfo, in which special characters are octal.
fn mount_points(text: &[u8]) -> HashSet<PathBuf> {
    let fifth = |line: &[u8]| line.split(|byte| *byte == b' ').nth(4).map(unescape);
    text.split(|byte| *byte == b'\n').filter_map(fifth).collect()
}

fn unescape(word: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let octal =
            after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_as_the_kernel_writes_them() {
        let text =
            b"22 1 0:20 / / rw - overlay none rw\n23 22 8:1 /x /srv/my\\040app rw - ext4 /dev/sda1 rw\n";
        let expected = ["/", "/srv/my app"].map(PathBuf::from);
        assert_eq!(mount_points(text), HashSet::from(expected));
    }
}
