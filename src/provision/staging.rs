//! The directory of a machine where what a step needs from the host lies until the step has ended: root's alone, and another one
//! for every attempt, so that nothing is written over what a step that still runs reads.
//!
//! The step's script removes it, see [`SCRIPT_HEAD`]: also when nobody is left to ask for that.

use super::inputs;
use super::pack::Pack;
use super::running::{Applied, Target, run_by_agent};
use crate::event::Context;
use crate::model::Result;
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::step::Step;
use crate::transport::{Captured, Command};
use envup_agent::{STATE_DIRS, StepRequest};
use std::path::Path;

/// How the scripts begin whose `$1` is a staging directory: with its end, and with what earlier attempts left behind that were
/// killed before their script ran. The machine's lock is ours, so nobody else reads it.
pub const SCRIPT_HEAD: &str = r#"#!/bin/sh -e
for left in "${1%/*}"/*; do
  if [ "$left" != "$1" ]; then rm -rf -- "$left"; fi
done
staging=$1
trap 'rm -rf -- "$staging"' EXIT
trap 'exit 143' HUP INT TERM
"#;

/// What is to be put there.
pub struct Staging {
    /// Where it will be.
    pub path: String,
    /// Its content.
    pub pack: Pack,
    /// Where what lies there comes from, for people: paths in the machine and on the host.
    origins: Vec<(String, String)>,
}

impl Staging {
    /// An empty one for an attempt at this step.
    pub fn new(step: &Step) -> Result<Self> {
        let mut attempt = [0; 8];
        getrandom::fill(&mut attempt).attempt(|| "naming a directory of a machine")?;
        let root = format!("{}/staging", STATE_DIRS[0]);
        let path = format!("{root}/{}/{}", step.key().replace(' ', "-"), hex(&attempt));
        let mut pack = Pack::new();
        pack.directory(&root, 0o700)?;
        pack.directory(&path, 0o700)?;
        Ok(Self { path, pack, origins: Vec::new() })
    }

    /// A path in it.
    pub fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// Packs what a tool reads under this name; in what is told of the step it goes by its path on the host.
    pub fn sources(&mut self, source: &Path, name: &str) -> Result<()> {
        let path = self.at(name);
        self.pack.tree(source, inputs::sources(source), &path, &|content| content)?;
        self.origins.push((path, source.display().to_string()));
        Ok(())
    }

    /// Puts it into the machine and has the agent run the step.
    pub fn run(self, request: StepRequest, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let archive = self.pack.finish()?;
        target.transport.put(&mut archive.as_slice(), "/", context)?;
        let applied = run_by_agent(request, &self.origins, target, context)?;
        if applied.reply.attached {
            // Another attempt did the work, from a directory of its own.
            let remove = Command::new(["rm", "-rf", "--", &self.path]);
            target.transport.exec(remove, &mut Captured::default(), context)?;
        }
        Ok(applied)
    }
}
