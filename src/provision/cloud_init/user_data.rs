//! Whether cloud-init will understand a file: what it does not understand it takes for nothing, and says so in a log only.

use crate::model::error::Attempt;
use crate::model::step::Step;
use crate::model::{Error, Result};
use saphyr_parser::Parser;
use std::path::Path;

/// How user-data begin, besides MIME archives and what is compressed.
const BEGINNINGS: &[&str] =
    &["#cloud-config", "#!", "## template: jinja", "#include", "#cloud-boothook", "#part-handler"];

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).attempt(|| format!("reading {}", path.display()))
}

/// Refuses what does not begin as user-data do, or is no YAML where it says that it is.
pub fn check(step: &Step, path: &Path) -> Result<()> {
    let content = read(path)?;
    if content.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    let shown = path.display();
    let refused = |message: String| Error::usage(format!("step {}: {message}", step.name));
    let text = std::str::from_utf8(&content).map_err(|_| refused(format!("{shown} is not text")))?;
    let first = text.lines().next().unwrap_or_default().trim_end();
    let header = first.to_ascii_lowercase();
    if header.starts_with("content-type:") || header.starts_with("mime-version:") {
        return Ok(());
    }
    if !BEGINNINGS.iter().any(|begin| first.starts_with(begin)) {
        let message = format!("{shown}:1: cloud-init does not know data that begin so, and would do nothing");
        return Err(refused(message).hint(
            "the first line is `#cloud-config`, `#!` and an interpreter, or the header of a MIME archive",
        ));
    }
    if first.starts_with("#cloud-config") {
        for event in Parser::new_from_str(text) {
            event.map_err(|error| {
                let (line, column) = (error.marker().line(), error.marker().col() + 1);
                refused(format!("{shown}:{line}:{column}: not YAML: {}", error.info()))
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::{GuestTool, RunPolicy};

    fn checked(content: &[u8]) -> Result<()> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("user-data");
        std::fs::write(&path, content).unwrap();
        check(&Step::install(GuestTool::CloudInit, RunPolicy::Changed), &path)
    }

    #[test]
    fn what_cloud_init_understands_is_taken() {
        for content in [
            "#cloud-config\npackages: [nginx]\nruncmd:\n- [sh, -c, 'a: b']\n",
            "#!/bin/sh\nexit: [\n",
            "## template: jinja\n#cloud-config\n{% if a %}\n",
            "Content-Type: multipart/mixed; boundary=\"x\"\n",
        ] {
            checked(content.as_bytes()).unwrap_or_else(|error| panic!("{content}: {error}"));
        }
        checked(&[0x1f, 0x8b, 0]).unwrap();
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        let error = checked(b"packages: [nginx]\n").unwrap_err();
        assert!(error.message.contains("user-data:1: cloud-init does not know"), "{error}");
        let error = checked(b"#cloud-config\npackages: [nginx\nruncmd: x\n").unwrap_err();
        assert!(error.message.contains("user-data:3:") && error.message.contains("not YAML"), "{error}");
    }
}
