//! Nothing missed: changes planted in real machines, each of which `env drift` has to tell once and as bad as it is, and
//! nothing else.
//!
//! Every change is a [`Case`](case::Case) in the table of its topic. All changes of a table stand beside each other in one
//! machine: what they need is there before the baseline is taken, then all of them are made, then it is asked once.

mod accounts;
mod case;
mod files;
mod judge;
mod network;
mod packages;
mod planted;
mod programs;
mod public_failures;
mod runtime;
mod services;

use case::Case;

/// All changes that can stand beside each other in one machine.
const BESIDE_EACH_OTHER: &[&[Case]] = &[
    accounts::CASES,
    files::CASES,
    network::CASES,
    packages::CASES,
    public_failures::CASES,
    runtime::CASES,
    services::CASES,
];

#[test]
fn every_planted_change_is_told_once_and_nothing_else() {
    let cases: Vec<&Case> = BESIDE_EACH_OTHER.iter().copied().flatten().collect();
    assert!(cases.len() >= 40, "{} cases are no corpus", cases.len());
    planted::in_one_machine(&cases);
}
