//! Nothing missed: changes planted in real machines, each of which `env drift` has to tell once and as bad as it is, and
//! nothing else.
//!
//! Every change is a [`Case`](corpus::case::Case) in the table of its topic. Changes that can stand beside each other are planted
//! together: what they need is there before the baseline is taken, then all of them are made, then it is asked once.

mod corpus;
mod machines;
mod mirror;
mod planted;
mod zero_noise;

use planted::Planted;

#[test]
fn every_planted_change_is_told_once_and_nothing_else() {
    let machine = Planted::up();
    machine.plant(&corpus::together());
    for case in corpus::ALONE {
        machine.plant(&[case]);
    }
}
