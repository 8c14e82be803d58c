//! For every class of noise: without it its noise is reported, with it a real change right beside the noise still is.

use super::super::compare::compare_by;
use super::super::sample::{fingerprint, item};
use super::*;
use envup_agent::{Item, Section};
use std::collections::BTreeSet;

/// A class: noise it hides, and a real change beside it, each as section, key, fields before and after (`-` for none).
type Case = (&'static str, Change, Change);
type Change = (Section, &'static str, &'static str, &'static str);

const F: &str = "type=file mode=0644 owner=root:root sha256=aa";
const G: &str = "type=file mode=0644 owner=root:root sha256=bb";
const OPEN: &str = "type=file mode=0666 owner=root:root sha256=bb";

#[rustfmt::skip] // a line each: it is read as a table
const CASES: &[Case] = &[
    ("hostname", (Section::Os, "hostname", "value=a1", "value=b2"), (Section::Os, "version", "value=12", "value=13")),
    ("hostname", (Section::Environment, "HOSTNAME", "keyed=aa", "keyed=bb"), (Section::Environment, "HOSTNAME_PREFIX", "keyed=aa", "keyed=bb")),
    ("own address", (Section::Resolution, "host web1", "value=127.0.1.1", "-"), (Section::Resolution, "host web10", "value=127.0.1.1", "-")),
    ("own address", (Section::Resolution, "host web1.example.org", "value=127.0.1.1", "-"), (Section::Resolution, "host db", "value=10.0.0.1", "value=10.0.0.2")),
    ("ssh host keys", (Section::Files, "/etc/ssh/ssh_host_rsa_key", "keyed=aa", "keyed=bb"), (Section::Files, "/etc/ssh/ssh_host_rsa_key", "mode=0600 keyed=aa", "mode=0644 keyed=bb")),
    ("ssh host keys", (Section::Files, "/etc/ssh/ssh_host_rsa_key.pub", "sha256=aa", "sha256=bb"), (Section::Files, "/etc/ssh/sshd_config", "sha256=aa", "sha256=bb")),
    ("machine's own certificate", (Section::Files, "/etc/ssl/certs/ssl-cert-snakeoil.pem", "sha256=aa", "sha256=bb"), (Section::Files, "/etc/ssl/private/app.key", "keyed=aa", "keyed=bb")),
    ("certificate links", (Section::Files, "/etc/ssl/certs/0a1b2c3d.0", "-", "type=link explained=certificates"), (Section::Certificates, "ff", "subject=Root in=bundle,directory", "subject=Root in=bundle")),
    ("machine id", (Section::Files, "/etc/machine-id", F, G), (Section::Files, "/etc/machine-info", F, G)),
    ("lists of packages", (Section::Files, "/var/lib/apt/lists/mirror_Packages", F, G), (Section::Files, "/etc/apt/sources.list.d/x.list", "-", F)),
    ("caches", (Section::Files, "/var/cache/ldconfig/aux-cache", "keyed=aa", "keyed=bb"), (Section::Files, "/etc/ld.so.conf.d/x.conf", "-", F)),
    ("caches", (Section::Files, "/root/.cache/pip/http/x", "-", F), (Section::Files, "/root/.config/pip/pip.conf", "-", F)),
    ("logs", (Section::Files, "/var/log/apt/history.log", F, G), (Section::Files, "/var/log/apt/history.log", F, OPEN)),
    ("logs", (Section::Files, "/var/log/app", "-", "type=directory mode=0755"), (Section::Files, "/var/log/su", "-", "type=file mode=4755 sha256=aa")),
    ("databases", (Section::Files, "/var/lib/postgresql/15/main/base/1/2601", "size=8192", "size=16384"), (Section::Files, "/var/lib/postgresql/15/main/postgresql.auto.conf", F, G)),
    ("databases", (Section::Files, "/var/lib/mysql/ib_logfile0", "size=1", "size=2"), (Section::Files, "/var/lib/mysql/my.cnf", "-", F)),
    ("random seeds", (Section::Files, "/var/lib/systemd/random-seed", "keyed=aa", "keyed=bb"), (Section::Files, "/var/lib/systemd/linger/app", "-", F)),
    ("records of services", (Section::Files, "/var/lib/systemd/timers/stamp-x.timer", "-", F), (Section::Schedules, "x.timer", "when=daily", "when=hourly")),
    ("records of provisioners", (Section::Files, "/var/lib/cloud/instance/x", F, G), (Section::Files, "/etc/cloud/cloud.cfg", F, G)),
    ("records of provisioners", (Section::Files, "/var/cache/puppet/public/last_run_summary.yaml", F, G), (Section::Files, "/etc/puppet/puppet.conf", F, G)),
    ("records of provisioners", (Section::Files, "/opt/puppetlabs/puppet/public/last_run_summary.yaml", F, G), (Section::Files, "/opt/puppetlabs/puppet/bin/puppet", F, G)),
    ("backups", (Section::Files, "/etc/passwd-", "-", "type=file mode=0644 explained=users"), (Section::Users, "app", "uid=1", "uid=2")),
    ("backups", (Section::Files, "/etc/.pwd.lock", "-", F), (Section::Files, "/etc/.hidden", "-", F)),
    ("indexes", (Section::Files, "/usr/share/info/dir", F, G), (Section::Files, "/usr/share/info2/dir", F, G)),
    ("documentation", (Section::Packages, "dpkg:a", "version=1 documents=aa", "version=1 documents=bb"), (Section::Packages, "dpkg:a", "version=1 documents=aa files=aa", "version=1 documents=bb files=bb")),
    ("marks of containers", (Section::Files, "/.dockerenv", "-", F), (Section::Files, "/.autorelabel", "-", F)),
    ("marks of containers", (Section::Environment, "container", "-", "value=docker"), (Section::Environment, "CONTAINER_ID", "-", "value=x")),
    ("root on layers", (Section::Mounts, "/", "type=overlay access=rw", "type=ext4 access=rw"), (Section::Mounts, "/", "type=overlay access=rw", "type=ext4 access=ro")),
];

fn side(text: &str) -> Option<Item> {
    (text != "-").then(|| item(text))
}

/// Two machines that differ in these changes, and in nothing else.
fn machines(changes: &[&Change]) -> (Fingerprint, Fingerprint) {
    let own = (Section::Os, "hostname", "value=web1");
    let (mut before, mut after) = (fingerprint(&[own]), fingerprint(&[own]));
    for (section, key, was, is) in changes {
        for (machine, text) in [(&mut before, was), (&mut after, is)] {
            let items = machine.sections.get_mut(section).unwrap();
            match side(text) {
                Some(item) => items.insert((*key).to_owned(), item),
                None => items.remove(*key),
            };
        }
    }
    (before, after)
}

fn differences(changes: &[&Change]) -> Vec<Difference> {
    let (before, after) = machines(changes);
    compare_by(&before, &after, &Rules::default()).differences
}

#[test]
fn every_class_hides_its_noise_and_nothing_beside_it() {
    for (name, noise, real) in CASES {
        let hidden = differences(&[noise]);
        assert_eq!(hidden.len(), 1, "without the rule {name} there would be nothing to hide: {noise:?}");
        assert_eq!(hidden[0].rule.as_deref(), Some(*name), "{noise:?}");
        let both = if (noise.0, noise.1) == (real.0, real.1) { vec![real] } else { vec![noise, real] };
        let reported: Vec<_> = differences(&both).into_iter().filter(|one| one.rule.is_none()).collect();
        assert_eq!(reported.len(), 1, "{name}: {real:?}");
        assert_eq!((reported[0].section.as_str(), reported[0].key.as_str()), (real.0.as_str(), real.1));
    }
}

#[test]
fn every_class_has_a_case_and_a_reason() {
    let tested: BTreeSet<(&str, &str)> =
        CASES.iter().map(|(name, noise, _)| (*name, noise.0.as_str())).collect();
    let classes: BTreeSet<(&str, &str)> = NOISE.iter().map(|noise| (noise.name, noise.section)).collect();
    assert_eq!(tested, classes);
    let bare = |noise: &&Noise| noise.reason.is_empty() || noise.keys.is_empty();
    assert!(NOISE.iter().find(bare).is_none());
    let content = ["type", "mode", "owner", "target"];
    let hides_more =
        |noise: &&Noise| noise.section == "files" && noise.fields.iter().any(|field| content.contains(field));
    assert!(NOISE.iter().find(hides_more).is_none());
}

fn rule(section: Option<&str>, key: &str, field: Option<&str>, until: Option<&str>) -> IgnoreRule {
    IgnoreRule {
        section: section.map(str::to_owned),
        key: Some(key.to_owned()),
        field: field.map(str::to_owned),
        reason: "user data".to_owned(),
        until: until.map(str::to_owned),
    }
}

#[test]
fn rules_of_a_project_hide_what_they_fit_until_they_expire() {
    let (before, after) = machines(&[
        &(Section::Files, "/srv/a", "mode=0644 sha256=aa", "mode=0600 sha256=bb"),
        &(Section::Files, "/srv/b", "-", F),
        &(Section::Users, "/srv/b", "-", "uid=1"),
    ]);
    let hidden = |rules: &[IgnoreRule], today: &str| {
        let rules = Rules::new(rules, today);
        let differences = compare_by(&before, &after, &rules).differences;
        let hidden: Vec<String> = differences
            .iter()
            .filter(|one| one.rule.as_deref() == Some("[drift] user data"))
            .map(|one| format!("{} {}", one.section, one.key))
            .collect();
        (hidden, rules.expired().len())
    };
    let both = vec!["files /srv/a".to_owned(), "files /srv/b".to_owned()];
    let all = [rule(Some("files"), "/srv/**", None, Some("2026-11-22"))];
    assert_eq!(hidden(&all, "2026-11-22"), (both, 0));
    assert_eq!(hidden(&all, "2026-11-23"), (vec![], 1));
    let mode = rule(None, "/srv/*", Some("mode"), None);
    assert_eq!(hidden(std::slice::from_ref(&mode), "2026-11-22"), (vec![], 0), "its content differs too");
    let content = rule(None, "/srv/*", Some("sha256"), None);
    assert_eq!(hidden(&[mode, content], "2026-11-22").0, ["files /srv/a"]);
    assert_eq!(hidden(&[rule(None, "/elsewhere/**", None, None)], "2026-11-22"), (vec![], 0));
}

#[test]
fn a_hidden_file_does_not_stand_for_its_package() {
    let (before, after) = machines(&[
        &(Section::Packages, "dpkg:a", "version=1 files=aa", "version=1 files=bb"),
        &(Section::Files, "/usr/share/a/data", "-", "type=file mode=0644 sha256=aa package=dpkg:a"),
    ]);
    let rules = [rule(None, "/usr/share/a/*", None, None)];
    let differences = compare_by(&before, &after, &Rules::new(&rules, "2026-11-22")).differences;
    let reported: Vec<_> = differences.iter().filter(|one| one.rule.is_none()).map(|one| &one.key).collect();
    assert_eq!(reported, ["dpkg:a"]);
}

#[test]
fn a_hidden_package_takes_its_parts_along() {
    let (before, after) = machines(&[
        &(Section::Packages, "dpkg:a", "-", "version=1"),
        &(Section::Libraries, "liba.so.1", "-", "package=dpkg:a version=1"),
    ]);
    let rules = [rule(Some("packages"), "dpkg:a", None, None)];
    let differences = compare_by(&before, &after, &Rules::new(&rules, "2026-11-22")).differences;
    assert!(differences.iter().all(|one| one.rule.is_some()), "{differences:?}");
}

/// `docs/noise.md` is the table.
#[test]
fn the_documentation_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/noise.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let expected = document();
    assert!(written == expected, "docs/noise.md should be:\n{expected}");
}
