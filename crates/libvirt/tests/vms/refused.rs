//! What is said before anything is made, and what is not touched.

use crate::left::left;
use crate::stage::{Stage, program, virsh};
use std::path::Path;
use std::process::Command;

const VM: &str = "name = \"small\"\n[machine.web]\nbox = \"debian/12\"\nprovider = \"libvirt\"\n";

/// The libraries that a program needs, as its own header says.
fn needed(program: &Path) -> String {
    let output = Command::new("readelf").arg("-d").arg(program).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| line.contains("(NEEDED)")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_program_for_vms_needs_libvirt() {
    let of_env = needed(&program("env"));
    assert!(of_env.contains("libc.so") && !of_env.contains("libvirt"), "{of_env}");
    assert!(needed(&program("env-libvirt")).contains("libvirt.so.0"));
}

#[test]
fn without_the_other_program_it_is_said_what_is_missing() {
    let stage = Stage::new(VM);
    let lonely = tempfile::tempdir().unwrap();
    let copy = lonely.path().join("env");
    // By a process of its own: a child of another test may hold a copy open for writing.
    assert!(Command::new("cp").arg(program("env")).arg(&copy).status().unwrap().success());
    let ran = stage.run(&copy, "plan").exits(69);
    assert!(ran.stderr.contains("no env-libvirt beside") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    // What is about all stacks goes on without VMs.
    stage.run(&copy, "list").exits(0);
}

#[test]
fn what_a_vm_cannot_have_is_named() {
    let stage = Stage::new(&format!("{VM}pids = 5\ncap_add = [\"NET_ADMIN\"]\n"));
    let ran = stage.env("plan").exits(64);
    assert!(ran.stderr.contains("`pids`, `cap_add`"), "{}", ran.stderr);
    let two = VM.replace("[machine.web]", "[volume.data]\n[machine.db]\nbox = \"debian/12\"\nprovider = \"libvirt\"\nvolumes = [\"data:/data\"]\n[machine.web]");
    let stage = Stage::new(&format!("{two}volumes = [\"data:/data:ro\"]\n"));
    assert!(stage.env("plan").exits(64).stderr.contains("both use the volume data"));
    let stage = Stage::new("name = \"small\"\n[machine.web]\nimage = \"app\"\nprovider = \"libvirt\"\n");
    assert!(stage.env("plan").exits(64).stderr.contains("made from boxes"));
}

#[test]
fn a_libvirt_that_does_not_answer_is_not_available() {
    let stage = Stage::new(VM);
    let output = Command::new(program("env"))
        .arg("up")
        .current_dir(stage.directory())
        .env("ENVUP_DATA_DIR", stage.directory().join("../data"))
        .env("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nonexistent/libvirt-sock")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains("libvirt cannot be reached") && said.contains("hint:"), "{said}");
    assert!(!said.contains("libvirt: XML-RPC"), "libvirt spoke for itself: {said}");
    // Nothing can be cleaned up there.
    let _ = std::fs::remove_file(stage.directory().join(".envup/id"));
}

#[test]
fn a_range_that_somebody_has_is_refused_before_anything_is_made() {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap();
    let taken = routes.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
        let (base, mask) = (number(words[1])?, number(words[7])?);
        (mask.count_ones() >= 8).then(|| std::net::Ipv4Addr::from(base & mask))
    });
    let taken = taken.expect("this host has a network");
    let stage = Stage::new(&format!("{VM}[network.default]\nsubnet = \"{taken}/29\"\n"));
    let ran = stage.env("up").exits(1);
    assert!(ran.stderr.contains("cannot have") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    assert!(!virsh("net-list --all --name").contains(&stage.prefix("small")));
}

#[test]
fn a_range_of_dockers_is_refused_for_containers_and_vms_together() {
    let asked = ["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"];
    let said = Command::new("docker").args(asked).output().unwrap();
    let taken = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    assert!(taken.contains('/'), "docker has a network of its own: {taken}");
    let container = "[machine.db]\nbox = \"debian/12\"\n";
    let stage = Stage::new(&format!("{VM}{container}[network.default]\nsubnet = \"{taken}\"\n"));
    let ran = stage.env("up").exits(1);
    assert!(ran.stderr.contains(&format!("network default cannot have {taken}")), "{}", ran.stderr);
    assert_eq!(left(&stage.prefix("small")), Vec::<String>::new());
}
