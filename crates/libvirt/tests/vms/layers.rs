//! Layers of VMs: what a machine starts from, what stays of one that was killed, and what may be removed.

use crate::stage::{Stage, program, steps_ended, virsh};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const STEPS: &str = r#"
name = "layered"
[machine.web]
box = "debian/12"
provider = "libvirt"
[[machine.web.provision]]
shell = "echo one NONCE >> /root/log; cat /proc/sys/kernel/random/uuid >/root/made"
[[machine.web.provision]]
shell = "echo live >> /root/log"
layer = false
"#;

/// Names of the steps that a run says it ran.
fn ran(json: &str) -> Vec<String> {
    steps_ended(json).iter().map(|line| line["step"].as_str().unwrap().to_owned()).collect()
}

/// Volumes of layers that this run made, by what other volumes there were before it.
fn volumes() -> Vec<String> {
    let listed = virsh("vol-list envup");
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| name.starts_with("layer-")).map(str::to_owned).collect()
}

#[test]
fn the_next_vm_starts_from_the_layer() {
    let stage = Stage::layered(STEPS);
    let before = volumes();
    let new = || volumes().into_iter().filter(|name| !before.contains(name)).collect::<Vec<_>>();

    // Killed while the disk is about to be kept: no layer, and the next run gets there all the same.
    let mut killed = stage
        .command(&program("env"), "up --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    let seen = lines.map_while(Result::ok).find(|line| line.contains("making a layer"));
    assert!(seen.is_some(), "it never came to a layer");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(stage.kept_layers(), Vec::<String>::new());

    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    let look = || {
        let said = stage.env("exec web -- cat /root/log /root/made /etc/machine-id").exits(0).stdout;
        said.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = look();
    assert!(first[0].starts_with("one ") && first[1] == "live", "{first:?}");
    let keys = stage.kept_layers();
    assert_eq!(keys.len(), 1);
    // A disk and its mark, and nothing of what was killed.
    assert_eq!(new().len(), 2, "{:?}", new());

    // It stays as long as a machine lies on it.
    let refused = stage.env(&format!("layer remove {}", keys[0])).exits(1);
    assert!(refused.stderr.contains("is in use"), "{}", refused.stderr);
    assert_eq!(stage.kept_layers(), keys);

    stage.env("destroy --yes").exits(0);
    let again = stage.env("up --json").exits(0);
    assert_eq!(ran(&again.stdout), ["echo live >> /root/log"]);
    stage.env("plan").exits(0);
    let second = look();
    assert_eq!(first[..3], second[..3]);
    let left = stage.env("exec web -- ls /var/lib/envup").exits(0).stdout;
    assert!(left.contains("placed") && !left.contains("needs-host-keys"), "{left}");

    stage.env("destroy --yes").exits(0);
    let gone = stage.env(&format!("layer remove {}", &keys[0][..16])).exits(0);
    assert!(gone.stdout.contains("1 layer gone") || gone.stderr.contains("1 layer gone"), "{}", gone.stderr);
    assert_eq!(new(), Vec::<String>::new());
}
