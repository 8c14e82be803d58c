//! Changes of packages and of the files they came with.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Cosmetic, Notable};

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
        name: "a package is removed and its configuration stays",
        before: "package corpus-left 1.0 /usr/lib/corpus-left/a text /etc/cron.d/corpus-left '0 1 * * * root /bin/true' \
                /etc/corpus-left.conf setting",
        change: "dpkg --remove corpus-left >/dev/null",
        expect: &[missing("packages", "dpkg:corpus-left", Breaking)],
    },
    Case {
        name: "a package brings a directory that another one has too",
        before: "package corpus-shared 1.0 /etc/corpus-shared/a.conf setting",
        change: "package corpus-shared-too 1.0 /etc/corpus-shared/b.conf setting",
        expect: &[extra("packages", "dpkg:corpus-shared-too", Notable)],
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
        name: "a configuration file of a package is edited",
        before: "package corpus-configured 1.0 /etc/corpus-configured.conf setting=1",
        change: "file /etc/corpus-configured.conf setting=2",
        expect: &[changed("files", "/etc/corpus-configured.conf", Notable)],
    },
    Case {
        name: "a file of a package is edited, size and time are restored",
        before: "package corpus-edited 1.0 /usr/lib/corpus-edited/code 'return 0'",
        change: "edit_unnoticed /usr/lib/corpus-edited/code 'return 1'",
        expect: &[changed("files", "/usr/lib/corpus-edited/code", Breaking)],
    },
    Case {
        name: "a program of a package is replaced",
        before: "package corpus-replaced 1.0 /usr/bin/corpus-replaced '#!/bin/true'",
        change: "file /usr/bin/.new '#!/bin/false' 755; mv /usr/bin/.new /usr/bin/corpus-replaced",
        expect: &[changed("files", "/usr/bin/corpus-replaced", Breaking)],
    },
    Case {
        name: "a file of a package is deleted",
        before: "package corpus-deleted 1.0 /usr/lib/corpus-deleted/plugin text",
        change: "rm /usr/lib/corpus-deleted/plugin",
        expect: &[missing("files", "/usr/lib/corpus-deleted/plugin", Breaking)],
    },
    Case {
        name: "a program of a package becomes setuid",
        before: "package corpus-setuid 1.0 /usr/bin/corpus-setuid '#!/bin/true'",
        change: "chmod 4755 /usr/bin/corpus-setuid",
        expect: &[changed("files", "/usr/bin/corpus-setuid", Breaking)],
    },
    Case {
        name: "a file of a package gets another owner",
        before: "package corpus-owned 1.0 /usr/share/corpus-owned/data text",
        change: "chown games /usr/share/corpus-owned/data",
        expect: &[changed("files", "/usr/share/corpus-owned/data", Notable)],
    },
    Case {
        name: "a copyright file of a package is edited",
        before: "package corpus-documented 1.0 /usr/share/doc/corpus-documented/copyright MIT",
        change: "file /usr/share/doc/corpus-documented/copyright GPL",
        expect: &[changed("files", "/usr/share/doc/corpus-documented/copyright", Cosmetic)],
    },
    Case {
        name: "a package is installed again as it was",
        before: "package corpus-again 1.0 /usr/lib/corpus-again/a text",
        change: "package corpus-again 1.0 /usr/lib/corpus-again/a text",
        expect: &[],
    },
    Case {
        name: "a Python package is installed beside those of the distribution",
        before: "",
        change: "directory=/usr/local/lib/python3.11/dist-packages
            file $directory/corpus_added/__init__.py 'answer = 42'
            file $directory/corpus_added-1.0.dist-info/METADATA 'Name: corpus-added\nVersion: 1.0'
            file $directory/corpus_added-1.0.dist-info/RECORD \
                'corpus_added/__init__.py,,\ncorpus_added-1.0.dist-info/METADATA,,\ncorpus_added-1.0.dist-info/RECORD,,'",
        expect: &[extra("packages", "pip:/usr/local/lib/python3.11/dist-packages:corpus-added", Notable)],
    },
    Case {
        name: "a Python package has another major version",
        before: "directory=/usr/local/lib/python3.11/dist-packages
            file $directory/corpus_pip/__init__.py 'answer = 1'
            file $directory/corpus_pip-1.9.dist-info/METADATA 'Name: corpus-pip\nVersion: 1.9'
            file $directory/corpus_pip-1.9.dist-info/RECORD \
                'corpus_pip/__init__.py,,\ncorpus_pip-1.9.dist-info/METADATA,,\ncorpus_pip-1.9.dist-info/RECORD,,'",
        change: "directory=/usr/local/lib/python3.11/dist-packages
            rm -r $directory/corpus_pip-1.9.dist-info
            file $directory/corpus_pip/__init__.py 'answer = 2'
            file $directory/corpus_pip-2.0.dist-info/METADATA 'Name: corpus-pip\nVersion: 2.0'
            file $directory/corpus_pip-2.0.dist-info/RECORD \
                'corpus_pip/__init__.py,,\ncorpus_pip-2.0.dist-info/METADATA,,\ncorpus_pip-2.0.dist-info/RECORD,,'",
        expect: &[changed("packages", "pip:/usr/local/lib/python3.11/dist-packages:corpus-pip", Breaking)],
    },
    Case {
        name: "a global npm package has another version",
        before: r#"file /usr/local/lib/node_modules/corpus-npm/package.json '{ "name": "corpus-npm", "version": "4.1.0" }'"#,
        change: r#"file /usr/local/lib/node_modules/corpus-npm/package.json '{ "name": "corpus-npm", "version": "4.2.0" }'"#,
        expect: &[changed("packages", "npm:/usr/local/lib/node_modules:corpus-npm", Notable)],
    },
    Case {
        name: "a gem is removed",
        before: "file /var/lib/gems/3.1.0/specifications/corpus-gem-1.2.gemspec 'Gem::Specification.new do |s|
                s.name = \"corpus-gem\".freeze
                s.version = \"1.2\"
                end'
            file /var/lib/gems/3.1.0/gems/corpus-gem-1.2/lib/corpus.rb 'ANSWER = 42'",
        change: "rm -r /var/lib/gems/3.1.0/specifications/corpus-gem-1.2.gemspec /var/lib/gems/3.1.0/gems/corpus-gem-1.2",
        expect: &[missing("packages", "gem:/var/lib/gems/3.1.0:corpus-gem", Breaking)],
    },
];
