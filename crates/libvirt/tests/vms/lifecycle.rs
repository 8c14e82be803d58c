//! The example's VM from nothing to nothing.

use crate::left::{bridge, left};
use crate::stage::{Stage, page};

/// How many sessions the machine's sshd has let in, by its own journal. Asking is one more each time.
fn sessions(stage: &Stage) -> usize {
    let said = stage.env("exec web -- journalctl --quiet -u ssh --grep Accepted").exits(0).stdout;
    said.lines().count()
}

#[test]
fn a_vm_lives_as_a_container_does() {
    let stage = Stage::example("vm");
    stage.change("\"8087:80\"", "\"auto:80\"");

    let up = stage.env("up").exits(0);
    assert!(up.stdout.contains("http://127.0.0.1:"), "{}", up.stdout);
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
    stage.env("drift").exits(2);
    let agents = stage.env("exec web -- sh -c ls").exits(0);
    assert!(!agents.stdout.contains("envup"));

    // What changed on the host runs again, and nothing else.
    std::fs::write(stage.directory().join("page/index.html"), "changed KERNEL").unwrap();
    stage.env("up").exits(0);
    stage.env("exec web -- systemctl restart page").exits(0);

    // A machine that is switched off boots its own disk again.
    stage.env("stop").exits(0);
    assert!(stage.env("status").exits(0).stdout.contains("stopped"));
    stage.env("up").exits(0);
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
}
