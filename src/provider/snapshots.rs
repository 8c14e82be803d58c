//! What keeps states of a stack, and takes machines and volumes back to them.

use super::NewMachine;
use crate::event::Context;
use crate::model::Result;
use crate::model::id::Identity;
use crate::model::snapshot::{KeptPart, Part};
use crate::model::stack::Volume;

/// Keeps disks of machines and what is on volumes, part by part. They belong to their stack. Secrets are in none: they lie
/// on no disk and no volume of the stack.
pub trait Snapshots: Send + Sync {
    /// Keeps one part, whole or not at all: the disk of a machine that is stopped, or what is on a volume that no running
    /// machine uses.
    fn save(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()>;

    /// All parts of all snapshots of a stack.
    fn list(&self, identity: &Identity) -> Result<Vec<KeptPart>>;

    /// Fails unless what is kept of one part is what was kept. Changes nothing.
    fn verify(&self, identity: &Identity, part: &Part, context: &Context) -> Result<()>;

    /// Makes a machine, not yet started, from the disk that is kept instead of its image. It does not exist; its networks and
    /// volumes do.
    fn restore_machine(
        &self,
        identity: &Identity,
        part: &Part,
        new: &NewMachine<'_>,
        context: &Context,
    ) -> Result<()>;

    /// Puts a volume's data back as it was, and fails unless it is. No machine uses the volume.
    fn restore_volume(
        &self,
        identity: &Identity,
        part: &Part,
        volume: &Volume,
        context: &Context,
    ) -> Result<()>;

    /// Lets go of one part. Machines that were made from it live on.
    fn remove(&self, identity: &Identity, part: &Part) -> Result<()>;
}
