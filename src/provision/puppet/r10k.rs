//! Modules of a Puppetfile, fetched by the r10k of this host into a directory of ours: a checkout stays as it is.
//!
//! A Puppetfile is a Ruby program of the Envfile's owner, so that running it is agreed to first; consent is to what it and the
//! configuration of r10k beside it say.

use super::puppetfile::Lacking;
use crate::event::Context;
use crate::model::digest::Digester;
use crate::model::error::Attempt;
use crate::model::step::Step;
use crate::model::{Error, Result};
use crate::provision::fetched::fetched;
use crate::provision::host_run::HostRun;
use crate::provision::{HostTool, Workshop};
use crate::state::find_program;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What runs Puppetfiles.
const R10K: &str = "r10k";

/// Where modules are put when the Puppetfile does not say.
const MODULES: &str = "modules";

/// Whether this host has it.
pub fn is_here() -> bool {
    find_program(Path::new(R10K)).is_some()
}

/// What consent is to.
pub fn host_tool(lacking: &Lacking) -> Result<HostTool> {
    let mut digester = Digester::new("puppetfile/1");
    digester.part(&lacking.text);
    if let Some(path) = config(lacking) {
        digester.part(fs::read(&path).attempt(|| format!("reading {}", path.display()))?);
    }
    Ok(HostTool { tool: R10K, program: lacking.file.clone(), digest: digester.finish() })
}

/// The directories with the modules, which are fetched when they are not kept yet.
pub fn fetch(
    step: &Step,
    lacking: &Lacking,
    workshop: &Workshop<'_>,
    context: &Context,
) -> Result<Vec<PathBuf>> {
    let text = lacking.text.as_bytes();
    let kept = fetched(step, "puppet", text, workshop, context, |directory| {
        install(step, lacking, directory, workshop, context)
    })?;
    Ok(places(lacking, &kept))
}

fn install(
    step: &Step,
    lacking: &Lacking,
    directory: &Path,
    workshop: &Workshop<'_>,
    context: &Context,
) -> Result<()> {
    // It looks into it also when nothing comes there.
    for name in [MODULES, lacking.directory.as_str()] {
        let place = directory.join(name);
        fs::create_dir_all(&place).attempt(|| format!("cannot make {}", place.display()))?;
    }
    let mut arguments: Vec<OsString> = ["puppetfile", "install", "--puppetfile"].map(OsString::from).into();
    // A `moduledir` of the Puppetfile wins, and is below where we run.
    arguments.extend([lacking.file.clone().into(), "--moduledir".into(), directory.join(MODULES).into()]);
    if let Some(config) = config(lacking) {
        arguments.extend(["--config".into(), config.into_os_string()]);
    }
    let (environment, output) = (Vec::new(), None);
    let run = HostRun { program: R10K, arguments, environment, working_dir: directory, directory, output };
    let ended = run.heard(&|_| {}, &format!("running {R10K} for step {}", step.name), context)?;
    let shown = workshop.shown(&lacking.file.to_string_lossy());
    if ended.code != 0 {
        let error = Error::failed(format!("step {}: {R10K} cannot fetch the modules of {shown}", step.name));
        return Err(error.detail(complaint(&ended.said)).hint(format!("{shown} says where they come from")));
    }
    let places = places(lacking, directory);
    let is_missing = |name: &&String| !places.iter().any(|place| place.join(name).is_dir());
    match lacking.modules.iter().find(is_missing) {
        None => Ok(()),
        Some(name) => {
            Err(Error::failed(format!("step {}: {R10K} fetched no module {name} of {shown}", step.name))
                .hint("a module that is `local` belongs into the control repository"))
        }
    }
}

/// The directories of modules, of all that r10k may have filled.
fn places(lacking: &Lacking, directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<&str> = lacking.directories.iter().map(String::as_str).collect();
    if !names.contains(&MODULES) {
        names.push(MODULES);
    }
    names.into_iter().map(|name| directory.join(name)).filter(|place| place.is_dir()).collect()
}

/// The configuration that r10k itself takes in a control repository.
fn config(lacking: &Lacking) -> Option<PathBuf> {
    Some(lacking.file.with_file_name("r10k.yaml")).filter(|path| path.is_file())
}

/// The last of its errors: of several at once it tells each, and then one of them as the reason why it ends.
fn complaint(said: &str) -> String {
    let begin = said.rfind("ERROR").unwrap_or(0);
    said[begin..].trim_start_matches("ERROR").trim_start().trim_start_matches("-> ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn an_error_is_told_once() {
        let twice = "ERROR\t -> Error during concurrent deploy of a module: no\nStderr:\nno\nERROR\t -> no\nStderr:\nno\n";
        assert_eq!(complaint(twice), "no\nStderr:\nno");
        assert_eq!(complaint("sh: r10k: not found\n"), "sh: r10k: not found");
    }
}
