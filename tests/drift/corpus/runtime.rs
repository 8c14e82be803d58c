//! Changes of what programs begin with: variables, locale, limits, trusted authorities, what PATH gives.

use super::case::{Case, changed, extra, missing};
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
        expect: &[changed("environment", "PATH", Breaking)],
    },
    Case {
        name: "another Python is found first",
        before: "",
        change: "file /usr/local/bin/python3 '#!/bin/false' 755",
        expect: &[changed("runtimes", "python3", Breaking)],
    },
    Case {
        name: "a locale is no longer made",
        before: "cp -r /usr/lib/locale/C.utf8 /usr/lib/locale/de_DE.utf8",
        change: "rm -r /usr/lib/locale/de_DE.utf8",
        expect: &[changed("locale", "available", Breaking)],
    },
    Case {
        name: "a limit for logins is lowered",
        before: "file /etc/security/limits.d/corpus.conf '* hard nofile 65536'",
        change: "file /etc/security/limits.d/corpus.conf '* hard nofile 1024'",
        expect: &[changed("files", "/etc/security/limits.d/corpus.conf", Notable)],
    },
    Case {
        name: "a setting of the kernel is written down for the next start",
        before: "",
        change: "file /etc/sysctl.d/corpus.conf vm.swappiness=1",
        expect: &[extra("files", "/etc/sysctl.d/corpus.conf", Notable)],
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
    Case {
        name: "an authority is not trusted any more",
        before: "",
        change: "sed -i 's,^mozilla/ISRG_Root_X1.crt,!&,' /etc/ca-certificates.conf
            update-ca-certificates >/dev/null 2>&1",
        expect: &[
            missing(
                "certificates",
                "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6",
                Breaking,
            ),
            changed("files", "/etc/ca-certificates.conf", Notable),
        ],
    },
];
