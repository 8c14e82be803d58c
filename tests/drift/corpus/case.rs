//! One change of the corpus: what has to be there before, what is done, and what has to be told of it.

use envup::drift::DifferenceKind;
use envup::model::drift::Severity;

/// A change. Its scripts run as root in `sh -eu`, with the functions of `tools.sh`.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What happens, in words; it names the case when something is wrong.
    pub name: &'static str,
    /// Makes what the change needs; all of it is in the baseline.
    pub before: &'static str,
    /// Makes the change.
    pub change: &'static str,
    /// All that may be told of it; nothing where nothing changed that matters.
    pub expect: &'static [Expected],
}

/// A difference that has to be told exactly once.
#[derive(Debug)]
pub struct Expected {
    pub section: &'static str,
    pub key: &'static str,
    pub kind: DifferenceKind,
    pub severity: Severity,
}

/// Something that was there is not there any more.
pub const fn missing(section: &'static str, key: &'static str, severity: Severity) -> Expected {
    Expected { section, key, kind: DifferenceKind::Missing, severity }
}

/// Something is there that was not there.
pub const fn extra(section: &'static str, key: &'static str, severity: Severity) -> Expected {
    Expected { section, key, kind: DifferenceKind::Extra, severity }
}

/// Something is not what it was.
pub const fn changed(section: &'static str, key: &'static str, severity: Severity) -> Expected {
    Expected { section, key, kind: DifferenceKind::Changed, severity }
}
