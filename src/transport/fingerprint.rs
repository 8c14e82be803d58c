//! Taking the fingerprint of a machine: one call of the agent, its answer put together and checked.
//!
//! What a fingerprint means, and where it is kept, is not known here.

use super::{Transport, agent};
use crate::event::Context;
use crate::model::digest::sha256;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{Fingerprint, FingerprintRequest, LedgerReply, Line, Part, Reply, Request};

/// A fingerprint that was just taken.
#[derive(Debug)]
pub struct Taken {
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// Its canonical text.
    pub text: String,
    /// What the next request brings along; `None` when the cache that was sent is still good.
    pub cache: Option<Vec<u8>>,
    /// The machine's ledger at that moment.
    pub ledger: LedgerReply,
}

/// Takes the fingerprint; `cache` is what an earlier one left, or empty. Reads only.
pub fn take(
    transport: &dyn Transport,
    mut request: FingerprintRequest,
    cache: &[u8],
    context: &Context,
) -> Result<Taken> {
    request.cache_bytes = cache.len();
    let (mut packed, mut new_cache, mut damage) = (Vec::new(), Vec::new(), None);
    let mut on_line = |line| {
        if let Line::Data { part, bytes } = line {
            let target = match part {
                Part::Fingerprint => &mut packed,
                Part::Cache => &mut new_cache,
            };
            damage = STANDARD.decode_vec(bytes, target).err().or(damage.take());
        }
    };
    let reply = agent::call_with(transport, Request::Fingerprint(request), cache, &mut on_line, context)?;
    let Reply::Fingerprint(reply) = reply else { return Err(agent::unexpected(&reply)) };
    let attempt = || "reading the fingerprint that the agent sent";
    damage.map_or(Ok(()), Err).attempt(attempt)?;
    let text = lz4_flex::decompress_size_prepended(&packed).attempt(attempt)?;
    let text = String::from_utf8(text).attempt(attempt)?;
    if sha256(text.as_bytes()) != reply.sha256 {
        return Err(Error::failed("the fingerprint was damaged on its way"));
    }
    let fingerprint = Fingerprint::from_text(&text).attempt(attempt)?;
    Ok(Taken { fingerprint, text, cache: reply.has_cache.then_some(new_cache), ledger: reply.ledger })
}
