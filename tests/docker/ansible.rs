//! Ansible with real playbooks: one run over three machines, production's inventory, secrets, failures, ends before the end.

use super::engine::docker;
use super::running::{pause, wait_until};
use super::stack::Stack;
use crate::support::{Outcome, docker as engine};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const ENVFILE: &str = r#"
[machine.db]
box = "debian/12"

[machine.web]
box = "debian/12"
depends_on = ["db"]

[machine.log]
box = "debian/12"

[[provision]]
ansible = "ops/site.yml"
inventory = "ops/production"
hosts = { db = "db1.example.org", web = "web1.example.org" }
groups = { collectors = ["log"] }
vault = "password"
install = false

[secret.password]
file = "password"
"#;

/// What is known under the name of production stays there: an address that nobody has, and who to reach it as.
const INVENTORY: &str = "\
[databases]
db1.example.org ansible_host=192.0.2.1 ansible_user=deploy

[webservers]
web1.example.org ansible_host=192.0.2.2
web2.example.org ansible_host=192.0.2.3

[all:vars]
ansible_connection=ssh
";

const PLAYBOOK: &str = r#"
- hosts: databases
  become: true
  tasks:
    - name: who is here
      command: id -un
      become_user: nobody
      register: who
      changed_when: false
    - name: told by group_vars
      copy:
        content: "{{ motto }} {{ who.stdout }} {{ secret_word }}\n"
        dest: /etc/motto
        mode: "0600"
- hosts: webservers:collectors
  become: true
  tasks:
    - name: what the database's facts say
      copy:
        content: "{{ hostvars[groups['databases'] | first].ansible_facts.hostname }} {{ groups['webservers'] | length }}\n"
        dest: /etc/database
"#;

/// The vault password, and what it hides.
const PASSWORD: &str = "canary-7d1f-vault-password";
const HIDDEN: &str = "canary-2b9c-in-the-vault";

fn stack() -> Stack {
    let stack = Stack::new(ENVFILE);
    let project = &stack.project;
    project
        .write("password", PASSWORD)
        .write("ops/site.yml", PLAYBOOK)
        .write("ops/production/hosts", INVENTORY);
    project.write("ops/production/group_vars/all/main.yml", "motto: as in production\n");
    // Such variables of a host win over those of an inventory.
    project.write(
        "ops/production/host_vars/db1.example.org.yml",
        "ansible_connection: ssh\nansible_host: 192.0.2.9\n",
    );
    let vault = "ops/production/group_vars/all/vault.yml";
    project.write(vault, &format!("secret_word: {HIDDEN}\n"));
    let encrypt = ["encrypt", "--vault-password-file", "password", vault];
    let encrypted = Command::new("ansible-vault").args(encrypt).current_dir(project.directory()).output();
    assert!(encrypted.unwrap().status.success());
    stack
}

/// Looks at the arguments of all processes of this host for as long as some work goes on: those with a canary in them.
fn seen_while<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::SeqCst) {
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
                    let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
                    if arguments.contains(PASSWORD) || arguments.contains(HIDDEN) {
                        seen.push(arguments);
                    }
                }
                pause();
            }
            seen
        });
        let result = work();
        over.store(true, Ordering::SeqCst);
        (result, watch.join().unwrap())
    })
}

fn up(stack: &Stack) -> Outcome {
    stack.env("allow").succeeds();
    stack.env("up --verbose")
}

/// Nothing of a run must be left on this host.
fn nothing_is_left(stack: &Stack) -> bool {
    let directory = stack.project.directory().to_string_lossy().into_owned();
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    let runs = fs::read_dir(stack.project.data().join("run")).map_or(0, Iterator::count);
    runs == 0 && !processes.lines().any(|line| line.contains("ansible-playbook") && line.contains(&directory))
}

#[test]
fn one_run_over_three_machines_leaves_production_alone() {
    let stack = stack();
    stack.env("up").exits(1).stderr_has("the stack runs ops/site.yml with ansible-playbook on this host");
    assert!(stack.things().is_empty());

    let (outcome, seen) = seen_while(|| up(&stack));
    let outcome = outcome.succeeds();
    assert_eq!(seen, Vec::<String>::new(), "arguments of processes");
    assert_eq!(outcome.stderr.matches("PLAY RECAP").count(), 1, "{outcome}");
    assert_eq!(stack.inside("db", "cat /etc/motto").trim(), format!("as in production nobody {HIDDEN}"));
    for machine in ["web", "log"] {
        assert_eq!(stack.inside(machine, "cat /etc/database").trim(), "db 2", "{machine}");
    }
    stack.env("up").succeeds().stdout_has("nothing to do");
    assert!(nothing_is_left(&stack));

    secrets_are_nowhere(&stack, &outcome);
    an_inventory_for_others(&stack);
    twice_is_once(&stack);
    what_fails_is_told(&stack);
    other_hosts_are_out_of_reach(&stack);
    it_is_resumed_with_a_new_machine(&stack);
    it_ends_with_us(&stack);
}

fn secrets_are_nowhere(stack: &Stack, outcome: &Outcome) {
    for word in [PASSWORD, HIDDEN] {
        assert!(!outcome.to_string().contains(word), "{outcome}");
        for name in engine::containers(stack.project.directory()) {
            assert!(!docker(&format!("inspect {name}")).contains(word), "labels of {name}");
        }
        for place in [stack.project.path(".envup"), stack.project.data().join("projects")] {
            let found = Command::new("grep").args(["-rl", word]).arg(&place).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{word} in {}", place.display());
        }
    }
}

/// The team's own `ansible-playbook`, with nothing but our inventory.
fn an_inventory_for_others(stack: &Stack) {
    let program = env!("CARGO_BIN_EXE_env");
    let script = stack.project.path("stack");
    fs::write(&script, format!("#!/bin/sh\nexec {program} inventory \"$@\"\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    stack.project.write("ping.yml", "- hosts: dev:!collectors\n  tasks: [{ping: }]\n");
    let play = stack.project.program("ansible-playbook", &["-i", "./stack", "ping.yml"]).run().succeeds();
    assert_eq!(play.stdout.matches("failed=0").count(), 2, "{play}");
    let host = stack.env("inventory --host web").succeeds().json();
    assert_eq!(host["ansible_connection"], "ssh", "{host}");
    stack.env("inventory --host nobody").exits(64).stderr_has("there are: db, log, web");
}

fn twice_is_once(stack: &Stack) {
    stack.env("provision --twice").succeeds();
    let careless = "    - name: careless\n      command: touch /etc/careless\n";
    stack.project.write("ops/site.yml", &format!("{PLAYBOOK}{careless}"));
    stack.env("allow").succeeds();
    stack.env("provision --twice").exits(1).stderr_has("web: step ops/site.yml: careless (");
}

fn what_fails_is_told(stack: &Stack) {
    let broken = PLAYBOOK.replace(
        "- name: what the",
        "- name: broken\n      command: sh -c 'echo no such thing >&2; exit 3'\n    - name: what the",
    );
    stack.project.write("ops/site.yml", &broken);
    let outcome = up(stack).exits(1);
    let line = 1 + broken.lines().position(|line| line.contains("name: broken")).unwrap();
    let outcome = outcome.stderr_has(&format!("failed: task broken (ops/site.yml:{line})"));
    outcome.stderr_has("no such thing");
    let status = stack.env("status --json").json();
    assert_eq!(status["machines"][0]["steps"]["failed"], 1, "what was not ended is not applied: {status}");
    let (action, reasons) = stack.planned("web");
    assert_eq!(
        (action.as_str(), reasons.as_slice()),
        ("provision", ["step.stack-1 ops/site.yml".to_owned()].as_slice())
    );
}

fn other_hosts_are_out_of_reach(stack: &Stack) {
    let task = |host: &str| {
        format!(
            "    - name: to {host}\n      ping:\n      delegate_to: {host}\n      ignore_unreachable: true\n"
        )
    };
    let [known, unknown] = ["web2.example.org", "192.0.2.77"];
    stack.project.write("ops/site.yml", &format!("{PLAYBOOK}{}{}", task(known), task(unknown)));
    let outcome = up(stack);
    for host in [known, unknown] {
        let outcome = outcome.to_string();
        assert!(outcome.contains(&format!("{host} is no machine of this stack")), "{host}: {outcome}");
    }
}

fn it_is_resumed_with_a_new_machine(stack: &Stack) {
    docker(&format!("rm -f {}", stack.container("web")));
    stack.project.write("ops/site.yml", PLAYBOOK);
    assert_eq!(stack.planned("log").0, "provision");
    up(stack).succeeds();
    assert_eq!(stack.inside("web", "cat /etc/database").trim(), "db 2");
    stack.nothing_to_do();
}

fn it_ends_with_us(stack: &Stack) {
    let slow =
        PLAYBOOK.replace("- name: what the", "- name: slow\n      command: sleep 600\n    - name: what the");
    stack.project.write("ops/site.yml", &slow);
    stack.env("allow").succeeds();
    for kill in [false, true] {
        let mut run = stack.start("up --verbose");
        run.until_says("TASK [slow]");
        if kill {
            run.kill();
        } else {
            run.interrupt();
            assert_eq!(run.end().0, 130);
        }
        wait_until("Ansible has ended", || nothing_is_left(stack));
        assert_eq!(stack.planned("web").0, "provision");
    }
}
