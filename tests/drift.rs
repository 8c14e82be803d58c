//! Nothing missed: changes planted in real machines, each of which `env drift` has to tell once and as bad as it is, and
//! nothing else.
//!
//! Every change is a [`Case`](case::Case) in the table of its topic. Changes that can stand beside each other are planted
//! together: what they need is there before the baseline is taken, then all of them are made, then it is asked once.

mod accounts;
mod alone;
mod case;
mod files;
mod judge;
mod machines;
mod mirror;
mod network;
mod packages;
mod planted;
mod programs;
mod public_failures;
mod runtime;
mod services;
mod zero_noise;

use case::Case;
use planted::Planted;

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

#[test]
fn every_planted_change_is_told_once_and_nothing_else() {
    let together: Vec<&Case> = TOGETHER.iter().copied().flatten().collect();
    assert!(together.len() >= 40, "{} cases are no corpus", together.len());
    let machine = Planted::up();
    machine.plant(&together);
    for case in alone::CASES {
        machine.plant(&[case]);
    }
}
