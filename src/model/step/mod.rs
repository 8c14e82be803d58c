//! Provisioning steps as the Envfile declares them; what is particular to a tool is in a file of its own.

mod ansible;
mod chef;
mod cloud_init;
mod file;
mod install;
mod puppet;
mod shell;

pub use ansible::{Ansible, Members, Vault};
pub use chef::Chef;
pub use cloud_init::CloudInit;
pub use file::FileCopy;
pub use install::{GuestTool, Need};
pub use puppet::Puppet;
pub use shell::{Script, Shell};

use std::path::{Path, PathBuf};

/// One provisioning step of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Place in the machine's list, from 1; with `name` it is what people see. 0 where no Envfile lists it.
    pub index: usize,
    /// For people: the `name` key, else the script's path or its first line.
    pub name: String,
    /// What it does.
    pub tool: Tool,
    /// When it runs.
    pub run: RunPolicy,
    /// Whether it may be part of a kept layer.
    pub layer: bool,
    /// Files and directories it depends on that cannot be seen from its definition; absolute paths.
    pub inputs: Vec<PathBuf>,
}

/// What a step does; one variant for each provisioner.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// Run a script in the machine.
    Shell(Shell),
    /// Copy a file or directory into the machine.
    File(FileCopy),
    /// Apply a catalog in the machine.
    Puppet(Puppet),
    /// Converge a run list in the machine.
    Chef(Chef),
    /// Carry user-data out in the machine.
    CloudInit(CloudInit),
    /// Install what a later step needs in the machine; no Envfile says so.
    Install(GuestTool),
    /// Run an Ansible playbook on this host.
    Ansible(Box<Ansible>),
}

/// When a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunPolicy {
    /// When it never succeeded or its inputs changed.
    #[default]
    Changed,
    /// At every `up`.
    Always,
    /// When it never succeeded in this machine.
    Once,
    /// Only when asked for by name.
    Never,
}

impl Tool {
    /// The tool that must be in the machine for this one to work.
    pub fn needs(&self) -> Option<Need> {
        match self {
            Self::Puppet(puppet) => Some(puppet.need()),
            Self::Chef(chef) => Some(chef.need()),
            Self::CloudInit(data) => Some(data.need()),
            Self::Shell(_) | Self::File(_) | Self::Install(_) => None,
            Self::Ansible(ansible) => Some(Need { tool: GuestTool::Python, install: ansible.install }),
        }
    }
}

impl Step {
    /// The step that installs a tool.
    pub fn install(tool: GuestTool, run: RunPolicy) -> Self {
        let tool_step = Tool::Install(tool);
        Self { index: 0, name: tool.step_name(), tool: tool_step, run, layer: true, inputs: Vec::new() }
    }

    /// Identity in the ledger: stays when the step's content changes, so that a change is seen as one.
    pub fn key(&self) -> String {
        match &self.tool {
            Tool::Install(tool) => tool.step_name(),
            _ => self.index.to_string(),
        }
    }

    /// The Envfile's key that names the tool.
    pub fn tool_name(&self) -> &'static str {
        match self.tool {
            Tool::Shell(_) => "shell",
            Tool::File(_) => "file",
            Tool::Puppet(_) => "puppet",
            Tool::Chef(_) => "chef",
            Tool::CloudInit(_) => "cloud_init",
            Tool::Install(_) => "install",
            Tool::Ansible(_) => "ansible",
        }
    }

    /// What of the host's files ends up in the machine.
    pub fn sources(&self) -> Vec<&Path> {
        match &self.tool {
            Tool::Shell(shell) => shell.path().into_iter().collect(),
            Tool::File(copy) => vec![&copy.source],
            Tool::Puppet(puppet) => puppet.sources().map(PathBuf::as_path).collect(),
            Tool::Chef(chef) => chef.sources().map(PathBuf::as_path).collect(),
            Tool::CloudInit(data) => data.sources().map(PathBuf::as_path).collect(),
            // What Ansible reads and runs here is asked for as a whole.
            Tool::Install(_) | Tool::Ansible(_) => Vec::new(),
        }
    }
}
