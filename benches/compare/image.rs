//! The one image that all peers use: a static program of our own and nothing else.

use crate::Result;
use crate::http::Http;
use std::path::Path;
use std::process::Command;

/// Its name in the engine.
pub const IMAGE: &str = "envup-bench:1";

/// Compiles the program and imports it as an image.
pub fn make(engine: &mut Http, directory: &Path) -> Result<()> {
    let program = directory.join("machine");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/machine.c");
    let compiled =
        Command::new("cc").args(["-static", "-Os", "-s", "-o"]).arg(&program).arg(source).status()?;
    if !compiled.success() {
        return Err("compiling the program of the machines failed".into());
    }
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(&program, "machine")?;
    let (name, tag) = IMAGE.split_once(':').unwrap_or((IMAGE, "latest"));
    let path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}");
    engine.call("POST", &path, "application/x-tar", &archive.into_inner()?)?;
    Ok(())
}
