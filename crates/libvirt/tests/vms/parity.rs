//! One Envfile as a container and as a VM, with the shell and Ansible: what differs is documented, and nothing else does.

use crate::stage::Stage;
use std::collections::BTreeSet;

const ENVFILE: &str = r#"
name = "parity"

[machine.web]
box = "debian/12"
memory = "512MiB"
env = { GREETING = "hello" }

[[machine.web.provision]]
name = "schedules"
shell = """
apt-get -q update
apt-get -q -y install --no-install-recommends cron
adduser --quiet --system --group keeper
"""

[[machine.web.provision]]
ansible = "site.yml"

[environment.vm.machine]
web = { provider = "libvirt" }
"#;

const PLAYBOOK: &str = r#"
- hosts: all
  tasks:
    - name: a file that tells of the machine
      ansible.builtin.copy:
        dest: /srv/greeting
        content: "{{ ansible_distribution }} says hello\n"
    - name: a schedule
      ansible.builtin.copy:
        dest: /etc/cron.d/keeper
        content: "5 4 * * * keeper /bin/true\n"
        mode: "0644"
"#;

/// The documented differences: section and pattern.
fn documented() -> Vec<(String, String)> {
    let text = include_str!("../../../../docs/parity.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let of_row = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let patterns = cells[2].split('`').skip(1).step_by(2);
        patterns.map(|pattern| (cells[1].to_owned(), pattern.to_owned())).collect::<Vec<_>>()
    };
    rows.flat_map(of_row).collect()
}

/// Whether `text` is what `pattern` says, in which one `*` at most stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
        }
    }
}

#[test]
fn a_container_and_a_vm_of_one_envfile_are_the_same_machine() {
    let stage = Stage::new(ENVFILE).and_environment("vm");
    std::fs::write(stage.directory().join("site.yml"), PLAYBOOK).unwrap();
    for environment in ["dev", "vm"] {
        stage.env(&format!("allow --env {environment}")).exits(0);
        stage.env(&format!("up --env {environment} --no-layers")).exits(0);
        let again = stage.env(&format!("up --env {environment} --no-layers")).exits(0);
        assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
        let greeting = stage.env(&format!("exec --env {environment} web -- cat /srv/greeting")).exits(0);
        assert_eq!(greeting.stdout, "Debian says hello\n");
        let runs = stage.env(&format!("exec --env {environment} web -- systemctl is-active cron")).exits(0);
        assert_eq!(runs.stdout, "active\n");
    }

    let drift = stage.env("drift --against vm --json").exits(2).stdout;
    let drift: serde_json::Value = serde_json::from_str(&drift).unwrap();
    assert_eq!(drift["complete"], true);
    let documented = documented();
    assert!(documented.len() > 20, "{documented:?}");
    let found = drift["machines"][0]["differences"].as_array().unwrap();
    let shown = found.iter().filter(|difference| difference["rule"].is_null());
    let keys: BTreeSet<(&str, &str)> = shown
        .map(|difference| (difference["section"].as_str().unwrap(), difference["key"].as_str().unwrap()))
        .collect();
    let is_documented = |(section, key): &&(&str, &str)| {
        documented.iter().any(|(its, pattern)| its == section && fits(pattern, key))
    };
    let others: Vec<_> = keys.iter().filter(|key| !is_documented(key)).collect();
    assert!(others.is_empty(), "docs/parity.md does not name {others:?}");
    assert!(keys.contains(&("os", "kernel")), "two machines with one kernel: {keys:?}");
}
