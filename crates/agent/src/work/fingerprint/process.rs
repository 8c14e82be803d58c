//! Looking at another process: its environment and its open files are for its own user alone.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::work::sys::FilesAs;

/// Opens files of a process in the name of the user that it runs as; root of a container may not in its own.
pub fn as_itself<T>(process: u32, open: impl FnOnce() -> T) -> T {
    let owner = fs::metadata(format!("/proc/{process}"));
    let _guard = owner.map(|owner| FilesAs::new(owner.uid(), owner.gid()));
    open()
}
