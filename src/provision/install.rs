//! Installing a tool that steps need inside a machine: a step of its own before the first of them, so that it can be a layer of
//! its own. Nothing is done where the tool is there already.
//!
//! Knows Debian and its relatives; anything else is for a step of the Envfile to install.

use super::running::{request, run_by_agent};
use super::{Applied, Failure, Provisioner, Target};
use crate::event::Context;
use crate::model::digest::Digester;
use crate::model::step::{GuestTool, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::{StepRequest, StepStatus};

/// Installs tools.
pub struct InstallProvisioner;

/// Where tools lie that do not come from a distribution: added to the search path of whoever looks for one.
pub const MORE_PATHS: &str = "/opt/puppetlabs/bin:/opt/cinc/bin:/opt/chef/bin";

/// Exit code of a script whose tool is missing: what a shell says of a command that it does not find.
pub const MISSING: i32 = 127;

/// Exit code of [`SCRIPT`] where it does not know how to install anything.
const NO_APT: i32 = 69;

/// `$1` the tool, then its packages.
const SCRIPT: &str = r#"#!/bin/sh -e
tool=$1
shift
if ! command -v apt-get >/dev/null; then
  echo "$tool is installed by apt-get, which is not in this machine" >&2
  exit 69
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=60 update
apt-get -q -y -o DPkg::Lock::Timeout=60 install --no-install-recommends "$@"
"#;

impl Provisioner for InstallProvisioner {
    fn validate(&self, _step: &Step) -> Result<()> {
        Ok(())
    }

    /// Of the tool alone: how it is installed may change with us, and must not make all that follows run again.
    fn inputs(&self, step: &Step) -> Result<String> {
        let mut digester = Digester::new("step/1");
        digester.part(step.tool_name()).part(tool(step)?.name());
        Ok(digester.finish())
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let tool = tool(step)?;
        let arguments = [tool.name()].iter().chain(packages(tool)).map(|word| (*word).to_owned()).collect();
        let request = StepRequest {
            check: Some(check(tool)),
            ..request(step, digest, target, SCRIPT.to_owned(), arguments)
        };
        let applied = run_by_agent(request, &[], target, context)?;
        let failed = applied.reply.status == StepStatus::Failed;
        let failure = failed.then(|| {
            let says = (applied.reply.exit_code == Some(NO_APT)).then(|| applied.output.clone());
            Failure { says, hint: Some(hint(tool)) }
        });
        Ok(Applied { failure, ..applied })
    }
}

fn tool(step: &Step) -> Result<GuestTool> {
    match step.tool {
        Tool::Install(tool) => Ok(tool),
        _ => Err(Error::failed(format!("step {} installs nothing", step.name))),
    }
}

/// Debian's packages of a tool.
fn packages(tool: GuestTool) -> &'static [&'static str] {
    match tool {
        GuestTool::Puppet => &[
            "puppet-agent",
            "lsb-release",
            // Types that Puppet's own packages bring along.
            "puppet-module-puppetlabs-augeas-core",
            "puppet-module-puppetlabs-cron-core",
            "puppet-module-puppetlabs-host-core",
            "puppet-module-puppetlabs-mount-core",
            "puppet-module-puppetlabs-sshkeys-core",
        ],
        GuestTool::Chef => &["chef"],
        GuestTool::CloudInit => &["cloud-init"],
        GuestTool::Python => &["python3", "python3-apt"],
    }
}

/// A script that exits 0 where the tool is there.
fn check(tool: GuestTool) -> String {
    let found = match tool {
        GuestTool::Puppet => "command -v puppet",
        GuestTool::Chef => "command -v chef-solo || command -v cinc-solo",
        GuestTool::CloudInit => "command -v cloud-init",
        // Where there is no apt, its bindings are not needed.
        GuestTool::Python => {
            "python3 -c 'import apt' || { ! command -v apt-get && command -v python3 && python3 -c ''; }"
        }
    };
    format!("PATH=$PATH:{MORE_PATHS}\n{found}")
}

/// Adds to a step that failed why: its tool is missing in the machine, or what the tool itself says.
pub fn explained(
    applied: Applied,
    tool: GuestTool,
    target: &Target<'_>,
    says: impl FnOnce(&Applied) -> Option<String>,
) -> Applied {
    if applied.reply.status != StepStatus::Failed {
        return applied;
    }
    let failure = match applied.reply.exit_code {
        Some(MISSING) => missing(tool, target.machine),
        _ => Failure { says: says(&applied), hint: None },
    };
    Applied { failure: Some(failure), ..applied }
}

fn missing(tool: GuestTool, machine: &str) -> Failure {
    let name = tool.name();
    let says = format!("{name} is not installed in {machine}");
    let hint =
        format!("`install = true` in the step installs it with apt-get; or install {name} in a step before");
    Failure { says: Some(says), hint: Some(hint) }
}

/// What to do when it cannot be installed.
fn hint(tool: GuestTool) -> String {
    let name = tool.name();
    let note = match tool {
        GuestTool::Chef => "Debian 12 has no package of it; ",
        _ => "",
    };
    format!("{note}install {name} in a step before, or use a box that has it, and say `install = false`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::RunPolicy;

    /// Else every machine would be provisioned anew by an upgrade of the tool.
    #[test]
    fn the_digest_is_golden() {
        let step = Step::install(GuestTool::Puppet, RunPolicy::Changed);
        assert_eq!(step.key(), "install puppet");
        let digest = InstallProvisioner.inputs(&step).unwrap();
        assert_eq!(digest, "0e4b27b8d6aaf77ce26ff0366884fd818edd531c94ad860ea00b9bc72fdfca33");
    }
}
