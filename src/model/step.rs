//! Provisioning steps as the Envfile declares them.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One provisioning step of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Place in the machine's list, from 1; with `name` it is what people see.
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
}

/// A script run in the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Shell {
    /// The script.
    pub script: Script,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment added.
    pub env: BTreeMap<String, String>,
    /// Who runs it; root when not given.
    pub user: Option<String>,
    /// Where it runs.
    pub working_dir: Option<String>,
    /// A script that exits 0 when there is nothing to do.
    pub check: Option<String>,
}

/// Where a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// A file of the host; absolute.
    Path(PathBuf),
    /// The text itself.
    Inline(String),
}

/// A file or directory copied into the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct FileCopy {
    /// File or directory of the host; absolute.
    pub source: PathBuf,
    /// Absolute path in the machine: the file's own path, not the directory to put it in.
    pub to: String,
    /// Owner as `user[:group]`, names or numbers; `root:root` when not given.
    pub owner: Option<String>,
    /// Permissions of files, such as 0o644; the host's when not given.
    pub mode: Option<u32>,
    /// When given, `${NAME}` in text files is replaced by these and only these.
    pub variables: Option<BTreeMap<String, String>>,
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

impl Step {
    /// Identity in the ledger: stays when the step's content changes, so that a change is seen as one.
    pub fn key(&self) -> String {
        self.index.to_string()
    }

    /// The Envfile's key that names the tool.
    pub fn tool_name(&self) -> &'static str {
        match self.tool {
            Tool::Shell(_) => "shell",
            Tool::File(_) => "file",
        }
    }
}
