//! The severity table. Lines of one section stand together, the special before the general.

use super::Weight;
use super::when::When::{self, *};
use crate::model::drift::Severity::{self, *};

const fn weight(
    section: &'static str,
    key: &'static str,
    field: &'static str,
    when: When,
    severity: Severity,
    why: &'static str,
) -> Weight {
    Weight { section, key, field, when, severity, why }
}

/// The table.
#[rustfmt::skip] // a line each: it is read as a table
pub const TABLE: &[Weight] = &[
    weight("envfile", "machine", "*", Always, Breaking, "the machine is not there"),
    weight("envfile", "state", "*", Always, Breaking, "the machine does not run"),
    weight("envfile", "**", "*", Always, Notable, "the Envfile says otherwise"),
    weight("steps", "**", "*", Missing, Breaking, "what the step makes is not there"),
    weight("steps", "**", "state", Is("failed the last time"), Breaking, "what the step makes is not all there"),
    weight("steps", "**", "state", Is("was interrupted"), Breaking, "what the step makes is not all there"),
    weight("steps", "**", "*", Always, Notable, "the step has changed since it was applied"),

    weight("os", "hostname", "*", Always, Notable, "certificates and configuration may name it"),
    weight("os", "kernel", "*", Always, Notable, "system calls and defaults differ between kernels"),
    weight("os", "debian version", "*", Always, Notable, "another point release: updates are missing on one side"),
    weight("os", "libc", "value", Release(2), Breaking, "programs built with the newer one do not start with the older; sort order may differ"),
    weight("os", "libc", "*", Always, Notable, "another build of the C library"),
    weight("os", "**", "*", Always, Breaking, "another operating system, release, architecture or init"),

    weight("packages", "**", "*", Missing, Breaking, "what uses the package fails"),
    weight("packages", "**", "*", Extra, Notable, "what works with it may fail without it"),
    weight("packages", "dpkg:libssl*", "version", Always, Breaking, "protocols, ciphers and fixes differ between versions of OpenSSL"),
    weight("packages", "dpkg:openssl", "version", Always, Breaking, "protocols, ciphers and fixes differ between versions of OpenSSL"),
    weight("packages", "dpkg:libc6", "version", Release(2), Breaking, "programs built with the newer one do not start with the older; sort order may differ"),
    weight("packages", "**", "version", Release(1), Breaking, "another major version promises no compatibility"),
    weight("packages", "**", "version", Always, Notable, "another version"),
    weight("packages", "**", "arch", Always, Breaking, "built for another processor"),
    weight("packages", "**", "state", Is("hold"), Notable, "held packages get no updates"),
    weight("packages", "**", "state", Always, Breaking, "it is not fully installed on one side"),
    weight("packages", "**", "documents", Always, Cosmetic, "documentation is not needed to run"),
    weight("packages", "**", "files", Always, Notable, "a file of the package is not as it was installed"),

    weight("runtimes", "**", "*", Missing, Breaking, "programs that call it do not start"),
    weight("runtimes", "**", "*", Extra, Notable, "programs that call it start on one side only"),
    weight("runtimes", "**", "path", Always, Breaking, "PATH gives another program of that name"),
    weight("runtimes", "**", "version", Release(2), Breaking, "language and standard library differ between releases"),

    weight("libraries", "**/* needs *", "*", Extra, Breaking, "the program does not start: a library or a version of a symbol is missing"),
    weight("libraries", "**", "*", Missing, Breaking, "programs linked with it do not start"),
    weight("libraries", "**", "*", Extra, Notable, "programs linked with it start on one side only"),
    weight("libraries", "libssl.so.*", "version", Always, Breaking, "protocols, ciphers and fixes differ between versions of OpenSSL"),
    weight("libraries", "libcrypto.so.*", "version", Always, Breaking, "protocols, ciphers and fixes differ between versions of OpenSSL"),
    weight("libraries", "libc.so.6", "version", Release(2), Breaking, "programs built with the newer one do not start with the older; sort order may differ"),
    weight("libraries", "**", "version", Release(1), Breaking, "another major version promises no compatibility"),
    weight("libraries", "**", "package", Always, Breaking, "the loader finds another library of that name"),

    weight("files", "**", "mode", SetId, Breaking, "it runs with the rights of its owner or group"),
    weight("files", "/usr/share/{doc,man,locale,info,lintian,help,gtk-doc}/**", "*", Always, Cosmetic, "documentation is not needed to run"),
    weight("files", "/var/{log,cache,mail}/**", "*", Always, Cosmetic, "logs and caches differ by use"),
    weight("files", "**/.cache/**", "*", Always, Cosmetic, "caches differ by use"),
    weight("files", "**/.{bash_history,lesshst,viminfo,wget-hsts,python_history}", "*", Always, Cosmetic, "left by somebody who worked here"),
    weight("files", "**/*{~,.bak,.orig,.swp,.dpkg-old,.dpkg-dist,.ucf-old,.ucf-dist}", "*", Always, Cosmetic, "a copy that nothing reads"),
    weight("files", "/etc/{motd,issue,issue.net}", "*", Always, Cosmetic, "a greeting"),
    weight("files", "/etc/sudoers", "*", Always, Breaking, "who may become root"),
    weight("files", "/etc/sudoers.d/**", "*", Always, Breaking, "who may become root"),
    weight("files", "**/.ssh/authorized_keys*", "*", Always, Breaking, "who may log in"),
    weight("files", "/etc/ssh/sshd_config", "*", Always, Breaking, "who may log in, and how"),
    weight("files", "/etc/ssh/sshd_config.d/**", "*", Always, Breaking, "who may log in, and how"),
    weight("files", "/etc/pam.{conf,d/**}", "*", Always, Breaking, "who may log in, and how"),
    weight("files", "/etc/ld.so.{preload,conf,conf.d/**}", "*", Always, Breaking, "which libraries programs get"),
    weight("files", "**", "type", Always, Breaking, "another kind of thing is at this path"),
    weight("files", "/usr/{bin,sbin,lib,lib32,lib64,libexec}/**", "*", Missing, Breaking, "a program or library is gone"),
    weight("files", "/usr/{bin,sbin,lib,lib32,lib64,libexec}/**", "sha256", Always, Breaking, "a program or library is not the one that was installed"),
    weight("files", "/usr/{bin,sbin,lib,lib32,lib64,libexec}/**", "target", Always, Breaking, "another program or library answers to this name"),
    weight("files", "/etc/alternatives/*", "target", Always, Breaking, "another program answers to this name"),
    weight("files", "/etc/apt/sources.list", "*", Always, Notable, "the next installation gets other versions"),
    weight("files", "/etc/apt/{sources.list.d,preferences.d,trusted.gpg.d}/**", "*", Always, Notable, "the next installation gets other versions"),

    weight("users", "**", "uid", Is("0"), Breaking, "the user is root by another name"),
    weight("users", "**", "comment", Always, Cosmetic, "a name for people"),
    weight("users", "**", "password", Is("none"), Breaking, "one may log in without a password"),
    weight("users", "**", "*", Missing, Breaking, "services and files of the user have no owner"),
    weight("users", "**", "*", Extra, Notable, "somebody exists on one side only"),
    weight("users", "**", "uid", Always, Breaking, "files and volumes belong to another user"),
    weight("users", "**", "gid", Always, Breaking, "files and volumes belong to another group"),

    weight("groups", "**", "*", Missing, Breaking, "services and files of the group have no owner"),
    weight("groups", "**", "*", Extra, Notable, "a group exists on one side only"),
    weight("groups", "**", "gid", Always, Breaking, "files and volumes belong to another group"),
    weight("groups", "{root,sudo,wheel,adm,shadow,disk,docker,libvirt,lxd}", "members", Always, Breaking, "who may act as root"),
    weight("groups", "**", "members", Shortened, Breaking, "a user loses access"),

    weight("services", "**", "*", Missing, Breaking, "what the service does is not done"),
    weight("services", "**", "*", Extra, Notable, "a service exists on one side only"),
    weight("services", "**", "active", Always, Breaking, "it runs on one side only"),
    weight("services", "**", "enabled", Is("masked"), Breaking, "it cannot be started"),
    weight("services", "**", "enabled", Always, Notable, "it starts by itself on one side only"),
    weight("services", "**", "drop_ins", Always, Notable, "its unit is changed by other files"),

    weight("ports", "**", "*", Missing, Breaking, "nobody answers there any more"),
    weight("ports", "**", "*", Extra, Notable, "somebody answers there who did not"),

    weight("environment", "{PATH,PATH (*),LD_LIBRARY_PATH,LD_LIBRARY_PATH (*),LD_PRELOAD,LD_PRELOAD (*)}", "*", Always, Breaking, "programs find other programs and libraries"),
    weight("environment", "{LANG,LANG (*),LANGUAGE,LANGUAGE (*),LC_*,TZ,TZ (*)}", "*", Always, Breaking, "text, sort order and times are read otherwise"),
    weight("environment", "**", "*", Always, Notable, "programs read it"),

    weight("locale", "timezone", "*", Always, Breaking, "times are shown and stored with another offset"),
    weight("locale", "available", "value", Shortened, Breaking, "programs that ask for the locale fall back to C: other encoding and sort order"),
    weight("locale", "available", "*", Always, Notable, "a locale exists on one side only"),
    weight("locale", "**", "*", Always, Breaking, "encoding, sort order and formats differ"),

    weight("sysctls", "**", "value", Lowered, Breaking, "what needs the higher value fails"),
    weight("sysctls", "**", "*", Always, Notable, "the kernel behaves otherwise"),
    weight("limits", "**", "soft", Lowered, Breaking, "what needs the higher limit fails"),
    weight("limits", "**", "hard", Lowered, Breaking, "what needs the higher limit fails"),
    weight("limits", "**", "*", Always, Notable, "what works here may fail with the lower limit"),

    weight("certificates", "**", "*", Missing, Breaking, "connections to whom the authority vouches for fail"),
    weight("certificates", "**", "in", Shortened, Breaking, "programs that look there do not trust the authority any more"),
    weight("certificates", "**", "*", Extra, Notable, "somebody else is trusted too"),

    weight("mounts", "**", "*", Missing, Breaking, "the data there is not reached"),
    weight("mounts", "**", "access", Always, Breaking, "writing works on one side only"),

    weight("schedules", "**", "*", Always, Notable, "something is run at other times, or not at all"),

    weight("resolution", "host *", "*", Missing, Breaking, "the name may not be found"),
    weight("resolution", "host *", "value", Always, Breaking, "the name leads to another machine"),
    weight("resolution", "nsswitch hosts", "*", Always, Breaking, "names are looked up in another order"),
    weight("resolution", "**", "*", Always, Notable, "names may lead elsewhere"),
];
