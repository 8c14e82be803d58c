//! Files whose content a section other than `files` tells, so that no change is found twice.
//!
//! Of these the section `files` tells type, mode and owner, and, instead of a digest or a link's target, the section in the
//! field `explained`. So a file that is there or not there can be counted to the difference in that section. Whatever is not
//! named here is told by `files` alone: unit files and scripts of packages below /usr, /etc/init.d, other settings of systemd,
//! /etc/fstab, /etc/sysctl.d, /etc/locale.gen, /etc/profile.d, and the certificate that Debian's ssl-cert makes for the machine.

use std::sync::LazyLock;

use envup_agent::Section;

/// Path and section. A `*` stands for any characters without `/`, a `**` at the end for anything.
const EXPLAINED: &[(&str, Section)] = &[
    // All fields of the user but the day of the last change; the password by keyed digest.
    ("/etc/passwd", Section::Users),
    ("/etc/shadow", Section::Users),
    ("/etc/subuid", Section::Users),
    ("/etc/subgid", Section::Users),
    ("/etc/group", Section::Groups),
    ("/etc/gshadow", Section::Groups),
    // What these were before the last change; nothing reads them.
    ("/etc/passwd-", Section::Users),
    ("/etc/shadow-", Section::Users),
    ("/etc/subuid-", Section::Users),
    ("/etc/subgid-", Section::Users),
    ("/etc/group-", Section::Groups),
    ("/etc/gshadow-", Section::Groups),
    // Every entry and directive.
    ("/etc/hosts", Section::Resolution),
    ("/etc/resolv.conf", Section::Resolution),
    ("/etc/nsswitch.conf", Section::Resolution),
    ("/etc/hostname", Section::Os),
    ("/etc/os-release", Section::Os),
    ("/usr/lib/os-release", Section::Os),
    ("/etc/debian_version", Section::Os),
    // Every variable; the drop-in is the one that `env up` writes.
    ("/etc/environment", Section::Environment),
    ("/etc/systemd/system.conf.d/zz-envup.conf", Section::Environment),
    ("/etc/default/locale", Section::Locale),
    ("/etc/locale.conf", Section::Locale),
    ("/usr/lib/locale/locale-archive", Section::Locale),
    ("/etc/localtime", Section::Locale),
    ("/etc/timezone", Section::Locale),
    // Every line; the scripts by their digest.
    ("/etc/crontab", Section::Schedules),
    ("/etc/cron.d/*", Section::Schedules),
    ("/etc/cron.hourly/*", Section::Schedules),
    ("/etc/cron.daily/*", Section::Schedules),
    ("/etc/cron.weekly/*", Section::Schedules),
    ("/etc/cron.monthly/*", Section::Schedules),
    ("/etc/periodic/*/*", Section::Schedules),
    ("/etc/anacrontab", Section::Schedules),
    ("/etc/crontabs/*", Section::Schedules),
    ("/var/spool/cron/*", Section::Schedules),
    ("/var/spool/cron/crontabs/*", Section::Schedules),
    // Timers with their drop-ins, and the links that start them.
    ("/etc/systemd/system/*.timer", Section::Schedules),
    ("/etc/systemd/system/*.timer.d/*", Section::Schedules),
    ("/etc/systemd/system/*/*.timer", Section::Schedules),
    // Links by what they enable, unit files and drop-ins by one digest a unit.
    ("/etc/systemd/system/*", Section::Services),
    ("/etc/systemd/system/*.d/*", Section::Services),
    ("/etc/systemd/system/*.wants/*", Section::Services),
    ("/etc/systemd/system/*.requires/*", Section::Services),
    ("/etc/systemd/system/*.upholds/*", Section::Services),
    // What Debian's helper noted when it made those links.
    ("/var/lib/systemd/deb-systemd-helper-enabled/**", Section::Services),
    ("/var/lib/systemd/deb-systemd-helper-masked/**", Section::Services),
    ("/etc/rc?.d/*", Section::Services),
    ("/etc/runlevels/*/*", Section::Services),
    // Every certificate by its digest.
    ("/etc/ssl/certs/ca-certificates.crt", Section::Certificates),
    ("/etc/ssl/certs/????????.?", Section::Certificates),
    ("/etc/ssl/certs/*.pem", Section::Certificates),
    ("/etc/ssl/ca-bundle.pem", Section::Certificates),
    ("/etc/ssl/cert.pem", Section::Certificates),
    ("/etc/pki/tls/certs/ca-bundle.crt", Section::Certificates),
    ("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", Section::Certificates),
    ("/usr/local/share/ca-certificates/**", Section::Certificates),
    // Which library a name stands for.
    ("/etc/ld.so.cache", Section::Libraries),
    // Packages are told one by one.
    ("/var/lib/dpkg/status", Section::Packages),
    ("/var/lib/dpkg/status-old", Section::Packages),
    ("/var/lib/dpkg/available", Section::Packages),
    ("/var/lib/dpkg/info/*", Section::Packages),
    ("/lib/apk/db/installed", Section::Packages),
    ("/var/lib/rpm/*", Section::Packages),
    ("/usr/lib/sysimage/rpm/*", Section::Packages),
];

/// The patterns, parted before their first wildcard: what is certain, the rest, and the section.
static PARTED: LazyLock<Vec<(&str, &str, Section)>> = LazyLock::new(|| {
    let parted = |(pattern, section): &(&'static str, Section)| {
        let (certain, wild) = pattern.split_at(pattern.find(['*', '?']).unwrap_or(pattern.len()));
        (certain, wild, *section)
    };
    EXPLAINED.iter().map(parted).collect()
});

/// Whether a section may tell what is in some file of a directory; most directories have no such file.
pub fn is_any_explained(directory: &str) -> bool {
    // All begin with a slash; the letter after it tells most of them.
    let first = directory.as_bytes().get(1);
    let may_be = |certain: &str| first.is_none() || certain.as_bytes().get(1) == first;
    PARTED.iter().filter(|(certain, ..)| may_be(certain)).any(|(certain, wild, _)| {
        match certain.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/')) {
            Some(name) => !name.contains('/'),
            // The wild part of the pattern may hold the rest of the directory.
            None => !wild.is_empty() && directory.starts_with(certain),
        }
    })
}

/// The section that tells what is in the file, if it is not `files`.
pub fn explained(path: &str) -> Option<Section> {
    if path.ends_with("/ssl-cert-snakeoil.pem") {
        return None;
    }
    let is_it = |(certain, wild, _): &&(&str, &str, Section)| {
        path.strip_prefix(certain).is_some_and(|rest| matches(wild.as_bytes(), rest.as_bytes()))
    };
    PARTED.iter().find(is_it).map(|(.., section)| *section)
}

fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([], []) | ([b'*', b'*'], _) => true,
        ([b'*', rest @ ..], _) if matches(rest, path) => true,
        ([b'*', ..], [next, left @ ..]) if *next != b'/' => matches(pattern, left),
        ([b'?', rest @ ..], [next, left @ ..]) if *next != b'/' => matches(rest, left),
        ([b'*' | b'?', ..], _) => false,
        ([letter, rest @ ..], [next, left @ ..]) => letter == next && matches(rest, left),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_that_knows_a_file_is_named() {
        for (path, section) in [
            ("/etc/passwd", Some(Section::Users)),
            ("/etc/cron.d/backup", Some(Section::Schedules)),
            ("/etc/systemd/system/timers.target.wants/x.timer", Some(Section::Schedules)),
            ("/etc/systemd/system/multi-user.target.wants/x.service", Some(Section::Services)),
            ("/etc/systemd/system/x.service.d/limits.conf", Some(Section::Services)),
            ("/etc/rc3.d/S01nginx", Some(Section::Services)),
            ("/usr/local/share/ca-certificates/a/b.crt", Some(Section::Certificates)),
            ("/etc/ssl/certs/002c0b4f.0", Some(Section::Certificates)),
            ("/etc/ssl/certs/ssl-cert-snakeoil.pem", None),
            ("/etc/systemd/journald.conf", None),
            ("/etc/passwd.old", None),
            ("/etc/cron.d/a/b", None),
        ] {
            assert_eq!(explained(path), section, "{path}");
            let (directory, _) = path.rsplit_once('/').unwrap();
            assert!(is_any_explained(directory) || section.is_none(), "{path}");
        }
        assert!(!is_any_explained("/usr/bin") && !is_any_explained("/etc/nginx/conf.d"));
    }
}
