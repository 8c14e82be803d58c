//! `file` steps: a file or directory of the host, copied into the machine.
//!
//! The bytes travel as an archive into a staging directory; the agent then moves them into place as a step of its own, so
//! that lock, ledger and taint hold for files as for scripts. Files that are gone from the source stay in the machine.

use super::{Applied, Provisioner, Target, inputs, request, run_by_agent};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::step::{FileCopy, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::STATE_DIRS;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Copies files.
pub struct FileProvisioner;

/// Moves what was staged into place: `$1` staging, `$2` target, `$3` owner or empty, `$4` file mode or empty.
///
/// A single file is put beside its target and renamed over it, so that no reader sees half of it.
const PLACE: &str = r#"#!/bin/sh -e
mkdir -p -- "$(dirname -- "$2")"
if [ -n "$3" ]; then chown -R -- "$3" "$1/content"; fi
if [ -n "$4" ]; then find "$1/content" -type f -exec chmod -- "$4" {} +; fi
if [ -d "$1/content" ]; then
  mkdir -p -- "$2"
  cp -a -- "$1/content/." "$2/"
elif [ -d "$2" ]; then
  echo "cannot put a file at $2: a directory is there" >&2
  exit 1
else
  cp -a -- "$1/content" "$2.envup-new"
  mv -f -- "$2.envup-new" "$2"
fi
rm -rf -- "$1"
"#;

impl Provisioner for FileProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        inputs::exist(step, &copy(step)?.source)
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let copy = copy(step)?;
        let mut digester = inputs::begin(step)?;
        digester.part(&copy.to);
        inputs::digest_of_path(&mut digester, &copy.source)?;
        if let Some(owner) = &copy.owner {
            digester.part("owner").part(owner);
        }
        if let Some(mode) = copy.mode {
            digester.part("mode").part(format!("{mode:o}"));
        }
        for (name, value) in copy.variables.iter().flatten() {
            digester.part("variable").part(name).part(value);
        }
        Ok(digester.finish())
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let copy = copy(step)?;
        let staging = format!("{}/files/{}", STATE_DIRS[0], step.key());
        let archive = archive(copy, &staging).map_err(|error| {
            error.context(format!("packing {} for step {}", copy.source.display(), step.name))
        })?;
        target.transport.put(&mut archive.as_slice(), "/", context)?;
        let mode = copy.mode.map(|mode| format!("{mode:o}")).unwrap_or_default();
        let owner = copy.owner.clone().unwrap_or_default();
        let arguments = vec![staging, copy.to.clone(), owner, mode];
        let request = request(step, digest, target, PLACE.to_owned(), arguments);
        run_by_agent(request, target, context)
    }
}

fn copy(step: &Step) -> Result<&FileCopy> {
    match &step.tool {
        Tool::File(copy) => Ok(copy),
        _ => Err(Error::failed(format!("step {} is not a file step", step.name))),
    }
}

/// A tar archive that unpacks at `/` to `<staging>/content`, everything owned by root.
fn archive(copy: &FileCopy, staging: &str) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let packing = || "packing files";
    // Missing parents would be made by the engine, with permissions nobody chose.
    let mut parent = String::new();
    for part in staging.split('/').filter(|part| !part.is_empty()) {
        parent.push_str(part);
        parent.push('/');
        builder
            .append_data(&mut header(tar::EntryType::Directory, 0o755, 0), &parent, std::io::empty())
            .attempt(packing)?;
    }
    for entry in inputs::walk(&copy.source) {
        let entry = entry.attempt(|| "reading the source")?;
        let relative = entry.path().strip_prefix(&copy.source).unwrap_or(Path::new(""));
        let mut name = Path::new(parent.trim_end_matches('/')).join("content");
        if !relative.as_os_str().is_empty() {
            name.push(relative);
        }
        let reading = || format!("reading {}", entry.path().display());
        if entry.file_type().is_symlink() {
            let link = fs::read_link(entry.path()).attempt(reading)?;
            builder
                .append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), &name, link)
                .attempt(packing)?;
            continue;
        }
        let mode = entry.metadata().attempt(reading)?.permissions().mode() & 0o7777;
        if entry.file_type().is_dir() {
            builder
                .append_data(&mut header(tar::EntryType::Directory, mode, 0), &name, std::io::empty())
                .attempt(packing)?;
        } else if entry.file_type().is_file() {
            let mut content = fs::read(entry.path()).attempt(reading)?;
            if let Some(variables) = &copy.variables {
                content = fill_in(content, variables);
            }
            let mut header = header(tar::EntryType::Regular, mode, content.len() as u64);
            builder.append_data(&mut header, &name, content.as_slice()).attempt(packing)?;
        }
    }
    builder.into_inner().attempt(packing)
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Replaces `${NAME}` by the variables of that name, and leaves everything else, also other `${…}`, as it is. A file that
/// is not text is left alone.
fn fill_in(content: Vec<u8>, variables: &BTreeMap<String, String>) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) => variables
            .iter()
            .fold(text, |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
            .into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_variables_are_replaced() {
        let variables = BTreeMap::from([("port".to_owned(), "8080".to_owned())]);
        let filled = fill_in(b"listen ${port}; ${other} $port".to_vec(), &variables);
        assert_eq!(String::from_utf8(filled).unwrap(), "listen 8080; ${other} $port");
        assert_eq!(fill_in(vec![0xff, b'$'], &variables), vec![0xff, b'$']);
    }

    #[test]
    fn a_directory_is_packed_below_the_staging_directory() {
        let source = tempfile::tempdir().unwrap();
        fs::create_dir(source.path().join("sub")).unwrap();
        fs::write(source.path().join("sub/page"), "hello").unwrap();
        let copy = FileCopy {
            source: source.path().to_owned(),
            to: "/srv".into(),
            owner: None,
            mode: None,
            variables: None,
        };
        let bytes = archive(&copy, "/var/lib/envup/files/1").unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names.last().unwrap(), "var/lib/envup/files/1/content/sub/page");
        assert_eq!(names[0], "var/");
    }
}
