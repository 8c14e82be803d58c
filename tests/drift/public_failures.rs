//! Failures that others had and told the public about: it works here and not there. What containers cannot have each for
//! itself (`vm.max_map_count`), or only from their start (`nofile`), is in `machines`.

use super::case::{Case, changed};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
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
