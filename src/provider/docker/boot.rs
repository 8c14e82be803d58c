//! What booting an init in a container needs.

use super::client::Client;
use super::options::Options;
use crate::model::Result;
use crate::model::machine::Machine;

/// Adds what the machine's init needs on this engine.
pub(super) fn add(_client: &Client, _machine: &Machine, _options: &mut Options) -> Result<()> {
    Ok(())
}
