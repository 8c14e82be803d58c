//! Nothing missed in a VM either: the corpus of the containers, and what only a machine with a kernel of its own can show, such
//! as what a reboot undoes.

#[path = "../../../../tests/drift/corpus/mod.rs"]
mod corpus;

use crate::stage::Stage;
use corpus::case::{Case, Expected, changed, extra};
use corpus::judge::complaints;
use corpus::{ENVFILE, programs, script};
use envup::model::drift::Severity::{Breaking, Notable};

/// A change of what runs, and what of it is still told when the machine has booted again.
struct Running {
    case: Case,
    booted: &'static [Expected],
}

const RUNNING: &[Running] = &[
    Running {
        case: Case {
            name: "a setting of the kernel is lowered until the next boot",
            before: "",
            change: "sysctl -qw net.core.somaxconn=128",
            expect: &[changed("sysctls", "net.core.somaxconn", Breaking)],
        },
        booted: &[],
    },
    Running {
        case: Case {
            name: "a setting of the kernel is raised for good",
            before: "",
            change: "file /etc/sysctl.d/corpus-maps.conf vm.max_map_count=262144
                sysctl -qp /etc/sysctl.d/corpus-maps.conf",
            expect: &[
                changed("sysctls", "vm.max_map_count", Notable),
                extra("files", "/etc/sysctl.d/corpus-maps.conf", Notable),
            ],
        },
        booted: &[
            changed("sysctls", "vm.max_map_count", Notable),
            extra("files", "/etc/sysctl.d/corpus-maps.conf", Notable),
        ],
    },
    Running {
        case: Case {
            name: "a setting of the kernel is written down and not applied",
            before: "",
            change: "file /etc/sysctl.d/corpus-hosts.conf net.ipv4.ip_forward=1",
            expect: &[extra("files", "/etc/sysctl.d/corpus-hosts.conf", Notable)],
        },
        booted: &[
            changed("sysctls", "net.ipv4.ip_forward", Notable),
            extra("files", "/etc/sysctl.d/corpus-hosts.conf", Notable),
        ],
    },
    Running {
        case: Case {
            name: "a module is loaded, seen by the setting that it brings",
            before: "",
            change: "modprobe nf_conntrack",
            expect: &[extra("sysctls", "net.netfilter.nf_conntrack_max", Notable)],
        },
        booted: &[],
    },
    Running {
        case: Case {
            name: "a module is to be loaded at each boot, and what it brings is to be used",
            before: "",
            change: "file /etc/modules-load.d/corpus.conf tcp_bbr
                file /etc/sysctl.d/corpus-bbr.conf net.ipv4.tcp_congestion_control=bbr",
            expect: &[
                extra("files", "/etc/modules-load.d/corpus.conf", Notable),
                extra("files", "/etc/sysctl.d/corpus-bbr.conf", Notable),
            ],
        },
        booted: &[
            extra("files", "/etc/modules-load.d/corpus.conf", Notable),
            extra("files", "/etc/sysctl.d/corpus-bbr.conf", Notable),
            changed("sysctls", "net.ipv4.tcp_congestion_control", Notable),
        ],
    },
    Running {
        case: Case {
            name: "the machine is called otherwise until the next boot",
            before: "",
            change: "hostname corpus",
            expect: &[changed("os", "hostname", Notable)],
        },
        booted: &[],
    },
    Running {
        case: Case {
            name: "something is mounted until the next boot",
            before: "mkdir -p /srv/corpus-mounted",
            change: "mount -t tmpfs corpus /srv/corpus-mounted",
            expect: &[extra("mounts", "/srv/corpus-mounted", Notable)],
        },
        booted: &[],
    },
    Running {
        case: Case {
            name: "a service is started that nobody enabled",
            before: "service corpus-booted",
            change: "systemctl start corpus-booted",
            expect: &[changed("services", "corpus-booted.service", Breaking)],
        },
        booted: &[],
    },
];

/// Runs a part of each case in the machine, as root.
fn run(stage: &Stage, machine: &str, cases: &[&Case], part: impl Fn(&Case) -> &'static str) {
    stage.write("script.sh", &script(cases, part));
    stage.env(&format!("copy script.sh {machine}:/tmp/script.sh")).exits(0);
    stage.env(&format!("exec {machine} -- sh /tmp/script.sh")).exits(0);
}

/// Asks once, and holds the answer against what was planted.
#[track_caller]
fn judge(stage: &Stage, cases: &[&Case]) {
    let report = stage.env("drift --json").exits(2).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let machine = &report["machines"][0];
    assert_eq!(machine["complete"], true, "{}", machine["unknown"]);
    let complaints = complaints(cases, machine["differences"].as_array().unwrap());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Takes a baseline in which is all that the cases need, makes all their changes, and asks once.
#[track_caller]
fn plant(stage: &Stage, machine: &str, cases: &[&Case]) {
    run(stage, machine, cases, |case| case.before);
    stage.env("accept --yes").exits(0);
    run(stage, machine, cases, |case| case.change);
    judge(stage, cases);
}

/// Plants what runs in the only machine of a stack, and asks again after `reboot`.
#[track_caller]
pub fn what_runs_is_told_and_what_was_written_down_outlives(
    stage: &Stage,
    machine: &str,
    reboot: impl FnOnce(),
) {
    plant(stage, machine, &RUNNING.iter().map(|one| &one.case).collect::<Vec<_>>());
    reboot();
    let booted: Vec<Case> = RUNNING.iter().map(|one| Case { expect: one.booted, ..one.case }).collect();
    judge(stage, &booted.iter().collect::<Vec<_>>());
}

#[test]
#[ignore = "long: ./test --full"]
fn every_change_of_the_corpus_is_told_once_in_a_vm_and_nothing_else() {
    let stage = Stage::new(&ENVFILE.replace("box =", "provider = \"libvirt\"\nbox ="));
    programs::build(&stage.directory());
    stage.env("up").exits(0);
    plant(&stage, "planted", &corpus::together());
    for case in corpus::ALONE {
        plant(&stage, "planted", &[case]);
    }
}
