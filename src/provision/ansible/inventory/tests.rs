//! Names, groups and limits against an inventory like production's.

use super::*;
use crate::model::machine::{BoxSource, HostAccess};
use std::path::Path;

fn inventory() -> Inventory {
    Inventory::read(&json!({
        "_meta": { "hostvars": { "db1.example.org": { "ansible_host": "192.0.2.1" } } },
        "all": { "children": ["ungrouped", "webservers", "db"] },
        "webservers": { "hosts": ["web1.example.org", "web2.example.org"] },
        "db": { "hosts": ["db1.example.org"] },
    }))
}

fn stack(machines: &[(&str, Option<&str>)]) -> Stack {
    let mut stack = Stack::undeclared("shop", "dev", Path::new("/shop"));
    for (name, host) in machines {
        let source = match host {
            Some(host) => {
                Source::Host(HostAccess { hosts: vec![(*host).to_owned()], ..HostAccess::default() })
            }
            None => Source::Box(BoxSource::Named("debian/12".into())),
        };
        stack.machines.insert((*name).to_owned(), Machine::new(*name, source));
    }
    stack
}

fn ansible(hosts: &[(&str, &str)]) -> Ansible {
    let hosts = hosts.iter().map(|(machine, host)| ((*machine).to_owned(), (*host).to_owned())).collect();
    Ansible { hosts, ..Ansible::default() }
}

#[test]
fn machines_are_found_by_what_is_said_or_known_of_them() {
    let stack = stack(&[("web", Some("web1.example.org")), ("data", None), ("extra", None)]);
    let names = inventory().names(&ansible(&[("data", "db1.example.org")]), &stack).unwrap();
    let pairs: Vec<_> = names.iter().map(|(machine, host)| (machine.as_str(), host.as_str())).collect();
    assert_eq!(pairs, [("data", "db1.example.org"), ("extra", "extra"), ("web", "web1.example.org")]);
    assert_eq!(inventory().limit(&names, &["web", "data"]), "web1.example.org,db1.example.org,localhost");
}

#[test]
fn what_is_not_there_or_could_be_two_things_is_refused() {
    let refused = |hosts: &[(&str, &str)], machines: &[(&str, Option<&str>)]| {
        inventory().names(&ansible(hosts), &stack(machines)).unwrap_err()
    };
    let typo = refused(&[("data", "db1.exampel.org")], &[("data", None)]);
    assert_eq!(typo.hints, ["did you mean `db1.example.org`?"]);
    let group = refused(&[], &[("db", None)]);
    assert!(group.message.contains("a group `db`"), "{group}");
    let twice = refused(&[("a", "db1.example.org"), ("b", "db1.example.org")], &[("a", None), ("b", None)]);
    assert!(twice.message.contains("both db1.example.org"), "{twice}");
}

#[test]
fn every_host_is_in_the_overlay_and_machines_join_groups() {
    let stack = stack(&[("data", None), ("extra", None)]);
    let mut ansible = ansible(&[("data", "db1.example.org")]);
    ansible.groups.insert("all_of_it".into(), Members::All);
    ansible.groups.insert("databases".into(), Members::Named(["data".to_owned()].into()));
    let names = inventory().names(&ansible, &stack).unwrap();
    let overlay = inventory().overlay(&ansible, &names, &["extra"]);
    let hosts: Vec<_> = overlay["all"]["hosts"].as_object().unwrap().keys().collect();
    assert_eq!(hosts, ["db1.example.org", "extra", "web1.example.org", "web2.example.org"]);
    assert_eq!(overlay["all"]["children"]["databases"], json!({ "hosts": { "db1.example.org": {} } }));
    assert_eq!(overlay["all"]["children"]["all_of_it"], json!({ "hosts": { "extra": {} } }));
}

#[test]
fn a_host_is_reached_over_ssh_and_a_machine_by_our_plugin() {
    let stack = stack(&[("web", Some("web1.example.org")), ("data", None)]);
    let web = variables(&stack.machines["web"], "/run/c");
    assert_eq!(
        (&web["ansible_connection"], &web["ansible_host"]),
        (&json!("ssh"), &json!("web1.example.org"))
    );
    assert_eq!(web["ansible_host_key_checking"], true);
    let data = variables(&stack.machines["data"], "");
    assert_eq!((&data["ansible_connection"], &data["envup_machine"]), (&json!(PLUGIN), &json!("data")));
}

#[test]
fn what_wins_over_the_overlay_is_found() {
    let wanted = [("db".to_owned(), json!({ "ansible_connection": PLUGIN, "envup_machine": "db" }))].into();
    let document = |connection: &str| json!({ "_meta": { "hostvars": { "db": { "ansible_connection": connection, "envup_machine": "db", "x": 1 } } } });
    assert_eq!(overridden(&document(PLUGIN), &wanted), None);
    assert_eq!(overridden(&document("ssh"), &wanted), Some(("db".into(), "ansible_connection".into())));
}
