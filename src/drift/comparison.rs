//! What comes out of a comparison: differences, and everything about which nothing can be said.

use super::Difference;
use envup_agent::{Section, Unread};
use std::fmt;

/// Two fingerprints, compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// What differs, by section and key; what rules hide is among them.
    pub differences: Vec<Difference>,
    /// What both sides tell, but in ways that cannot be compared.
    pub incomparable: Vec<Incomparable>,
    /// What could not be read, on either side.
    pub unread: Vec<UnreadOn>,
    /// Whether both sides could read all that they were asked for; otherwise nothing is said about the whole.
    pub complete: bool,
}

/// Things of one section that cannot be compared, all for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomparable {
    /// The section.
    pub section: Section,
    /// Their keys, sorted; none when it is the whole section.
    pub keys: Vec<String>,
    /// Why.
    pub why: &'static str,
}

/// One of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What is compared with: a baseline, another environment.
    Before,
    /// What is there now.
    After,
}

/// Something that could not be read, and on which side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadOn {
    /// The side.
    pub side: Side,
    /// What, and why.
    pub unread: Unread,
}

impl fmt::Display for Incomparable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} not compared", self.section.as_str())?;
        match self.keys.as_slice() {
            [] => {}
            [only] => write!(formatter, " in {only}")?,
            [first, others @ ..] => write!(formatter, " in {first} and {} more", others.len())?,
        }
        write!(formatter, ": {}", self.why)
    }
}

impl fmt::Display for UnreadOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unread { section, key, reason } = &self.unread;
        let side = match self.side {
            Side::Before => " of what it is compared with",
            Side::After => "",
        };
        write!(formatter, "{} {key}{side} could not be read: {reason}", section.as_str())
    }
}
