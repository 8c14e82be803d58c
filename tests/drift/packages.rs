//! Changes of packages and of the files they came with.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a package is added",
        before: "",
        change: "package corpus-added 1.0 /usr/lib/corpus-added/a text /etc/corpus-added.conf setting",
        expect: &[extra("packages", "dpkg:corpus-added", Notable)],
    },
    Case {
        name: "a package is removed",
        before: "package corpus-removed 1.0 /usr/lib/corpus-removed/a text",
        change: "dpkg --remove corpus-removed >/dev/null",
        expect: &[missing("packages", "dpkg:corpus-removed", Breaking)],
    },
    Case {
        name: "a package is purged with its configuration",
        before: "package corpus-purged 1.0 /usr/lib/corpus-purged/a text /etc/corpus-purged.conf setting",
        change: "dpkg --purge corpus-purged >/dev/null",
        expect: &[missing("packages", "dpkg:corpus-purged", Breaking)],
    },
    Case {
        name: "a package is upgraded",
        before: "package corpus-upgraded 1.0-1 /usr/lib/corpus-upgraded/a one",
        change: "package corpus-upgraded 1.1-1 /usr/lib/corpus-upgraded/a two /usr/lib/corpus-upgraded/b new",
        expect: &[changed("packages", "dpkg:corpus-upgraded", Notable)],
    },
    Case {
        name: "a package is upgraded to another major version",
        before: "package corpus-major 15.4-1 /usr/lib/corpus-major/15 text",
        change: "package corpus-major 16.1-1 /usr/lib/corpus-major/16 text",
        expect: &[changed("packages", "dpkg:corpus-major", Breaking)],
    },
    Case {
        name: "a package is downgraded",
        before: "package corpus-downgraded 1.2-3 /usr/lib/corpus-downgraded/a new",
        change: "package corpus-downgraded 1.2-2 /usr/lib/corpus-downgraded/a old 2>&1",
        expect: &[changed("packages", "dpkg:corpus-downgraded", Notable)],
    },
    Case {
        name: "a package is held",
        before: "package corpus-held 1.0",
        change: "echo corpus-held hold | dpkg --set-selections",
        expect: &[changed("packages", "dpkg:corpus-held", Notable)],
    },
    Case {
        name: "a package is left half installed",
        before: "package corpus-broken 1.0",
        change: "sed -i '/^Package: corpus-broken$/,/^$/s/ok installed/ok half-configured/' /var/lib/dpkg/status",
        expect: &[changed("packages", "dpkg:corpus-broken", Breaking)],
    },
    Case {
        name: "a package is installed again as it was",
        before: "package corpus-again 1.0 /usr/lib/corpus-again/a text",
        change: "package corpus-again 1.0 /usr/lib/corpus-again/a text",
        expect: &[],
    },
];
