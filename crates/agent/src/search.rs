//! Looking for secrets on a machine's disk: question and answer.

use serde::{Deserialize, Serialize};

/// Asks which file holds one of some values.
// No `Debug`: the values are secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRequest {
    /// The values, in base64.
    pub values: Vec<String>,
    /// Unix time in seconds: files that were not touched since then are not read.
    pub since: i64,
    /// Where to look; the machine's own disk is all of its root file system.
    #[serde(default = "root")]
    pub below: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchReply {
    /// The first file that holds one of the values, and the place of that value in the request.
    pub found: Option<(String, usize)>,
}

fn root() -> String {
    "/".to_owned()
}
