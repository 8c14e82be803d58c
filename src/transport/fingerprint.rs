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
    /// Its canonical text, as the agent wrote it.
    pub text: String,
    /// What the next request brings along; `None` when the cache that was sent is still good.
    pub cache: Option<Vec<u8>>,
    /// The machine's ledger at that moment.
    pub ledger: LedgerReply,
}

impl Taken {
    /// The fingerprint, every digest in it checked.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        Fingerprint::from_text(&self.text).attempt(|| ATTEMPT)
    }
}

/// Takes the fingerprint; `cache` gives what an earlier one left, or nothing, while the agent is being started. Reads only.
pub fn take(
    transport: &dyn Transport,
    mut request: FingerprintRequest,
    cache: impl FnOnce() -> Vec<u8> + Send + 'static,
    context: &Context,
) -> Result<Taken> {
    let request = || {
        let cache = cache();
        request.cache_bytes = cache.len();
        (Request::Fingerprint(request), cache)
    };
    let mut parts = Parts::default();
    let mut on_line = |line| parts.add(line);
    let reply = agent::call_with(transport, request, &mut on_line, context)?;
    parts.taken(reply)
}

/// The same from all that an agent wrote somewhere else.
pub fn answered(answer: &[u8]) -> Result<Taken> {
    let mut parts = Parts::default();
    for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line).attempt(|| ATTEMPT)? {
            Line::Result(Reply::Error { message, .. }) => return Err(Error::failed(message)),
            Line::Result(reply) => return parts.taken(reply),
            line => parts.add(line),
        }
    }
    Err(Error::failed("the agent's answer has no end"))
}

const ATTEMPT: &str = "reading the fingerprint that the agent sent";

/// What came so far.
#[derive(Default)]
struct Parts {
    packed: Vec<u8>,
    cache: Vec<u8>,
    damage: Option<base64::DecodeError>,
}

impl Parts {
    fn add(&mut self, line: Line) {
        if let Line::Data { part, bytes } = line {
            let target = match part {
                Part::Fingerprint => &mut self.packed,
                Part::Cache => &mut self.cache,
            };
            self.damage = STANDARD.decode_vec(bytes, target).err().or(self.damage.take());
        }
    }

    fn taken(self, reply: Reply) -> Result<Taken> {
        let Reply::Fingerprint(reply) = reply else { return Err(agent::unexpected(&reply)) };
        self.damage.map_or(Ok(()), Err).attempt(|| ATTEMPT)?;
        let text = unpacked(&self.packed)?;
        if sha256(text.as_bytes()) != reply.sha256 {
            return Err(Error::failed("the fingerprint was damaged on its way"));
        }
        Ok(Taken { text, cache: reply.has_cache.then_some(self.cache), ledger: reply.ledger })
    }
}

/// More than this is no machine's fingerprint: a size that somebody made up must not take all memory.
const LARGEST: usize = 256 << 20;

fn unpacked(packed: &[u8]) -> Result<String> {
    let (size, block) = lz4_flex::block::uncompressed_size(packed).attempt(|| ATTEMPT)?;
    if size > LARGEST {
        return Err(Error::failed(format!("the fingerprint claims to be {} MiB large", size >> 20)));
    }
    let text = lz4_flex::decompress(block, size).attempt(|| ATTEMPT)?;
    String::from_utf8(text).attempt(|| ATTEMPT)
}
