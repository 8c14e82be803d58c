//! `shell` steps: a script of the host, or text of the Envfile, run inside the machine by the agent.

use super::running::{request, run_by_agent};
use super::{Applied, Provisioner, Target, inputs};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::step::{Script, Shell, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::StepRequest;
use std::fs;

/// Runs scripts.
pub struct ShellProvisioner;

impl Provisioner for ShellProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        match &shell(step)?.script {
            Script::Path(path) => inputs::exist(step, path),
            Script::Inline(_) => Ok(()),
        }
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let shell = shell(step)?;
        let mut digester = inputs::begin(step)?;
        digester.part(content(step, shell)?);
        for argument in &shell.args {
            digester.part("argument").part(argument);
        }
        for (name, value) in &shell.env {
            digester.part("env").part(name).part(value);
        }
        for (label, value) in
            [("user", &shell.user), ("working_dir", &shell.working_dir), ("check", &shell.check)]
        {
            if let Some(value) = value {
                digester.part(label).part(value);
            }
        }
        Ok(digester.finish())
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let shell = shell(step)?;
        let request = StepRequest {
            env: shell.env.clone(),
            cwd: shell.working_dir.clone(),
            user: shell.user.clone(),
            check: shell.check.clone(),
            ..request(step, digest, target, content(step, shell)?, shell.args.clone())
        };
        run_by_agent(request, &[], target, context)
    }
}

fn shell(step: &Step) -> Result<&Shell> {
    match &step.tool {
        Tool::Shell(shell) => Ok(shell),
        _ => Err(Error::failed(format!("step {} is not a shell step", step.name))),
    }
}

fn content(step: &Step, shell: &Shell) -> Result<String> {
    match &shell.script {
        Script::Inline(text) => Ok(text.clone()),
        Script::Path(path) => {
            fs::read_to_string(path).attempt(|| format!("reading {} for step {}", path.display(), step.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::RunPolicy;

    /// A stored digest must stay the same from version to version: else an upgrade of the tool runs every step again.
    #[test]
    fn the_digest_is_golden() {
        let shell = Shell {
            script: Script::Inline("apt-get install -y nginx".into()),
            args: vec!["now".into()],
            env: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
            user: Some("root".into()),
            working_dir: None,
            check: None,
        };
        let step = Step {
            index: 1,
            name: "install".into(),
            tool: Tool::Shell(shell),
            run: RunPolicy::Changed,
            layer: true,
            inputs: Vec::new(),
        };
        let digest = ShellProvisioner.inputs(&step).unwrap();
        assert_eq!(digest, "7fbf00c7e38b2cfac610f3787edb3ebbf519b78ac159b95733b6b5724b37075b");
    }
}
