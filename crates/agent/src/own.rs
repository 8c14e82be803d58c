//! Handing what root made in a folder of the host to the folder's owner: question and answer.

use serde::{Deserialize, Serialize};

/// Asks to hand over what belongs to root below a folder whose owner is another user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnRequest {
    /// Absolute path of the folder, as the machine sees it.
    pub folder: String,
    /// Unix time in nanoseconds: what was made before is not this machine's and stays as it is.
    pub since: i64,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnReply {
    /// Files, directories and links that have the folder's owner now.
    pub changed: u64,
    /// Those that could not be given to them.
    pub refused: u64,
}
