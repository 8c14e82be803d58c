//! Every change is told once, and nothing that is another change is taken away.

use super::super::compare;
use super::super::sample::{fingerprint, item};
use crate::model::drift::Severity;
use envup_agent::{Fingerprint, Section};

const FILE: &str = "type=file mode=0644 owner=root:root";

/// A machine in lines of `SECTION KEY | FIELDS`; `FILE` stands for the fields of an ordinary file.
fn machine(lines: &[&str]) -> Fingerprint {
    let mut machine = fingerprint(&[]);
    for line in lines {
        let (place, fields) = line.split_once('|').unwrap();
        let (section, key) = place.trim().split_once(' ').unwrap();
        let items = machine.sections.get_mut(&Section::named(section).unwrap()).unwrap();
        items.insert(key.to_owned(), item(&fields.replace("FILE", FILE)));
    }
    machine
}

/// What is told of two machines: `KIND SECTION KEY (+ALSO)`.
fn told(before: &[&str], after: &[&str]) -> Vec<String> {
    let comparison = compare(&machine(before), &machine(after));
    let line = |one: &super::Difference| {
        let also = if one.also == 0 { String::new() } else { format!(" (+{})", one.also) };
        format!("{} {} {}{also}", one.kind.as_str(), one.section, one.key)
    };
    comparison.differences.iter().map(line).collect()
}

const NGINX: [&str; 7] = [
    "packages dpkg:nginx | version=1.22.1-9 files=aa documents=bb",
    "libraries libnginx.so.1 | file=/usr/lib/libnginx.so.1 package=dpkg:nginx version=1.22.1-9",
    "runtimes nginx | path=/usr/sbin/nginx real=/usr/sbin/nginx package=dpkg:nginx version=1.22.1-9",
    "files /etc/nginx/nginx.conf | FILE sha256=cc package=dpkg:nginx",
    "files /etc/systemd/system/multi-user.target.wants/nginx.service | type=link explained=services",
    "services nginx.service | enabled=enabled active=active package=dpkg:nginx",
    "ports tcp 0.0.0.0:80 | process=nginx user=root unit=nginx.service",
];

#[test]
fn a_package_comes_and_goes_with_all_its_parts() {
    assert_eq!(told(&[], &NGINX), ["extra packages dpkg:nginx (+6)"]);
    assert_eq!(told(&NGINX, &[]), ["missing packages dpkg:nginx (+6)"]);
}

#[test]
fn what_a_mount_covers_is_told_by_the_mount() {
    let covered =
        ["files /srv/data | type=directory mode=0755 owner=root:root", "files /srv/data/a/rows | FILE"];
    let mounted = ["mounts /srv/data | type=tmpfs access=rw"];
    assert_eq!(told(&covered, &mounted), ["extra mounts /srv/data (+2)"]);
    assert_eq!(told(&mounted, &covered), ["missing mounts /srv/data (+2)"]);
    let both = [covered[0], covered[1], mounted[0]];
    assert_eq!(told(&mounted, &both).len(), 2, "what is seen beside a mount is no part of it");
}

#[test]
fn an_upgrade_is_told_once_and_as_bad_as_its_worst_part() {
    let newer = NGINX.map(|line| line.replace("1.22.1-9", "1.22.1-10").replace("files=aa", "files=dd"));
    let mut newer: Vec<&str> = newer.iter().map(String::as_str).collect();
    newer.push("files /etc/nginx/new.conf | FILE sha256=dd package=dpkg:nginx");
    assert_eq!(told(&NGINX, &newer), ["changed packages dpkg:nginx (+3)"]);
    newer[1] = "libraries libnginx.so.2 | file=/usr/lib/libnginx.so.2 package=dpkg:nginx version=1.22.1-10";
    let comparison = compare(&machine(&NGINX), &machine(&newer));
    let [package] = comparison.differences.as_slice() else { panic!("{comparison:?}") };
    assert_eq!((package.also, package.severity), (4, Severity::Breaking));
    newer[3] = "files /etc/nginx/nginx.conf | FILE sha256=ee package=dpkg:nginx";
    let edited = ["changed packages dpkg:nginx (+4)", "changed files /etc/nginx/nginx.conf"];
    assert_eq!(told(&NGINX, &newer), edited, "nobody knows who changed a configuration file");
}

#[test]
fn a_program_that_was_replaced_stands_for_the_digest_of_its_package() {
    let before = ["packages dpkg:coreutils | version=9 files=aa"];
    let replaced = [
        "packages dpkg:coreutils | version=9 files=bb",
        "files /usr/bin/ls | FILE sha256=cc package=dpkg:coreutils",
    ];
    let comparison = compare(&machine(&before), &machine(&replaced));
    let [ls] = comparison.differences.as_slice() else { panic!("{comparison:?}") };
    assert_eq!((ls.key.as_str(), ls.also, ls.severity), ("/usr/bin/ls", 1, Severity::Breaking));
    assert_eq!(ls.before, Some(item("state=as packaged")));

    let gone = [
        "packages dpkg:coreutils | version=9 files=bb",
        "files /usr/bin/ls | type=missing package=dpkg:coreutils",
    ];
    assert_eq!(told(&before, &gone), ["missing files /usr/bin/ls (+1)"]);
    assert_eq!(told(&gone, &before), ["extra files /usr/bin/ls (+1)"]);

    let elsewhere = ["packages dpkg:coreutils | version=9 files=bb"];
    assert_eq!(told(&before, &elsewhere), ["changed packages dpkg:coreutils"]);
    let upgraded = ["packages dpkg:coreutils | version=10 files=bb", replaced[1]];
    let both = ["changed packages dpkg:coreutils", "changed files /usr/bin/ls"];
    assert_eq!(told(&before, &upgraded), both, "an upgrade does not excuse a program that it did not bring");
}

#[test]
fn a_packaged_file_that_was_changed_is_not_held_to_be_another_kind_of_thing() {
    let before = ["packages dpkg:a | version=1 files=aa"];
    let owned =
        ["packages dpkg:a | version=1 files=bb", "files /usr/share/a/b | FILE sha256=cc package=dpkg:a"];
    for (before, after) in [(&before[..], &owned[..]), (&owned, &before)] {
        let comparison = compare(&machine(before), &machine(after));
        let [file] = comparison.differences.as_slice() else { panic!("{comparison:?}") };
        assert_eq!((file.severity, file.field("type")), (Severity::Notable, (None, None)));
    }
    let replaced =
        ["packages dpkg:a | version=1 files=bb", "files /usr/share/a/b | type=directory package=dpkg:a"];
    let comparison = compare(&machine(&before), &machine(&replaced));
    assert_eq!(comparison.differences[0].severity, Severity::Breaking);
}

#[test]
fn an_edited_configuration_file_does_not_stand_for_other_files_of_its_package() {
    let before = ["packages dpkg:a | version=1 files=aa", "files /etc/a | FILE sha256=aa package=dpkg:a"];
    let after = ["packages dpkg:a | version=1 files=bb", "files /etc/a | FILE sha256=bb package=dpkg:a"];
    assert_eq!(told(&before, &after), ["changed packages dpkg:a", "changed files /etc/a"]);
    let gone = [before[0], "files /etc/a | type=missing package=dpkg:a"];
    assert_eq!(told(&before, &gone), ["missing files /etc/a"]);
}

#[test]
fn what_a_library_or_runtime_says_is_not_told_by_its_file_too() {
    let before =
        ["runtimes node | path=/usr/bin/node version=18", "libraries libz.so.1 | file=/usr/lib/libz.so.1"];
    let after = [
        "runtimes node | path=/usr/local/bin/node version=20",
        "files /usr/local/bin/node | FILE sha256=aa",
        "libraries libz.so.1 | file=/usr/local/lib/libz.so.1",
        "files /usr/local/lib/libz.so.1 | FILE sha256=bb",
        "libraries /opt/app needs GLIBC_2.38 | needs=GLIBC_2.38",
        "files /opt/app | FILE sha256=cc",
    ];
    let expected = [
        "changed runtimes node (+1)",
        "extra libraries /opt/app needs GLIBC_2.38 (+1)",
        "changed libraries libz.so.1 (+1)",
    ];
    assert_eq!(told(&before, &after), expected);
    let touched = [after[0], "files /usr/local/bin/node | FILE sha256=dd"];
    assert_eq!(told(&after[..2], &touched), ["changed files /usr/local/bin/node"]);
}

#[test]
fn units_take_their_links_drop_ins_and_ports() {
    let running = [
        "services app.service | enabled=enabled active=active",
        "files /etc/systemd/system/multi-user.target.wants/app.service | type=link explained=services",
        "ports tcp 0.0.0.0:80 | unit=app.service",
        "ports tcp 0.0.0.0:81 | unit=other.service",
    ];
    let stopped = ["services app.service | enabled=disabled active=inactive"];
    let expected = ["changed services app.service (+2)", "missing ports tcp 0.0.0.0:81"];
    assert_eq!(told(&running, &stopped), expected);
    let with_drop_in = [
        "services app.service | enabled=enabled active=active drop_ins=x.conf",
        "files /etc/systemd/system/app.service.d | type=directory mode=0755 explained=services",
        "files /etc/systemd/system/app.service.d/x.conf | FILE explained=services",
    ];
    assert_eq!(told(&running[..1], &with_drop_in), ["changed services app.service (+2)"]);
    let timer = [
        "schedules backup.timer | when=daily",
        "services backup.service | enabled=static",
        "files /etc/systemd/system/backup.timer | FILE explained=schedules",
        "files /etc/systemd/system/backup.service | FILE explained=services",
        "schedules /etc/cron.d/app: run | when=daily",
        "files /etc/cron.d/app | FILE explained=schedules",
    ];
    let expected = ["extra schedules /etc/cron.d/app: run (+1)", "extra schedules backup.timer (+3)"];
    assert_eq!(told(&[], &timer), expected);
}

#[test]
fn a_user_takes_group_memberships_and_home() {
    let user = [
        "users app | uid=1000 gid=1000 home=/home/app",
        "groups app | gid=1000 members=",
        "groups sudo | gid=27 members=app,root",
        "files /home/app | type=directory mode=0755",
        "files /home/app/.bashrc | FILE sha256=aa",
        "files /home/app/.ssh | type=directory mode=0700",
        "files /home/app/.ssh/authorized_keys | FILE keyed=aa",
        "files /etc/subuid | FILE explained=users",
    ];
    let comparison = compare(&machine(&["groups sudo | gid=27 members=root"]), &machine(&user));
    let told: Vec<_> =
        comparison.differences.iter().map(|one| (one.key.as_str(), one.also, one.severity)).collect();
    let expected =
        [("/home/app/.ssh/authorized_keys", 0, Severity::Breaking), ("app", 6, Severity::Breaking)];
    assert_eq!(told, expected);
}

#[test]
fn a_directory_takes_what_is_in_it_unless_that_is_worse() {
    let after = [
        "files /opt/app | type=directory mode=0755",
        "files /opt/app/lib | type=directory mode=0755",
        "files /opt/app/lib/a | FILE sha256=aa",
        "files /opt/app/su | type=file mode=4755 sha256=bb",
        "files /opt/other | FILE sha256=bb",
    ];
    assert_eq!(
        told(&[], &after),
        ["extra files /opt/app (+2)", "extra files /opt/app/su", "extra files /opt/other"]
    );
    let file = ["files /opt/app | FILE sha256=aa"];
    assert_eq!(told(&file, &after[..3]), ["changed files /opt/app (+2)"]);
}

#[test]
fn locales_and_releases_take_what_they_are_made_of() {
    let before = ["locale available | value=C.utf8,en_US.utf8", "files /etc/locale.gen | FILE sha256=aa"];
    let after = ["locale available | value=C.utf8", "files /etc/locale.gen | FILE sha256=bb"];
    assert_eq!(told(&before, &after), ["changed locale available (+1)"]);
    let before = ["os libc | value=glibc 2.36-9", "packages dpkg:libc6 | version=2.36-9"];
    let after = ["os libc | value=glibc 2.31-1", "packages dpkg:libc6 | version=2.31-1"];
    assert_eq!(told(&before, &after), ["changed packages dpkg:libc6 (+1)"]);
}

#[test]
fn authorities_come_and_go_with_their_bundle_and_its_package() {
    let there = [
        "packages dpkg:ca-certificates | version=20230311",
        "files /etc/ssl/certs/ca-certificates.crt | FILE explained=certificates",
        "files /etc/ssl/certs/a.pem | type=link explained=certificates",
        "certificates aa | subject=A in=bundle,directory",
        "certificates bb | subject=B in=added,bundle",
    ];
    let left = "certificates bb | subject=B in=added";
    assert_eq!(told(&there, &[left]), ["missing packages dpkg:ca-certificates (+4)"]);
    let no_bundle = [there[0], there[2], "certificates aa | subject=A in=directory", left];
    assert_eq!(told(&there, &no_bundle), ["missing files /etc/ssl/certs/ca-certificates.crt (+2)"]);
    let one_less = [there[0], there[1], there[4]];
    assert_eq!(told(&there, &one_less), ["missing certificates aa (+1)"]);
    let another = [there[0], there[2], there[3], left, "certificates cc | subject=C in=directory"];
    let expected = ["missing files /etc/ssl/certs/ca-certificates.crt (+1)", "extra certificates cc"];
    assert_eq!(told(&there, &another), expected);
}
