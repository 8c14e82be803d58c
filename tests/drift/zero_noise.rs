//! Zero noise: what is made twice from the same definition does not differ, and neither does what is started again.

use super::mirror::Mirror;
use crate::support::{Project, debian_box};
use std::process::Command;

/// Users, files, a service and a package without any archive: what provisioning writes most.
const SERVER: &str = r#"
[machine.web]
box = "debian/12"
provision = [{ shell = """
useradd --create-home --password '$6$salt$hash' app
mkdir -p /opt/app && date >/var/log/app.log && echo secret >/opt/app/.env && chmod 600 /opt/app/.env
printf '[Service]\nExecStart=/usr/bin/python3 -m http.server 8000\n[Install]\nWantedBy=multi-user.target\n' \
  >/etc/systemd/system/app.service
systemctl --quiet enable --now app
until curl --silent --output /dev/null http://localhost:8000/; do sleep 0.1; done
""" }]
"#;

#[test]
fn a_server_that_is_made_twice_is_the_same() {
    debian_box();
    made_twice(&Project::new(SERVER), &[], 0);
}

#[test]
fn hello_that_is_made_twice_is_the_same() {
    made_twice(&example("hello", "8080:80"), &[Mirror::start().proxy()], 0);
    assert!(Mirror::start().was_asked(), "steps do not use the proxy that this host says to use");
}

#[test]
fn shop_that_is_made_twice_is_the_same() {
    let shop = example("shop", "8081:80");
    shop.write("secrets/db_password", "one that nobody has to guess");
    made_twice(&shop, &[Mirror::start().proxy()], 0);
}

#[test]
fn worker_that_is_made_twice_is_the_same() {
    made_twice(&example("worker", "8082:8000"), &[], 0);
}

#[test]
fn a_control_repository_that_is_applied_twice_makes_the_same() {
    made_twice(&example("puppet", "8084:80"), &[Mirror::start().proxy()], 0);
}

#[test]
fn user_data_of_clouds_that_is_applied_twice_makes_the_same() {
    made_twice(&example("cloud-init", "8085:80"), &[Mirror::start().proxy()], 0);
}

#[test]
fn a_playbook_that_is_run_twice_makes_the_same() {
    let project = example("ansible", "8086:80");
    project.env("allow").succeeds();
    made_twice(&project, &[Mirror::start().proxy()], 0);
}

#[test]
fn static_that_is_made_twice_is_the_same() {
    let project = example("static", "8083:8080");
    assert!(Command::new("make").arg("-C").arg(project.directory()).status().unwrap().success());
    // Who has no capability at all does not get to see the environment of another user's process.
    made_twice(&project, &[], 3);
}

/// An example whose port on the host is any free one.
fn example(name: &str, port: &str) -> Project {
    debian_box();
    let project = Project::copy_of(&format!("examples/{name}"));
    let (_, guest) = port.split_once(':').unwrap();
    project.change("Envfile", &format!("\"{port}\""), &format!("\"auto:{guest}\""));
    project
}

/// Up, started again, and up anew from nothing: never a difference at default rules. `variables` are those of every `up`; drift
/// ends with `code`: 0, or 3 where the machine lets nobody read all of it.
#[track_caller]
fn made_twice(project: &Project, variables: &[(&str, String)], code: i32) {
    let up = || {
        let run = project.command(&["up"]);
        variables.iter().fold(run, |run, (name, value)| run.var(name, value)).run().succeeds();
    };
    let first = project.path("first").to_str().unwrap().to_owned();
    up();
    silent(project, &[], code);
    project.env_words(&["capture", "--out", &first]).exits(code);
    project.env("restart").succeeds();
    silent(project, &[], code);
    project.env("destroy --yes --volumes").succeeds();
    up();
    silent(project, &["--against", &first], code);
}

/// Nothing differs.
#[track_caller]
fn silent(project: &Project, words: &[&str], code: i32) {
    let drift = project.env_words(&[&["drift", "--json"], words].concat()).exits(code);
    let report = drift.json();
    let machines = report["machines"].as_array().unwrap().iter();
    let differences = machines.flat_map(|machine| machine["differences"].as_array().unwrap());
    let shown: Vec<_> = differences.filter(|difference| difference["rule"].is_null()).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}
