//! What we keep on the host: where it lies, how it is written, who may write it.
//!
//! This room and `cli` alone read the environment. Truth about machines is not here, it lives in the engines: `.envup/` of a
//! checkout can be lost at any time, and what must not be lost (keys, consents) lies in the user's data directory.

mod baseline;
mod captures;
mod consent;
mod directories;
mod key;
mod layers;
mod ledger;
mod lock;
mod project;
mod runlog;
mod signature;
mod ssh_key;
mod store;

pub use baseline::Baselines;
pub use captures::{CAPTURES_DIRECTORY, Capture, MANIFEST, Manifest, read_fingerprint, write_capture};
pub use consent::{Consent, Consents};
pub use directories::{Directories, find_program};
pub use key::ProjectKey;
pub use layers::{KnownLayers, LayerRecord, LayerRecords};
pub use ledger::{LedgerCopies, LedgerCopy};
pub use lock::{Lock, Wait};
pub use project::{Project, STATE_DIRECTORY, Situation, provider_is_remembered, remembered_snapshots};
pub use runlog::RunLog;
pub use signature::{sign, verify};
pub use ssh_key::{SshKey, make as make_ssh_key, public_half};
pub use store::{
    Access, Document, create_directory, now, read, read_or_none, rewrite, sync_directory, write, write_bytes,
};
