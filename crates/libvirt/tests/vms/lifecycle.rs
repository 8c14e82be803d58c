//! The example's VM from nothing to nothing.

use crate::drift::what_runs_is_told_and_what_was_written_down_outlives;
use crate::left::{bridge, left};
use crate::stage::{Stage, page, program};
use std::collections::BTreeMap;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Ports of the only machine: those in it, and on this host.
fn published(stage: &Stage) -> BTreeMap<String, u16> {
    let status = stage.env("status --json").exits(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let ports = status["machines"][0]["ports"].as_array().unwrap().iter();
    let port = |port: &serde_json::Value| u16::try_from(port["host"].as_u64().unwrap()).unwrap();
    ports.map(|one| (one["guest"].as_str().unwrap().to_owned(), port(one))).collect()
}

/// How many sessions the machine's sshd has let in, by its own journal. Asking is one more each time.
fn sessions(stage: &Stage) -> usize {
    let said = stage.env("exec web -- journalctl --quiet -u ssh --grep Accepted").exits(0).stdout;
    said.lines().count()
}

/// In one task, because each costs seconds where a processor is emulated.
const PLAYBOOK: &str = r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.command: sh -c 'echo ansible was here >/root/sent/by-ansible'
"#;

/// The team's own tools go to the machine's own sshd, and check whose it is.
fn own_tools_reach_it(stage: &Stage) {
    let status = stage.env("status --json").exits(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let address = status["machines"][0]["address"].as_str().unwrap();
    let told = stage.env("ssh-config").exits(0).stdout;
    assert!(told.contains(&format!("HostName {address}\n")) && told.contains("ProxyCommand none"), "{told}");
    let file = stage.directory().join("ssh.conf");
    let ssh = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut ssh = std::process::Command::new("ssh");
        Stage::finish(ssh.arg("-F").arg(&file).args(["web.vm", "echo $USER@$(hostname); exit 7"]))
    };
    assert_eq!(ssh(&told).exits(7).stdout, "root@web\n");
    let strange = ssh(&told.replace("HostKeyAlias ", "HostKeyAlias other-")).exits(255).stderr;
    assert!(strange.contains("Host key verification failed"), "{strange}");
    let inventory = stage.env("inventory --host web").exits(0).stdout;
    assert!(inventory.contains(&format!("\"ansible_host\": \"{address}\"")), "{inventory}");

    std::fs::write(&file, &told).unwrap();
    stage.write("sent/by-rsync", "rsync was here\n");
    let mut rsync = stage.command(Path::new("rsync"), "--recursive -e");
    Stage::finish(rsync.args(["ssh -F ssh.conf", "sent/", "web.vm:/root/sent/"])).exits(0);
    // As README says: an executable file that asks for the inventory.
    let env = program("env");
    stage.write("inventory", &format!("#!/bin/sh\nexec {} inventory \"$@\"\n", env.display()));
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(stage.directory().join("inventory"), executable).unwrap();
    stage.write("site.yml", PLAYBOOK);
    let mut ansible = stage.command(Path::new("ansible-playbook"), "-i inventory site.yml");
    let ran = Stage::finish(&mut ansible).exits(0).stdout;
    assert!(ran.contains("changed=1") && ran.contains("unreachable=0"), "{ran}");
    let sent = stage.env("exec web -- cat /root/sent/by-rsync /root/sent/by-ansible").exits(0).stdout;
    assert_eq!(sent, "rsync was here\nansible was here\n");
}

#[test]
fn a_vm_lives_as_a_container_does() {
    let stage = Stage::example("vm");
    stage.change("\"8087:80\"", "\"auto:80\"");

    let up = stage.env("up").exits(0);
    assert!(up.stdout.contains("http://127.0.0.1:"), "{}", up.stdout);
    stage.env("capture --out first").exits(0);
    let prefix = stage.prefix("vm");
    let bridge = bridge(&prefix);
    assert!(bridge.exists());
    stage.env("plan").exits(0);
    let status: serde_json::Value =
        serde_json::from_str(&stage.env("status --json").exits(0).stdout).unwrap();
    let machine = &status["machines"][0];
    assert_eq!((machine["provider"].as_str(), machine["state"].as_str()), (Some("libvirt"), Some("running")));
    let port = u16::try_from(machine["ports"][0]["host"].as_u64().unwrap()).unwrap();
    let kernel = stage.env("exec web -- uname -r").exits(0).stdout;
    assert!(page(port, "/index.html").contains(kernel.trim()), "{} in {}", kernel, page(port, "/index.html"));

    // Nothing to do is nothing done: no session, no command.
    let known = sessions(&stage);
    let again = stage.env("up").exits(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    assert_eq!(sessions(&stage), known + 1);

    // The disk was grown, no unit failed, names are known, secrets of ours are on no command line.
    let disk: u64 = stage
        .env("exec web -- df --output=size -B1 /")
        .exits(0)
        .stdout
        .lines()
        .last()
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(disk > 3 << 30, "{disk}");
    assert_eq!(stage.env("exec web -- systemctl is-system-running").exits(0).stdout.trim(), "running");
    assert!(stage.env("exec web -- getent hosts web").exits(0).stdout.contains("web"));
    stage.env("exec web -- false").exits(1);
    assert!(stage.env("logs web --tail 3").exits(0).stdout.lines().count() >= 3);
    std::fs::write(stage.directory().join("note"), "hello").unwrap();
    stage.env("copy note web:/root/note").exits(0);
    assert_eq!(stage.env("exec web -- cat /root/note").exits(0).stdout, "hello");
    own_tools_reach_it(&stage);
    stage.env("drift").exits(2);
    let agents = stage.env("exec web -- sh -c ls").exits(0);
    assert!(!agents.stdout.contains("envup"));

    // What changed on the host runs again, and nothing else.
    let page_of_example = std::fs::read_to_string(stage.directory().join("page/index.html")).unwrap();
    std::fs::write(stage.directory().join("page/index.html"), "changed KERNEL").unwrap();
    stage.env("up").exits(0);
    stage.env("exec web -- systemctl restart page").exits(0);

    // Ports come and go while it runs: the new one answers, the old one stays, and one that is taken changes nothing.
    let boot = || stage.env("exec web -- cat /proc/sys/kernel/random/boot_id").exits(0).stdout;
    let booted = boot();
    stage.change("\"auto:80\"", "\"auto:80\", \"auto:22\"");
    assert!(stage.env("plan").exits(2).stdout.contains("update in place"));
    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    let ports = published(&stage);
    assert_eq!((ports.len(), ports["80/tcp"]), (2, port));
    let mut banner = [0; 4];
    TcpStream::connect(("127.0.0.1", ports["22/tcp"])).unwrap().read_exact(&mut banner).unwrap();
    assert_eq!(&banner, b"SSH-");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    stage.change("\"auto:22\"", &format!("\"{number}:22\""));
    let refused = stage.env("up").exits(1).stderr;
    assert!(refused.contains(&format!("port 127.0.0.1:{number}/tcp cannot be published")), "{refused}");
    assert!(TcpStream::connect(("127.0.0.1", ports["22/tcp"])).is_ok(), "it is as before");
    stage.change(&format!("\"auto:80\", \"{number}:22\""), "\"auto:80\"");
    stage.env("up").exits(0);
    assert!(TcpStream::connect(("127.0.0.1", ports["22/tcp"])).is_err());
    assert_eq!(boot(), booted);

    // A machine that is switched off boots its own disk again.
    what_runs_is_told_and_what_was_written_down_outlives(&stage, "web", || {
        stage.env("stop").exits(0);
        assert!(stage.env("status").exits(0).stdout.contains("stopped"));
        stage.env("up").exits(0);
    });
    assert_eq!(stage.env("exec web -- cat /root/note").exits(0).stdout, "hello");
    assert!(page(port, "/index.html").contains("changed"));

    // A machine that left the Envfile is still seen.
    let envfile = std::fs::read_to_string(stage.directory().join("Envfile")).unwrap();
    std::fs::write(stage.directory().join("Envfile"), "name = \"vm\"\n[machine.other]\nimage = \"other\"\n")
        .unwrap();
    assert!(stage.env("status").stdout.contains("web"), "{}", stage.env("status").stdout);
    std::fs::write(stage.directory().join("Envfile"), envfile).unwrap();

    let listed = stage.env("list").exits(0).stdout;
    assert!(listed.lines().any(|line| line.contains("libvirt")), "{listed}");
    stage.env("destroy --yes").exits(0);
    assert_eq!(left(&prefix), Vec::<String>::new());
    assert!(!bridge.exists(), "{}", bridge.display());

    // Made anew from the same definition it is the same.
    stage.write("page/index.html", &page_of_example);
    stage.env("up").exits(0);
    let drift = stage.env("drift --against first").exits(0).stdout;
    assert!(drift.contains("1 machine in sync"), "{drift}");
}
