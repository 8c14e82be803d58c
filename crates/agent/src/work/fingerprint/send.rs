//! Sends a fingerprint: its canonical text, compressed, in lines that the caller can take one by one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{Fingerprint, FingerprintReply, LedgerReply, Part, Reply};
use sha2::{Digest as _, Sha256};

use super::view::hex;
use crate::work::answers::Answers;
use crate::work::failure::Failure;

/// How many bytes go into one line, before base64.
const CHUNK: usize = 192 * 1024;

/// Sends both parts and gives the answer that ends them.
pub fn send(
    fingerprint: &Fingerprint,
    cache: Option<&[u8]>,
    ledger: LedgerReply,
    answers: &mut Answers,
) -> Result<Reply, Failure> {
    let text = fingerprint.to_text();
    let packed = lz4_flex::compress_prepend_size(text.as_bytes());
    for (part, bytes) in [(Part::Fingerprint, packed.as_slice()), (Part::Cache, cache.unwrap_or_default())] {
        for chunk in bytes.chunks(CHUNK) {
            answers.data(part, STANDARD.encode(chunk))?;
        }
    }
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    Ok(Reply::Fingerprint(FingerprintReply { sha256, has_cache: cache.is_some(), ledger }))
}
