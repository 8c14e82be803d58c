//! What the Envfile says about drift: how bad a difference must be to count, what a project leaves out of reports, and how
//! thorough a comparison is.
//!
//! Only the settings; what differs is found and weighed elsewhere. Rules decide what is reported, never what is applied.

pub use envup_agent::Level;

use serde::{Deserialize, Serialize};

/// How bad a difference is; a worse one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Seen by who looks for it: documentation, a comment.
    Cosmetic,
    /// It may explain why one machine behaves unlike another.
    Notable,
    /// Programs built or tested on one side can fail on the other.
    Breaking,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 3] = [Self::Cosmetic, Self::Notable, Self::Breaking];

    /// As the Envfile, JSON and help write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cosmetic => "cosmetic",
            Self::Notable => "notable",
            Self::Breaking => "breaking",
        }
    }
}

/// `[drift]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftSettings {
    /// The mildest difference that makes `env drift` end with 2.
    pub fail_on: Severity,
    /// What the project does not want to be told, in the Envfile's order.
    pub ignore: Vec<IgnoreRule>,
    /// Patterns such as `APP_*` of the environment variables whose values may be told; of others only presence is.
    pub environment: Vec<String>,
    /// How much is read when nobody says otherwise.
    pub level: Level,
}

impl Default for DriftSettings {
    fn default() -> Self {
        let level = Level::default();
        Self { fail_on: Severity::Notable, ignore: Vec::new(), environment: Vec::new(), level }
    }
}

/// A rule of the project: differences that all its parts fit are left out of reports. It has `section`, `key` or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// A section of the fingerprint, such as `files`; `None` is any.
    pub section: Option<String>,
    /// Pattern of keys, such as `/var/lib/shop/**`; `None` is any.
    pub key: Option<String>,
    /// A field of the item, such as `mode`; `None` is any, and items that are missing or extra.
    pub field: Option<String>,
    /// Why it is no drift; never empty.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`, a day of the calendar; `None` is for good.
    pub until: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_greater_and_written_as_it_is_stored() {
        assert!(Severity::ALL.is_sorted() && Level::ALL.is_sorted());
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
        for level in Level::ALL {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
    }
}
