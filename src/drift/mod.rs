//! Drift: what differs between two fingerprints, how bad it is, and what it means.
//!
//! Pure functions over data: no I/O, no clock. Taking fingerprints and keeping baselines is done elsewhere; nothing here says
//! what should be applied.
//!
//! * [`compare`]: two fingerprints become differences, and what nobody can tell.
//! * [`weigh`]: how bad a difference is, and why, from a table.
//! * [`Rules`]: which differences mean nothing, for everybody or for a project.
//! * [`version`]: which of two versions is the newer one.
//! * [`Report`]: the drift of a whole stack.

mod compare;
mod comparison;
mod difference;
mod fold;
mod packaged;
mod report;
mod rules;

#[cfg(test)]
mod sample;
mod severity;
pub mod version;

pub use compare::{compare, compare_by};
pub use comparison::{Comparison, Incomparable, Side, UnreadOn};
pub use difference::{Difference, DifferenceKind};
pub use report::{BASELINE, Document, MachineDrift, Report};
pub use rules::{Rules, reason};
pub use severity::weigh;
