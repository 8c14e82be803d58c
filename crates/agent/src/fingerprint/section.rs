//! The sections of a fingerprint, and what the keys and fields of each are.

use serde::{Deserialize, Serialize};

/// One kind of thing that a machine has. An item that came with a package names it in the field `package`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Key: `id`, `name`, `version`, `codename`, `debian version`, `arch`, `kernel`, `libc`, `init`, `selinux`, `hostname`.
    /// Fields: `value`; `hostname_file` (what /etc/hostname says where that is another one).
    Os,
    /// Key: `MANAGER:NAME`, such as `dpkg:nginx`, `rpm:…`, `apk:…`, `pip:DIRECTORY:NAME`, `npm:DIRECTORY:NAME`,
    /// `gem:DIRECTORY:NAME`; one of another architecture than the machine's has it at the end. Fields: `version` (several of
    /// one name, as of kernels, with commas), `arch`, `state` (`hold`, or a state other than installed), `files` (digest of
    /// path, type, mode, owner and content of all its files but documentation; of those that are no items of their own, and no
    /// directories, which packages share), `documents` (the same of documentation).
    Packages,
    /// Key: a program of a known runtime as it is called, such as `python3`. Fields: `path` (what PATH gives), `real` (without
    /// links), `version`, `package`, `shadows` (further ones along PATH).
    Runtimes,
    /// Key: a shared library's name, such as `libssl.so.3`. Fields: `file`, `package`, `version` (of the package). Also
    /// `PROGRAM needs NAME` for what a program that no package owns needs and does not find, fields: `needs`,
    /// `found` (the library that lacks the version).
    Libraries,
    /// Key: path (bytes that are not UTF-8 as `\xHH`) of what no package owns, of everything below /etc, /opt, /srv and
    /// /usr/local but packages of languages, and of packaged files that are not what they were or not as most are. Fields:
    /// `type` (`file`, `directory`, `link`, `fifo`, `socket`, `device`; `missing` for what its package brought), `mode` (four
    /// octal digits; not of links), `owner` (`user:group` by name), `target` (of a link; major:minor of a device), `sha256` or
    /// `keyed` (of a file only its owner may read, or one that is secret by its name), `size` (instead of a digest, of data
    /// and large files), `package`, `explained` (instead of digest and target: the section that tells what is in it). Logs
    /// have nothing of these.
    Files,
    /// Key: name. Fields: `uid`, `gid`, `comment`, `home`, `shell`, `password` (`none`, `locked`, `set`), `keyed` (digest of what
    /// is set), `aging` (rules for the password's age), `subuids`, `subgids`.
    Users,
    /// Key: name. Fields: `gid`, `members`, `administrators` (sorted, with commas), `password` (`set`) and its `keyed`.
    Groups,
    /// Key: unit, such as `nginx.service`, or a script of runlevels. Fields: `enabled` (`enabled`, `disabled`, `masked`, `static`,
    /// `linked`, `absent`), `wanted_by`, `runlevels`, `active` (`active` or `inactive`, for services that last), `aliases`,
    /// `drop_ins` (names, with commas), `sha256` or `keyed` (of the machine's own unit file and drop-ins), `package`.
    Services,
    /// Key: `tcp 0.0.0.0:80`; `own` stands for an address of the machine's own. Fields: `process`, `user`, `unit`.
    Ports,
    /// Key: name of a variable, with ` (login)` or ` (services)` where that has a value of its own. Fields: `value`, or `keyed`
    /// when it may not be told; `from` (`process`, `services`, `login`, with commas).
    Environment,
    /// Key: `LANG` and the like, `timezone`, `available` (locales that were made). Fields: `value`; `timezone_file` (what
    /// /etc/timezone says where that is another one).
    Locale,
    /// Key: name, such as `vm.max_map_count`. Field: `value`.
    Sysctls,
    /// Key: a limit of process 1, such as `open files`. Fields: `soft`, `hard`.
    Limits,
    /// Key: SHA-256 of a trusted certificate of an authority. Fields: `subject`, `in` (`bundle`, `directory`, `added`, with
    /// commas; what is only `added` is not trusted yet).
    Certificates,
    /// Key: mount point. Fields: `type`, `access` (`ro` or `rw`), `options` (those that matter, with commas).
    Mounts,
    /// Key: `FILE: COMMAND` of a crontab, the path of a script, or the name of a timer, which has the fields of a unit, too.
    /// Fields: `when`, `user`, `command` or `keyed`, `sha256` or `keyed` (of a script), `package`.
    Schedules,
    /// Key: `host NAME`, a directive of resolv.conf such as `nameserver`, `nsswitch DATABASE`. Field: `value`.
    Resolution,
}

impl Section {
    /// All of them, in their order.
    pub const ALL: [Section; 17] = [
        Section::Os,
        Section::Packages,
        Section::Runtimes,
        Section::Libraries,
        Section::Files,
        Section::Users,
        Section::Groups,
        Section::Services,
        Section::Ports,
        Section::Environment,
        Section::Locale,
        Section::Sysctls,
        Section::Limits,
        Section::Certificates,
        Section::Mounts,
        Section::Schedules,
        Section::Resolution,
    ];

    /// As fingerprints and people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Section::Os => "os",
            Section::Packages => "packages",
            Section::Runtimes => "runtimes",
            Section::Libraries => "libraries",
            Section::Files => "files",
            Section::Users => "users",
            Section::Groups => "groups",
            Section::Services => "services",
            Section::Ports => "ports",
            Section::Environment => "environment",
            Section::Locale => "locale",
            Section::Sysctls => "sysctls",
            Section::Limits => "limits",
            Section::Certificates => "certificates",
            Section::Mounts => "mounts",
            Section::Schedules => "schedules",
            Section::Resolution => "resolution",
        }
    }

    /// The section of this name.
    pub fn named(name: &str) -> Option<Section> {
        Section::ALL.into_iter().find(|section| section.as_str() == name)
    }
}
