//! What a container has from its start or shares with its host, and so cannot be changed in place: two machines are compared,
//! the one after by its capture.

use super::corpus::case::{Case, changed, extra, missing};
use super::corpus::judge::complaints;
use crate::support::{Project, debian_box};
use envup::model::drift::Severity::{Breaking, Notable};
use envup_agent::{Fingerprint, Section};
use std::fmt::Write as _;
use std::fs;

/// The scripts are keys of a machine in the Envfile, one before and one after.
const CASES: &[Case] = &[
    Case {
        name: "a server may open fewer files",
        before: "ulimits.nofile = { soft = 4096, hard = 4096 }",
        change: "ulimits.nofile = { soft = 1024, hard = 1024 }",
        expect: &[changed("limits", "open files", Breaking)],
    },
    Case {
        name: "a server may lock more memory",
        before: "ulimits.memlock = { soft = 4096, hard = 4096 }",
        change: "ulimits.memlock = { soft = 8192, hard = 8192 }",
        expect: &[changed("limits", "locked memory", Notable)],
    },
    Case {
        name: "fewer connections wait to be taken",
        before: r#"sysctls."net.core.somaxconn" = 4096"#,
        change: r#"sysctls."net.core.somaxconn" = 128"#,
        expect: &[changed("sysctls", "net.core.somaxconn", Breaking)],
    },
    Case {
        name: "packets are sent on",
        before: r#"sysctls."net.ipv4.ip_forward" = 0"#,
        change: r#"sysctls."net.ipv4.ip_forward" = 1"#,
        expect: &[changed("sysctls", "net.ipv4.ip_forward", Notable)],
    },
    Case {
        name: "the machine has another variable",
        before: "env.CORPUS_MODE = 'production'",
        change: "env.CORPUS_MODE = 'development'",
        expect: &[changed("environment", "CORPUS_MODE", Notable)],
    },
    Case {
        name: "a secret of the machine is another one",
        before: "env.CORPUS_API_TOKEN = 'before-8f3a'",
        change: "env.CORPUS_API_TOKEN = 'after-77c1'",
        expect: &[changed("environment", "CORPUS_API_TOKEN", Notable)],
    },
    Case {
        name: "text is read in another language",
        before: "env.LC_ALL = 'en_US.UTF-8'",
        change: "env.LC_ALL = 'C.UTF-8'",
        expect: &[changed("environment", "LC_ALL", Breaking)],
    },
    Case {
        name: "another host has the name that the Envfile gives",
        before: r#"extra_hosts."corpus-database.example" = "203.0.113.5""#,
        change: r#"extra_hosts."corpus-database.example" = "203.0.113.6""#,
        expect: &[changed("resolution", "host corpus-database.example", Breaking)],
    },
    Case {
        name: "a directory in memory is there",
        before: "",
        change: "tmpfs = ['/srv/scratch']",
        expect: &[extra("mounts", "/srv/scratch", Notable)],
    },
    Case {
        name: "a volume is not there",
        before: "volumes = ['/srv/data']",
        change: "",
        expect: &[missing("mounts", "/srv/data", Breaking)],
    },
    Case {
        name: "the host of a search engine allows fewer maps",
        before: "",
        change: "",
        expect: &[changed("sysctls", "vm.max_map_count", Breaking)],
    },
];

#[test]
fn what_differs_between_machines_from_their_start_is_told_once_and_nothing_else() {
    debian_box();
    let mut envfile = "[drift]\nenvironment = [\"CORPUS_*\"]\n".to_owned();
    for (name, part) in [("before", 0), ("after", 1)] {
        let keys = CASES.iter().map(|case| [case.before, case.change][part]).collect::<Vec<_>>().join("\n");
        let _ = writeln!(envfile, "[machine.{name}]\nbox = \"debian/12\"\nhostname = \"corpus\"\n{keys}");
    }
    let project = Project::new(&envfile);
    project.env("up").succeeds();
    project.env("capture after --out captured").succeeds();
    let capture = project.path("captured/after.json");
    tune(&capture);
    let report = project.env(&format!("drift before --json --against {}", capture.display())).exits(2).json();
    let machine = &report["machines"][0];
    assert_eq!(machine["complete"], true, "{}", machine["unknown"]);
    let cases: Vec<&Case> = CASES.iter().collect();
    let complaints = complaints(&cases, machine["differences"].as_array().unwrap());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Makes a capture that of a host whose kernel allows less: all containers here share one kernel.
fn tune(capture: &std::path::Path) {
    let mut fingerprint = Fingerprint::from_text(&fs::read_to_string(capture).unwrap()).unwrap();
    let sysctls = fingerprint.sections.get_mut(&Section::Sysctls).unwrap();
    let maps = sysctls.get_mut("vm.max_map_count").unwrap().get_mut("value").unwrap();
    *maps = (maps.parse::<u64>().unwrap() / 4).to_string();
    fs::write(capture, fingerprint.to_text()).unwrap();
}
