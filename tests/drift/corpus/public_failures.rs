//! Failures that others had and told the public about: it works here and not there. What containers cannot have each for
//! itself (`vm.max_map_count`), or only from their start (`nofile`), is in `machines`.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a program that was linked with OpenSSL 1.1 is brought to a machine with OpenSSL 3",
        before: "mkdir -p /opt/legacy",
        change: "install -m 755 /tmp/programs/needs-libssl.so.1.1 /opt/legacy/app",
        expect: &[extra("libraries", "/opt/legacy/app needs libssl.so.1.1", Breaking)],
    },
    Case {
        name: "the OpenSSL that a program was linked with is removed",
        before: "package libssl1.1 1.1.1w-0 /usr/share/doc/libssl1.1/copyright Apache
            install -m 644 /tmp/programs/libcorpus.so.1 /usr/local/lib/libcorpus.so.1
            install -m 755 /tmp/programs/needs-libcorpus.so.1 /usr/local/bin/corpus; ldconfig",
        change: "rm /usr/local/lib/libcorpus.so.1; ldconfig; dpkg --remove libssl1.1 >/dev/null",
        expect: &[
            missing("packages", "dpkg:libssl1.1", Breaking),
            missing("libraries", "libcorpus.so.1", Breaking),
            extra("libraries", "/usr/local/bin/corpus needs libcorpus.so.1", Breaking),
        ],
    },
    Case {
        name: "a program was built with a newer C library",
        before: "mkdir -p /opt/newer",
        change: "install -m 755 /tmp/programs/needs-GLIBC_2.99 /opt/newer/app",
        expect: &[extra("libraries", "/opt/newer/app needs GLIBC_2.99", Breaking)],
    },
    Case {
        name: "the C library sorts as before 2.28, and PostgreSQL's indexes are in that order",
        before: "",
        change: "sed -i '/^Package: libc6$/,/^$/s/^Version: .*/Version: 2.24-11+deb9u4/' /var/lib/dpkg/status",
        expect: &[changed("packages", "dpkg:libc6", Breaking)],
    },
    Case {
        name: "text is in C.UTF-8 where it was in en_US.UTF-8",
        before: "file /etc/default/locale LANG=en_US.UTF-8",
        change: "file /etc/default/locale LANG=C.UTF-8",
        expect: &[changed("locale", "LANG", Breaking)],
    },
    Case {
        name: "another time zone",
        before: "",
        change: "ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime; echo Europe/Berlin >/etc/timezone",
        expect: &[changed("locale", "timezone", Breaking)],
    },
    Case {
        name: "another Node comes first on PATH",
        before: "package nodejs 18.19.0+dfsg-6 /usr/bin/node '#!/bin/false'",
        change: "file /usr/local/bin/node '#!/bin/false' 755",
        expect: &[changed("runtimes", "node", Breaking)],
    },
    Case {
        name: "the database is SQLite here and PostgreSQL there",
        before: "echo CORPUS_DATABASE=postgres://db/shop >>/etc/environment",
        change: "sed -i s,postgres://db/shop,sqlite:///srv/shop.db, /etc/environment",
        expect: &[changed("environment", "CORPUS_DATABASE", Notable)],
    },
    Case {
        name: "the same user has another number, and volumes keep the old one",
        before: "useradd --no-user-group --no-create-home --uid 811 corpus-app",
        change: "usermod --uid 812 corpus-app",
        expect: &[changed("users", "corpus-app", Breaking)],
    },
];
