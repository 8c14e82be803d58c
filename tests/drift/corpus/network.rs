//! Changes of who listens, and of how names become addresses.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "somebody listens",
        before: "",
        change: "listen 127.0.0.1 4701",
        expect: &[extra("ports", "tcp 127.0.0.1:4701", Notable)],
    },
    Case {
        name: "nobody listens any more",
        before: "listen 127.0.0.1 4702",
        change: "systemctl stop listener-4702",
        expect: &[missing("ports", "tcp 127.0.0.1:4702", Breaking)],
    },
    Case {
        name: "who listened to the machine alone listens to everybody",
        before: "listen 127.0.0.1 4703",
        change: "systemctl stop listener-4703; listen 0.0.0.0 4703",
        expect: &[
            missing("ports", "tcp 127.0.0.1:4703", Breaking),
            extra("ports", "tcp 0.0.0.0:4703", Notable),
        ],
    },
    Case {
        name: "a host gets a name",
        before: "",
        change: "echo 10.9.8.7 corpus-added.example >>/etc/hosts",
        expect: &[extra("resolution", "host corpus-added.example", Notable)],
    },
    Case {
        name: "a name leads to another host",
        before: "echo 10.9.8.7 corpus-moved.example >>/etc/hosts",
        // The engine binds the file: it can be written, and not replaced.
        change: "sed 's/10.9.8.7 corpus-moved/10.9.8.8 corpus-moved/' /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts",
        expect: &[changed("resolution", "host corpus-moved.example", Breaking)],
    },
    Case {
        name: "names are completed in another way",
        before: "echo search before.example >>/etc/resolv.conf",
        change: "echo search corpus.example >>/etc/resolv.conf",
        expect: &[changed("resolution", "search", Notable)],
    },
    Case {
        name: "names are looked up in another order",
        before: "",
        change: "sed -i 's/^hosts:.*/hosts: dns files/' /etc/nsswitch.conf",
        expect: &[changed("resolution", "nsswitch hosts", Breaking)],
    },
];
