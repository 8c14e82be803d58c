//! Changes of files that no package owns, and of what decides about installations and logins.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Cosmetic, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a file is edited, size and time are restored",
        before: "file /opt/corpus/settings.ini 'workers = 4'",
        change: "edit_unnoticed /opt/corpus/settings.ini 'workers = 8'",
        expect: &[changed("files", "/opt/corpus/settings.ini", Notable)],
    },
    Case {
        name: "a file is touched",
        before: "file /opt/corpus/touched text",
        change: "touch /opt/corpus/touched",
        expect: &[],
    },
    Case {
        name: "a file is written again as it was",
        before: "file /opt/corpus/again text",
        change: "rm /opt/corpus/again; file /opt/corpus/again text",
        expect: &[],
    },
    Case {
        name: "a file has another mode",
        before: "file /srv/corpus/mode text 644",
        change: "chmod 600 /srv/corpus/mode",
        expect: &[changed("files", "/srv/corpus/mode", Notable)],
    },
    Case {
        name: "a file has another owner",
        before: "file /srv/corpus/owner text",
        change: "chown games:games /srv/corpus/owner",
        expect: &[changed("files", "/srv/corpus/owner", Notable)],
    },
    Case {
        name: "a directory has another mode",
        before: "mkdir -p -m 755 /srv/corpus/directory",
        change: "chmod 777 /srv/corpus/directory",
        expect: &[changed("files", "/srv/corpus/directory", Notable)],
    },
    Case {
        name: "a link leads elsewhere",
        before: "mkdir -p /srv/corpus; ln -s releases/1 /srv/corpus/current",
        change: "ln -sfn releases/2 /srv/corpus/current",
        expect: &[changed("files", "/srv/corpus/current", Notable)],
    },
    Case {
        name: "an alternative leads elsewhere",
        before: "ln -s /usr/bin/less /etc/alternatives/corpus-pager",
        change: "ln -sfn /bin/more /etc/alternatives/corpus-pager",
        expect: &[changed("files", "/etc/alternatives/corpus-pager", Breaking)],
    },
    Case {
        name: "a file that nobody knows is there",
        before: "",
        change: "file /usr/local/lib/corpus.dat text",
        expect: &[extra("files", "/usr/local/lib/corpus.dat", Notable)],
    },
    Case {
        name: "a directory of files that nobody knows is there",
        before: "",
        change: "file /opt/corpus-tree/a/b text; file /opt/corpus-tree/c text",
        expect: &[extra("files", "/opt/corpus-tree", Notable)],
    },
    Case {
        name: "a setuid program that nobody knows is there",
        before: "",
        change: "file /opt/corpus/helper '#!/bin/true' 4755",
        expect: &[extra("files", "/opt/corpus/helper", Breaking)],
    },
    Case {
        name: "a file is deleted",
        before: "file /opt/corpus/deleted text",
        change: "rm /opt/corpus/deleted",
        expect: &[missing("files", "/opt/corpus/deleted", Notable)],
    },
    Case {
        name: "a directory is in the place of a file",
        before: "file /etc/corpus.d text",
        change: "rm /etc/corpus.d; mkdir /etc/corpus.d",
        expect: &[changed("files", "/etc/corpus.d", Breaking)],
    },
    Case {
        name: "a file is in the place of a link",
        before: "ln -s /opt/corpus/settings.ini /etc/corpus.link",
        change: "rm /etc/corpus.link; file /etc/corpus.link text",
        expect: &[changed("files", "/etc/corpus.link", Breaking)],
    },
    Case {
        name: "a path is there in lower case too",
        before: "file /srv/corpus/Readme text",
        change: "file /srv/corpus/readme text",
        expect: &[extra("files", "/srv/corpus/readme", Notable)],
    },
    Case {
        name: "a path changes its case",
        before: "file /srv/corpus/Logo text",
        change: "mv /srv/corpus/Logo /srv/corpus/logo",
        expect: &[missing("files", "/srv/corpus/Logo", Notable), extra("files", "/srv/corpus/logo", Notable)],
    },
    Case {
        name: "a name is no UTF-8",
        before: "mkdir -p /srv/corpus",
        change: r#"file "$(printf '/srv/corpus/caf\351')" text"#,
        expect: &[extra("files", r"/srv/corpus/caf\xe9", Notable)],
    },
    Case {
        name: "a file that only root may read is edited",
        before: "file /srv/corpus/private 'secret one' 600",
        change: "file /srv/corpus/private 'secret two' 600",
        expect: &[changed("files", "/srv/corpus/private", Notable)],
    },
    Case {
        name: "an editor leaves a copy",
        before: "file /opt/corpus/edited text",
        change: "cp /opt/corpus/edited /opt/corpus/edited~",
        expect: &[extra("files", "/opt/corpus/edited~", Cosmetic)],
    },
    Case {
        name: "a source of packages is added",
        before: "",
        change: "file /etc/apt/sources.list.d/corpus.list 'deb [trusted=yes] http://apt.example.org ./'",
        expect: &[extra("files", "/etc/apt/sources.list.d/corpus.list", Notable)],
    },
    Case {
        name: "the loader looks into another directory",
        before: "",
        change: "file /etc/ld.so.conf.d/corpus.conf /opt/corpus/lib",
        expect: &[extra("files", "/etc/ld.so.conf.d/corpus.conf", Breaking)],
    },
    Case {
        name: "a rule for logins is changed",
        before: "",
        change: "sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/common-auth",
        expect: &[changed("files", "/etc/pam.d/common-auth", Breaking)],
    },
    Case {
        name: "logins over ssh are widened",
        before: "",
        change: "file /etc/ssh/sshd_config.d/corpus.conf 'PermitRootLogin yes'",
        expect: &[extra("files", "/etc/ssh/sshd_config.d/corpus.conf", Breaking)],
    },
    Case {
        name: "a key may log in",
        before: "mkdir -p -m 700 /root/.ssh",
        // The second file that sshd reads: in a VM the first one lets us in.
        change: "file /root/.ssh/authorized_keys2 'ssh-ed25519 AAAA somebody' 600",
        expect: &[extra("files", "/root/.ssh/authorized_keys2", Breaking)],
    },
];
