//! What carries provisioning steps out: one provisioner for each tool.
//!
//! A provisioner knows the inputs of a step and how to apply it through a transport. Whether a step has to run is the
//! plan's business; the ledger is the agent's.

mod ansible;
mod chef;
mod cloud_init;
mod fetched;
mod file;
mod host_run;
mod inputs;
mod install;
mod pack;
mod puppet;
mod record;
mod running;
mod shell;
mod staging;
mod workshop;

pub use ansible::of_host as ansible_variables_of_host;
pub use host_run::HostRun;
pub use inputs::digest_of_file;
pub use running::{Applied, Failure, Target};
pub use workshop::Workshop;

use crate::event::Context;
use crate::model::step::{Step, Tool};
use crate::model::{Error, Result};
use std::path::PathBuf;

/// Carries out the steps of one tool.
pub trait Provisioner: Sync {
    /// Finds what is wrong with a step before anything starts: missing files, options that exclude each other.
    fn validate(&self, step: &Step) -> Result<()>;

    /// Digest of the step's definition and everything it depends on: the same digest means nothing to do.
    fn inputs(&self, step: &Step) -> Result<String>;

    /// The same where a tool of this host has to be asked, which may run what the Envfile names: only what was agreed to.
    fn prepare(
        &self,
        _step: &Step,
        _machines: &[&str],
        _workshop: &Workshop<'_>,
        _context: &Context,
    ) -> Result<()> {
        Ok(())
    }

    /// What the step runs on this host, as somebody has to agree to it.
    fn on_host(&self, _step: &Step) -> Result<Option<HostTool>> {
        Ok(None)
    }

    /// Applies the step in a machine and records it in its ledger.
    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied>;

    /// Applies the step in several machines at once: in each of them, unless the tool knows better.
    fn apply_to_all(
        &self,
        step: &Step,
        digest: &str,
        targets: &[Target<'_>],
        context: &Context,
    ) -> Vec<Result<Applied>> {
        std::thread::scope(|scope| {
            let apply = |target| scope.spawn(move || self.apply(step, digest, target, context));
            let threads: Vec<_> = targets.iter().map(apply).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(crashed()))).collect()
        })
    }
}

/// A program of the Envfile's owner that a tool of this host runs: it may do anything here.
pub struct HostTool {
    /// The tool.
    pub tool: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Digest of what consent is to.
    pub digest: String,
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
        Tool::Ansible(_) => &ansible::AnsibleProvisioner,
    }
}

fn crashed() -> Error {
    Error::failed("a thread of ours crashed").hint("please report it with what was printed above")
}
