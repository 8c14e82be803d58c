//! A file or directory copied into the machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
