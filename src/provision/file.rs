//! `file` steps: a file or directory of the host, copied into the machine.
//!
//! The bytes travel as an archive into a staging directory; the agent then moves them into place as a step of its own, so
//! that lock, ledger and taint hold for files as for scripts. Files that are gone from the source stay in the machine.

use super::running::request;
use super::staging::{SCRIPT_HEAD, Staging};
use super::{Applied, Provisioner, Target, inputs};
use crate::event::Context;
use crate::model::step::{FileCopy, Step, Tool};
use crate::model::{Error, Result};
use std::collections::BTreeMap;

/// Copies files.
pub struct FileProvisioner;

/// Moves what was staged into place, after [`SCRIPT_HEAD`]: `$1` staging, `$2` target, `$3` owner or empty, `$4` file mode or
/// empty.
///
/// A single file is put beside its target and renamed over it, so that no reader sees half of it.
const PLACE: &str = r#"
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
        let mut staging = Staging::new(step)?;
        let change = |content| match &copy.variables {
            Some(variables) => fill_in(content, variables),
            None => content,
        };
        let content = staging.at("content");
        staging.pack.tree(&copy.source, inputs::walk(&copy.source), &content, &change).map_err(|error| {
            error.context(format!("packing {} for step {}", copy.source.display(), step.name))
        })?;
        let mode = copy.mode.map(|mode| format!("{mode:o}")).unwrap_or_default();
        let owner = copy.owner.clone().unwrap_or_default();
        let arguments = vec![staging.path.clone(), copy.to.clone(), owner, mode];
        let request = request(step, digest, target, format!("{SCRIPT_HEAD}{PLACE}"), arguments);
        staging.run(request, target, context)
    }
}

fn copy(step: &Step) -> Result<&FileCopy> {
    match &step.tool {
        Tool::File(copy) => Ok(copy),
        _ => Err(Error::failed(format!("step {} is not a file step", step.name))),
    }
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
}
