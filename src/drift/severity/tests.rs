//! The table against what an operator expects of it, and against its documentation.

use super::super::sample::item;
use super::*;
use envup_agent::Section;

/// The severity of a difference; a side in words, `-` for none.
fn severity(section: &str, key: &str, before: &str, after: &str) -> Severity {
    let side = |fields: &str| (fields != "-").then(|| item(fields));
    let section = Section::named(section).unwrap();
    weigh(&Difference::of_item(section, key, side(before), side(after))).0
}

#[test]
fn the_failures_everybody_knows_are_breaking() {
    for (section, key, before, after) in [
        ("libraries", "libssl.so.1.1", "file=/usr/lib/libssl.so.1.1", "-"),
        ("libraries", "/opt/app/bin/app needs GLIBC_2.34", "-", "needs=GLIBC_2.34"),
        ("libraries", "app needs libfoo.so.1", "-", "needs=libfoo.so.1"),
        ("libraries", "libssl.so.3", "version=3.0.11-1", "version=3.0.17-1"),
        ("os", "libc", "value=glibc 2.28-10", "value=glibc 2.36-9"),
        ("environment", "LANG", "value=en_US.UTF-8", "value=C.UTF-8"),
        ("environment", "LC_ALL (services)", "value=en_US.UTF-8", "value=C.UTF-8"),
        ("environment", "PATH (login)", "value=/usr/bin", "value=/opt/bin"),
        ("locale", "available", "value=C.utf8 en_US.utf8", "value=C.utf8"),
        ("environment", "PATH (login)", "value=/a", "value=/b"),
        ("certificates", "aa", "in=bundle,directory", "in=bundle"),
        ("locale", "timezone", "value=Europe/Berlin", "value=Etc/UTC"),
        ("certificates", "aa", "subject=Root", "-"),
        ("runtimes", "node", "path=/usr/bin/node version=18.1", "path=/usr/local/bin/node version=20.2"),
        ("packages", "dpkg:postgresql", "version=15", "-"),
        ("sysctls", "vm.max_map_count", "value=262144", "value=65530"),
        ("limits", "open files", "soft=1048576", "soft=1024"),
        ("users", "app", "uid=1000", "uid=1001"),
        ("users", "toor", "-", "uid=0 gid=0"),
        ("users", "app", "-", "uid=9 password=none"),
        ("groups", "sudo", "members=a", "members=a,b"),
        ("services", "nginx.service", "active=active", "active=inactive"),
        ("services", "nginx.service", "enabled=enabled", "enabled=masked"),
        ("ports", "tcp 0.0.0.0:80", "process=nginx", "-"),
        ("files", "/etc/sudoers.d/app", "-", "type=file mode=0440 keyed=aa"),
        ("files", "/usr/bin/vim", "mode=0755", "mode=4755"),
        ("files", "/opt/x", "-", "type=file mode=4755 sha256=aa"),
        ("files", "/usr/bin/ls", "sha256=aa", "sha256=bb"),
        ("files", "/root/.ssh/authorized_keys", "-", "type=file keyed=aa"),
        ("files", "/etc/pam.d/sshd", "sha256=aa", "sha256=bb"),
        ("files", "/srv/data", "type=file sha256=aa", "type=directory"),
        ("resolution", "host db", "value=10.0.0.1", "value=10.0.0.2"),
        ("mounts", "/data", "access=rw", "access=ro"),
    ] {
        assert_eq!(severity(section, key, before, after), Severity::Breaking, "{section} {key}");
    }
}

#[test]
fn the_rest_is_weighed_too() {
    use Severity::{Cosmetic, Notable};
    for (section, key, before, after, expected) in [
        ("packages", "dpkg:vim", "version=9.0.1-4", "version=9.0.2-1", Notable),
        ("packages", "dpkg:vim", "-", "version=9.0.1-4 files=aa", Notable),
        ("packages", "dpkg:vim", "documents=aa", "documents=bb", Cosmetic),
        ("packages", "dpkg:vim", "-", "version=1 state=hold", Notable),
        ("packages", "dpkg:vim", "version=1", "version=1 state=hold", Notable),
        ("os", "libc", "value=glibc 2.36-9+deb12u3", "value=glibc 2.36-9+deb12u9", Notable),
        ("sysctls", "vm.max_map_count", "value=65530", "value=262144", Notable),
        ("files", "/srv/new", "-", "type=file mode=0644 sha256=aa", Notable),
        ("files", "/srv/group", "-", "type=directory mode=0755", Notable),
        ("files", "/etc/app.conf", "sha256=aa", "sha256=bb", Notable),
        ("files", "/etc/app.conf", "mode=0644", "mode=0600", Notable),
        ("files", "/etc/app.conf~", "-", "type=file mode=0644 sha256=aa", Cosmetic),
        ("files", "/usr/share/doc/a/b", "-", "type=file mode=0644 sha256=aa", Cosmetic),
        ("files", "/var/log/app/x.log", "sha256=aa", "sha256=bb", Cosmetic),
        ("files", "/etc/apt/sources.list.d/x.list", "-", "type=file mode=0644 sha256=aa", Notable),
        ("services", "nginx.service", "enabled=enabled", "enabled=disabled", Notable),
        ("environment", "PATHS", "value=/a", "value=/b", Notable),
        ("users", "app", "comment=A", "comment=B", Cosmetic),
        ("users", "app", "shell=/bin/sh", "shell=/bin/bash", Notable),
        ("schedules", "backup.timer", "when=daily", "when=hourly", Notable),
    ] {
        assert_eq!(severity(section, key, before, after), expected, "{section} {key} {before} {after}");
    }
}

#[test]
fn no_line_is_out_of_reach_and_each_says_why() {
    for (place, line) in TABLE.iter().enumerate() {
        let hides = |above: &&Weight| {
            above.section == line.section
                && (above.key == "**" || above.key == line.key)
                && (above.field == "*" || above.field == line.field)
                && (above.when == When::Always || above.when == line.when)
        };
        assert!(TABLE[..place].iter().find(hides).is_none(), "{line:?} is never reached");
        let known = Section::named(line.section).is_some() || ["envfile", "steps"].contains(&line.section);
        assert!(known && !line.why.is_empty(), "{line:?}");
    }
}

/// `docs/severity.md` is the table.
#[test]
fn the_documentation_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/severity.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let expected = document();
    assert!(written == expected, "docs/severity.md should be:\n{expected}");
}
