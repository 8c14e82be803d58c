//! What carries provisioning steps out: one provisioner for each tool.
//!
//! A provisioner knows the inputs of a step and how to apply it through a transport. Whether a step has to run is the
//! plan's business; the ledger is the agent's.

mod file;
mod inputs;
mod install;
mod pack;
mod shell;
mod staging;

pub use inputs::digest_of_file;

use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::step::{Step, Tool};
use crate::transport::{Transport, agent};
use envup_agent::{ExitCodes, Line, OnBusy, Reply, Request, Run, Script, StepReply, StepRequest};
use std::collections::BTreeMap;

/// Carries out the steps of one tool.
pub trait Provisioner: Sync {
    /// Finds what is wrong with a step before anything starts: missing files, options that exclude each other.
    fn validate(&self, step: &Step) -> Result<()>;

    /// Digest of the step's definition and everything it depends on: the same digest means nothing to do.
    fn inputs(&self, step: &Step) -> Result<String>;

    /// Applies the step in a machine and records it in its ledger.
    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied>;
}

/// The machine a step is applied to.
pub struct Target<'a> {
    /// Its name in the stack.
    pub machine: &'a str,
    /// The way into it.
    pub transport: &'a dyn Transport,
    /// Keys of the steps that run after this one: until they have run, its ledger must not say that they are applied.
    pub later: &'a [String],
}

/// How a step ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The agent's answer.
    pub reply: StepReply,
    /// Everything the step wrote, up to the last [`KEPT_OUTPUT`] bytes.
    pub output: String,
    /// What the provisioner knows of why it failed.
    pub failure: Option<Failure>,
}

/// Why a step failed, in the words of its tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// What the tool says failed, and where; without it, all its output is shown.
    pub says: Option<String>,
    /// The way out, before those that hold for every step.
    pub hint: Option<String>,
}

/// How much of a step's output is kept to be shown when it fails, in bytes.
pub const KEPT_OUTPUT: usize = 256 * 1024;

/// The provisioner of a tool.
pub fn provisioner(tool: &Tool) -> &'static dyn Provisioner {
    match tool {
        Tool::Shell(_) => &shell::ShellProvisioner,
        Tool::File(_) => &file::FileProvisioner,
        Tool::Install(_) => &install::InstallProvisioner,
    }
}

/// A request to run a script as this step, as the agent's own user and with nothing added.
fn request(
    step: &Step,
    digest: &str,
    target: &Target<'_>,
    content: String,
    args: Vec<String>,
) -> StepRequest {
    StepRequest {
        key: step.key(),
        name: step.name.clone(),
        digest: digest.to_owned(),
        run: Run::Script(Script { content, args, interpreter: Vec::new() }),
        env: BTreeMap::new(),
        cwd: None,
        user: None,
        check: None,
        codes: ExitCodes::default(),
        forget: target.later.to_vec(),
        on_busy: OnBusy::Wait,
    }
}

/// Has the agent run one step, handing on its output line by line.
fn run_by_agent(request: StepRequest, target: &Target<'_>, context: &Context) -> Result<Applied> {
    let name = request.name.clone();
    let mut lines = Lines::default();
    let emit = |text: String| {
        context.emit(Event::Output { machine: Some(target.machine.to_owned()), source: name.clone(), text });
    };
    let mut on_line = |line: Line| match line {
        Line::Output(chunk) => lines.push(&chunk, &emit),
        Line::Waiting { step, seconds } => {
            let detail = format!("running for {seconds:.0}s");
            let requirement = format!("step {step}, started earlier");
            context.emit(Event::Waiting { machine: target.machine.to_owned(), requirement, detail });
        }
        Line::Data { .. } | Line::Probe(_) | Line::Result(_) => {}
    };
    let reply = agent::call(target.transport, Request::Step(request), &mut on_line, context)?;
    lines.end(&emit);
    match reply {
        Reply::Step(reply) => Ok(Applied { reply, output: lines.kept, failure: None }),
        other => Err(agent::unexpected(&other)),
    }
}

/// Cuts a stream of chunks into lines and keeps its end.
#[derive(Default)]
struct Lines {
    open: String,
    kept: String,
}

impl Lines {
    fn push(&mut self, chunk: &str, emit: &(dyn Fn(String) + Sync)) {
        self.kept.push_str(chunk);
        if self.kept.len() > 2 * KEPT_OUTPUT {
            let cut = self.kept.floor_char_boundary(self.kept.len() - KEPT_OUTPUT);
            self.kept.drain(..cut);
        }
        self.open.push_str(chunk);
        while let Some(end) = self.open.find('\n') {
            let line: String = self.open.drain(..=end).collect();
            emit(line.trim_end_matches(['\n', '\r']).to_owned());
        }
    }

    fn end(&mut self, emit: &(dyn Fn(String) + Sync)) {
        if !self.open.is_empty() {
            emit(std::mem::take(&mut self.open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn chunks_become_lines() {
        let seen = Mutex::new(Vec::new());
        let emit = |line: String| seen.lock().unwrap().push(line);
        let mut lines = Lines::default();
        for chunk in ["Reading pack", "age lists\r\nDone\n", "no newline"] {
            lines.push(chunk, &emit);
        }
        lines.end(&emit);
        assert_eq!(seen.into_inner().unwrap(), ["Reading package lists", "Done", "no newline"]);
        assert!(lines.kept.ends_with("no newline"));
    }
}
