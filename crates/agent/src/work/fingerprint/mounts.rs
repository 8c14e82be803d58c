//! What is mounted where, as programs feel it: kind of file system, read-only or not, what is forbidden.
//!
//! Where the content comes from is never told: it is another place on each host. The kernel's own file systems, what engines
//! lay over a container's files, and what comes and goes with logins and services are left out.

use super::view::{Found, View};

/// Not file systems for files.
const OF_KERNEL: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "fuse.lxcfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Places that come and go, or that are no part of the machine; the first one is where the agent lies.
const FLEETING: &[&str] = &[
    "/run/envup/",
    "/run/user/",
    "/run/credentials/",
    "/run/docker/",
    "/run/netns/",
    "/run/snapd/",
    "/snap/",
    "/proc/",
    "/sys/",
    "/var/lib/docker/",
    "/var/lib/containerd/",
    "/var/lib/containers/",
    "/var/lib/kubelet/",
    "/var/lib/lxcfs",
];

/// What engines bind over files of a container.
const OF_ENGINES: &[&str] =
    &["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/run/.containerenv", "/.dockerenv"];

/// Options that make programs fail.
const OPTIONS: &[&str] = &["noexec", "nosuid", "nodev", "nosymfollow"];

/// The section `mounts`; empty where nothing runs.
pub fn collect(view: &View<'_>, found: &mut Found) {
    if view.is_live() {
        let text = view.text("/proc/self/mountinfo", found).unwrap_or_default();
        mounts(&text, view.is_container(), found);
    }
}

/// Lines of proc_pid_mountinfo(5): `36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/sda rw`.
fn mounts(text: &str, is_container: bool, found: &mut Found) {
    for line in text.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
        let ([_, _, _, _, place, options, ..], [kind, _, disk, ..]) = (&left[..], &right[..]) else {
            continue;
        };
        let place = unescaped(place);
        let in_way = FLEETING.iter().any(|begin| place.starts_with(begin));
        if OF_KERNEL.contains(kind) || in_way || is_container && OF_ENGINES.contains(&place.as_str()) {
            continue;
        }
        let is_read_only =
            [options, disk].iter().any(|options| options.split(',').any(|option| option == "ro"));
        let mut told: Vec<&str> = options.split(',').filter(|option| OPTIONS.contains(option)).collect();
        told.sort_unstable();
        if place == "/dev/shm" {
            // Programs that share memory fail when there is too little of it.
            told.extend(disk.split(',').filter(|option| option.starts_with("size=")));
        }
        let access = if is_read_only { "ro" } else { "rw" };
        // A later mount hides an earlier one at the same place, and so does its item.
        found.item(
            &place,
            [("type", Some(*kind)), ("access", Some(access)), ("options", Some(&told.join(",")))],
        );
    }
}

/// Spaces and the like are written as three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letter = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match letter {
            Some(letter) => plain.extend([char::from(letter)].into_iter().chain(part[3..].chars())),
            None => plain.extend(['\\'].into_iter().chain(part.chars())),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::tree::odd;
    use super::*;

    const TEXT: &str = "1 0 0:53 / / rw,relatime master:3 - overlay overlay rw,lowerdir=/x/CANARY\n\
        2 1 0:57 / /proc rw,nosuid - proc proc rw\n3 1 0:71 / /dev/shm rw,nosuid,nodev - tmpfs shm rw,size=65536k\n\
        4 1 254:0 /CANARY /srv/my\\040shop ro,noexec - ext4 /dev/vda rw\n5 1 254:0 /a /etc/hosts rw - ext4 /dev/vda rw\n\
        6 1 254:0 /b /run/envup/agent ro - ext4 /dev/vda rw\n7 1 0:9 / /sys/firmware ro - tmpfs tmpfs ro\n";

    fn told(text: &str, is_container: bool) -> Vec<String> {
        let mut found = Found::default();
        mounts(text, is_container, &mut found);
        let items = found.into_items();
        items
            .iter()
            .map(|(place, item)| format!("{place} {} {} {}", item["type"], item["access"], item["options"]))
            .collect()
    }

    #[test]
    fn mounts_are_told_as_programs_feel_them() {
        assert_eq!(
            told(TEXT, true),
            ["/ overlay rw ", "/dev/shm tmpfs rw nodev,nosuid,size=65536k", "/srv/my shop ext4 ro noexec"]
        );
        assert!(told(TEXT, false).contains(&"/etc/hosts ext4 rw ".to_owned()));
    }

    #[test]
    fn odd_lines_do_no_harm() {
        odd(TEXT.as_bytes()).for_each(|bytes| drop(told(&String::from_utf8_lossy(&bytes), true)));
    }
}
