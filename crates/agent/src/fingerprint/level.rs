//! How much a fingerprint looks at.

use serde::{Deserialize, Serialize};

/// How much is looked at. A fingerprint is only compared with one of the same level, or on what both of them hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything but the contents of files: takes milliseconds.
    Facts,
    /// Files too; data directories and very large files by size alone, packaged files by what changed since their package
    /// was unpacked.
    #[default]
    Fast,
    /// The contents of all files, packaged ones checked against what their package says.
    Full,
}

impl Level {
    /// All of them, the quickest first.
    pub const ALL: [Level; 3] = [Level::Facts, Level::Fast, Level::Full];

    /// As the Envfile, options and fingerprints write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Facts => "facts",
            Level::Fast => "fast",
            Level::Full => "full",
        }
    }
}
