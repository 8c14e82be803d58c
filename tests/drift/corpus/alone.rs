//! Changes that cannot stand beside others: each says much about the whole machine.

use super::case::{Case, changed, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "the bundle of trusted authorities is gone",
        before: "",
        change: "rm /etc/ssl/certs/ca-certificates.crt",
        expect: &[missing("files", "/etc/ssl/certs/ca-certificates.crt", Breaking)],
    },
    Case {
        name: "no authority is trusted: the package is gone as in a slim image",
        before: "update-ca-certificates >/dev/null 2>&1",
        change: "dpkg --purge --force-depends ca-certificates >/dev/null 2>&1",
        expect: &[
            missing("packages", "dpkg:ca-certificates", Breaking),
            missing("files", "/etc/ca-certificates.conf", Notable),
        ],
    },
    Case {
        name: "the time zone is only named, not linked",
        before: "",
        change: "echo Asia/Tokyo >/etc/timezone",
        expect: &[changed("locale", "timezone", Breaking)],
    },
];
