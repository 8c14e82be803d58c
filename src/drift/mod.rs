//! Drift: what differs between two fingerprints, how bad it is, and what it means.
//!
//! Pure functions over data: no I/O, no clock. Taking fingerprints and keeping baselines is done elsewhere; nothing here says
//! what should be applied.
//!
//! * [`compare`], [`compare_texts`]: two fingerprints become differences, and what nobody can tell.
//! * [`weigh`]: how bad a difference is, and why, from a table.
//! * [`Rules`]: which differences mean nothing, for everybody or for a project.
//! * [`consensus`]: what several nodes of one role agree on, and which of them stands out.
//! * [`matrix`]: many environments side by side.
//! * [`explain`], [`text_diff`]: what a difference means and how to make both sides alike; what changed in a text.
//! * [`version`]: which of two versions is the newer one.
//! * [`Report`]: the drift of a whole stack.

mod compare;
mod comparison;
mod consensus;
mod difference;
mod explain;
mod fold;
mod matrix;
mod packaged;
mod report;
mod rules;
mod same;
#[cfg(test)]
mod sample;
mod severity;
mod text_diff;
pub mod version;

pub use compare::{compare, compare_by, compare_texts};
pub use comparison::{Comparison, Incomparable, Side, UnreadOn};
pub use consensus::{Consensus, Outlier, consensus};
pub use difference::{Difference, DifferenceKind};
pub use explain::{Explanation, explain};
pub use matrix::{Matrix, Row, matrix};
pub use report::{BASELINE, Document, MachineDrift, MachineMatrix, MatrixReport, Report};
pub use rules::{Rules, reason};
pub use severity::weigh;
pub use text_diff::text_diff;
