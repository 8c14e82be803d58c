//! Changes of who may use the machine.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a user is added with group and home",
        before: "",
        change: "useradd --create-home corpus-added",
        expect: &[extra("users", "corpus-added", Notable)],
    },
    Case {
        name: "a user is removed with group and home",
        before: "useradd --create-home corpus-removed",
        change: "userdel --remove corpus-removed 2>&1",
        expect: &[missing("users", "corpus-removed", Breaking)],
    },
    Case {
        name: "root has another name too",
        before: "",
        change: "useradd --no-user-group --non-unique --uid 0 --gid 0 --no-create-home corpus-root 2>&1",
        expect: &[extra("users", "corpus-root", Breaking)],
    },
    Case {
        name: "a user has another shell",
        before: "useradd --no-user-group --no-create-home --shell /usr/sbin/nologin corpus-shell",
        change: "usermod --shell /bin/bash corpus-shell",
        expect: &[changed("users", "corpus-shell", Notable)],
    },
    Case {
        name: "a user has another password",
        before: "useradd --no-user-group --no-create-home --password '$6$salt$one' corpus-password",
        change: "usermod --password '$6$salt$two' corpus-password",
        expect: &[changed("users", "corpus-password", Notable)],
    },
    Case {
        name: "a user has no password",
        before: "useradd --no-user-group --no-create-home corpus-open",
        change: "passwd --quiet --delete corpus-open",
        expect: &[changed("users", "corpus-open", Breaking)],
    },
    Case {
        name: "a group is added",
        before: "",
        change: "groupadd corpus-newgroup",
        expect: &[extra("groups", "corpus-newgroup", Notable)],
    },
    Case {
        name: "a group has another number",
        before: "groupadd --gid 811 corpus-group",
        change: "groupmod --gid 812 corpus-group",
        expect: &[changed("groups", "corpus-group", Breaking)],
    },
    Case {
        name: "a user may become root",
        before: "useradd --no-user-group --no-create-home corpus-member",
        change: "usermod --append --groups sudo corpus-member",
        expect: &[changed("groups", "sudo", Breaking)],
    },
    Case {
        name: "sudo asks nobody any more",
        before: "",
        change: "file /etc/sudoers.d/corpus 'games ALL=(ALL) NOPASSWD: ALL' 440",
        expect: &[extra("files", "/etc/sudoers.d/corpus", Breaking)],
    },
];
