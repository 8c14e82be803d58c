//! Changes of what programs begin with: variables, locale, limits, trusted authorities, what PATH gives.

use super::case::{Case, changed, extra};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a variable has another value",
        before: "echo CORPUS_WORKERS=4 >>/etc/environment",
        change: "sed -i s/CORPUS_WORKERS=4/CORPUS_WORKERS=8/ /etc/environment",
        expect: &[changed("environment", "CORPUS_WORKERS", Notable)],
    },
    Case {
        name: "a variable is there for services",
        before: "mkdir -p /etc/systemd/system.conf.d",
        change: "file /etc/systemd/system.conf.d/zz-envup.conf '[Manager]\nDefaultEnvironment=CORPUS_ADDED=1'",
        expect: &[extra("environment", "CORPUS_ADDED", Notable)],
    },
    Case {
        name: "logins find programs elsewhere",
        before: "echo PATH=/usr/local/bin:/usr/bin:/bin >>/etc/environment",
        change: "sed -i s,^PATH=,PATH=/opt/corpus/bin:, /etc/environment",
        expect: &[changed("environment", "PATH (login)", Breaking)],
    },
    Case {
        name: "a locale is no longer made",
        before: "cp -r /usr/lib/locale/C.utf8 /usr/lib/locale/de_DE.utf8",
        change: "rm -r /usr/lib/locale/de_DE.utf8",
        expect: &[changed("locale", "available", Breaking)],
    },
    Case {
        name: "an authority is trusted too",
        before: "",
        change: concat!(
            "file /usr/local/share/ca-certificates/corpus.crt '",
            include_str!("authority.pem"),
            "'; update-ca-certificates >/dev/null 2>&1"
        ),
        expect: &[extra(
            "certificates",
            "76c8acdf7a2c14d79c21c5f14fdb6e9923400fb969983a1bc0f81e225b3fb9b6",
            Notable,
        )],
    },
];
