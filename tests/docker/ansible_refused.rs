//! What can be known of a playbook before it runs is said before anything is created.

use super::stack::Stack;
use std::process::Command;

const ENVFILE: &str = r#"
[machine.web]
image = "IMAGE"

[[machine.web.provision]]
ansible = "ops/site.yml"
inventory = "ops/hosts"
vault = "password"
KEYS
[secret.password]
file = "password"
"#;

const PLAYBOOK: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - raw: 'true'\n";

/// A stack whose only step is wrong in one way.
fn stack(keys: &str, files: &[(&str, &str)]) -> Stack {
    let stack = Stack::new(&ENVFILE.replace("KEYS", keys));
    for (name, content) in
        [("ops/site.yml", PLAYBOOK), ("ops/hosts", "web\n"), ("password", "one")].iter().chain(files)
    {
        stack.project.write(name, content);
    }
    stack
}

#[track_caller]
fn refused(stack: &Stack, code: i32, expected: &[&str]) {
    stack.env("allow").succeeds();
    let outcome = stack.env("up").exits(code);
    for expected in expected {
        assert!(outcome.stderr.contains(expected), "no {expected:?} in\n{outcome}");
    }
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn a_playbook_that_cannot_run_creates_nothing() {
    let syntax = stack(
        "",
        &[("ops/site.yml", "- hosts: all\n  tasks:\n    - command: true\n      nonsense_module: x\n")],
    );
    refused(&syntax, 1, &["its playbook is wrong", "ops/site.yml", "line 3"]);
    let role = stack("", &[("ops/site.yml", "- hosts: all\n  roles: [no_such_role]\n")]);
    refused(&role, 1, &["no_such_role", "was not found"]);
    let inventory = stack("", &[("ops/hosts", "[web\nweb:\n")]);
    refused(&inventory, 1, &["its inventory cannot be read", "ops/hosts"]);
    let host = stack("hosts = { web = \"web1\" }", &[("ops/hosts", "web2\n")]);
    refused(&host, 64, &["the inventory has no host `web1`", "did you mean `web2`?"]);
    let config = stack("", &[("ops/ansible.cfg", "[defaults\n")]);
    refused(&config, 1, &["its configuration cannot be read"]);
}

#[test]
fn a_wrong_vault_password_creates_nothing() {
    let stack = stack("", &[("ops/vars.yml", "word: secret\n")]);
    let encrypt = ["encrypt", "--vault-password-file", "password", "ops/vars.yml"];
    assert!(
        Command::new("ansible-vault")
            .args(encrypt)
            .current_dir(stack.project.directory())
            .output()
            .unwrap()
            .status
            .success()
    );
    stack.project.write("password", "another");
    refused(&stack, 1, &["what is encrypted cannot be read", "ops/vars.yml"]);
}

#[test]
fn without_ansible_the_way_to_it_is_told() {
    let stack = stack("", &[]);
    stack.env("allow").succeeds();
    let path = stack.project.path("empty");
    std::fs::create_dir(&path).unwrap();
    let outcome = stack.project.command(&["up"]).var("PATH", &path.to_string_lossy()).run().exits(69);
    outcome.stderr_has("needs ansible-playbook on this host").stderr_has("sudo apt install ansible-core");
    // Looking needs no Ansible.
    stack.project.command(&["plan"]).var("PATH", &path.to_string_lossy()).run().exits(2);
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn a_play_about_nobody_is_no_success() {
    let stack = stack(
        "",
        &[("ops/site.yml", "- hosts: webservers\n  tasks: []\n"), ("ops/hosts", "[webservers]\nother\n")],
    );
    stack.env("allow").succeeds();
    stack.env("up").exits(1).stderr_has("no play of step ops/site.yml is about web").stderr_has("`groups`");
}
