//! A tool that must be in a machine before one of its steps can run: a step of its own that no Envfile writes.

/// A tool that works inside machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestTool {
    /// Puppet's agent, for `puppet apply`.
    Puppet,
    /// Chef Infra Client or Cinc, for `chef-solo`.
    Chef,
    /// cloud-init.
    CloudInit,
    /// What Ansible needs in a machine: Python, and its bindings to apt.
    Python,
}

impl GuestTool {
    /// Its name for people and for the ledger, which keeps it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Puppet => "puppet",
            Self::Chef => "chef",
            Self::CloudInit => "cloud-init",
            Self::Python => "python",
        }
    }

    /// Name and key of the step that installs it.
    pub fn step_name(self) -> String {
        format!("install {}", self.name())
    }
}

/// That a step needs a tool in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The tool.
    pub tool: GuestTool,
    /// Whether the Envfile wants it installed; `None` when it does not say.
    pub install: Option<bool>,
}
