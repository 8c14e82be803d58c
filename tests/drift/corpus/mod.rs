//! The corpus: changes in tables, one for each topic, with all that has to be told of each; how they become scripts, and the
//! judge. It knows no machine: containers are planted by `tests/drift/planted.rs`, VMs by `crates/libvirt/tests/vms/drift.rs`.

mod accounts;
mod alone;
pub mod case;
mod files;
pub mod judge;
mod network;
mod packages;
pub mod programs;
mod public_failures;
mod runtime;
mod services;

pub use alone::CASES as ALONE;
use case::Case;
use std::fmt::Write as _;

/// The stack of a machine that they are planted in. Its steps need the directory `programs`, see [`programs::build`].
pub const ENVFILE: &str = r#"
[machine.planted]
box = "debian/12"
provision = [{ file = "programs", to = "/tmp/programs" }]

[drift]
environment = ["CORPUS_*"]
"#;

/// Functions for the scripts of cases.
const TOOLS: &str = include_str!("tools.sh");

/// What is there is the ground for changes.
const GROUND: Case = Case { name: "ground", before: "", change: "unpacked", expect: &[] };

/// Changes that can stand beside each other.
const TOGETHER: &[&[Case]] = &[
    accounts::CASES,
    files::CASES,
    network::CASES,
    packages::CASES,
    public_failures::CASES,
    runtime::CASES,
    services::CASES,
];

/// All of [`TOGETHER`].
pub fn together() -> Vec<&'static Case> {
    let together: Vec<&Case> = TOGETHER.iter().copied().flatten().collect();
    assert!(together.len() >= 40, "{} cases are no corpus", together.len());
    together
}

/// One script of a part of each case; it says in which of them it failed.
pub fn script(cases: &[&Case], part: impl Fn(&Case) -> &'static str) -> String {
    let mut script = TOOLS.to_owned();
    for case in [&GROUND].into_iter().chain(cases.iter().copied()) {
        let _ = writeln!(script, "case_name='{}'\n{}", case.name.replace('\'', "'\\''"), part(case));
    }
    script
}
