//! What an Envfile does to this host beyond running its own machines, as a user agrees to it (DESIGN §4.14).
//!
//! What belongs to the list is [`model::access`](crate::model::access)'s business; asking and recording are the callers'.

use crate::model::access::{consent_digest, host_access};
use crate::model::stack::Stack;

/// How much of the digest names a list: 128 bits, so that nobody can make another list of the same name.
const LENGTH: usize = 32;

/// Everything that needs consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touches {
    /// One sentence each, in a fixed order.
    pub items: Vec<String>,
    /// Names exactly this list, whatever the sentences; consent is bound to it.
    pub digest: String,
}

/// What this stack does to the host.
pub fn touches(stack: &Stack) -> Touches {
    let accesses = host_access(stack);
    let mut digest = consent_digest(&accesses);
    digest.truncate(LENGTH);
    Touches { items: accesses.into_iter().map(|access| access.what).collect(), digest }
}
