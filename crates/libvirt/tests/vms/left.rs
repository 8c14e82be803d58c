//! What this host still has of a stack, and of stacks at all.

use crate::stage::virsh;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything of a stack that this host knows.
pub fn left(prefix: &str) -> Vec<String> {
    let mut left = Vec::new();
    let mut keep = |source: &str, text: &str| {
        let lines = text.lines().filter(|line| line.contains(prefix));
        left.extend(lines.map(|line| format!("{source}: {line}")));
    };
    for words in ["list --all --name", "net-list --all --name", "vol-list envup"] {
        keep(words, &virsh(words));
    }
    keep("container", &said("docker", &["ps", "--all", "--format", "{{.Names}}"]));
    keep("network", &said("docker", &["network", "ls", "--format", "{{.Name}}"]));
    keep("volume", &said("docker", &["volume", "ls", "--format", "{{.Name}}"]));
    keep("process", &said("ps", &["-eo", "stat,args"]));
    // What libvirt itself leaves in its runtime directory, a file with the number of a process that is gone, is its own.
    for directory in ["/var/lib/libvirt/dnsmasq", "/etc/libvirt/qemu", "/etc/libvirt/qemu/networks"] {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            keep(directory, &entry.file_name().to_string_lossy());
        }
    }
    left
}

/// The bridge of the stack's own network: others come and go beside it.
pub fn bridge(prefix: &str) -> PathBuf {
    let said = virsh(&format!("net-info {prefix}default"));
    let name = said.lines().find_map(|line| line.strip_prefix("Bridge:")).expect("the network has a bridge");
    Path::new("/sys/class/net").join(name.trim())
}

fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
