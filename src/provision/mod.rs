//! What carries provisioning steps out: one provisioner for each tool.
//!
//! A provisioner knows the inputs of a step and how to apply it through a transport. Whether a step has to run is the
//! plan's business; the ledger is the agent's.

mod chef;
mod cloud_init;
mod file;
mod inputs;
mod install;
mod pack;
mod puppet;
mod running;
mod shell;
mod staging;

pub use inputs::digest_of_file;
pub use running::{Applied, Failure, Target};

use crate::event::Context;
use crate::model::Result;
use crate::model::step::{Step, Tool};

/// Carries out the steps of one tool.
pub trait Provisioner: Sync {
    /// Finds what is wrong with a step before anything starts: missing files, options that exclude each other.
    fn validate(&self, step: &Step) -> Result<()>;

    /// Digest of the step's definition and everything it depends on: the same digest means nothing to do.
    fn inputs(&self, step: &Step) -> Result<String>;

    /// Applies the step in a machine and records it in its ledger.
    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied>;
}

/// The provisioner of a tool.
pub fn provisioner(tool: &Tool) -> &'static dyn Provisioner {
    match tool {
        Tool::Shell(_) => &shell::ShellProvisioner,
        Tool::File(_) => &file::FileProvisioner,
        Tool::Puppet(_) => &puppet::PuppetProvisioner,
        Tool::Chef(_) => &chef::ChefProvisioner,
        Tool::CloudInit(_) => &cloud_init::CloudInitProvisioner,
        Tool::Install(_) => &install::InstallProvisioner,
    }
}
