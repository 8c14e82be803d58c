//! Having the agent run a step in a machine: its output goes on line by line, with the host's names for what came from the host.
//!
//! What a step's script writes after [`REPORT_MARK`] is for its provisioner only.

use super::Workshop;
use crate::event::{Context, Event};
use crate::model::Result;
use crate::model::step::Step;
use crate::transport::{Transport, agent};
use envup_agent::{ExitCodes, Line, OnBusy, Reply, Request, Run, Script, StepReply, StepRequest};
use std::collections::BTreeMap;

/// The line after which a script reports.
pub const REPORT_MARK: &str = "--- envup: report ---";

/// The machine a step is applied to.
pub struct Target<'a> {
    /// Its name in the stack.
    pub machine: &'a str,
    /// The way into it.
    pub transport: &'a dyn Transport,
    /// Identity of the step in its ledger.
    pub key: &'a str,
    /// Keys of the steps that run after this one: until they have run, its ledger must not say that they are applied.
    pub later: &'a [String],
    /// For tools that run on this host.
    pub workshop: &'a Workshop<'a>,
}

/// How a step ended, and what it wrote.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The agent's answer.
    pub reply: StepReply,
    /// Everything the step wrote, up to the last [`KEPT_OUTPUT`] bytes.
    pub output: String,
    /// What the step's script wrote after [`REPORT_MARK`].
    pub report: String,
    /// What the provisioner knows of why it failed.
    pub failure: Option<Failure>,
    /// What the tool says that it changed; `None` when it does not tell.
    pub changes: Option<Vec<String>>,
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

/// A request to run a script as this step, as the agent's own user and with nothing added.
pub fn request(
    step: &Step,
    digest: &str,
    target: &Target<'_>,
    content: String,
    args: Vec<String>,
) -> StepRequest {
    StepRequest {
        key: target.key.to_owned(),
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

/// Has the agent run one step, handing on its output line by line. `origins` are paths in the machine and what to call them.
pub fn run_by_agent(
    request: StepRequest,
    origins: &[(String, String)],
    target: &Target<'_>,
    context: &Context,
) -> Result<Applied> {
    let name = request.name.clone();
    let mut lines = Lines { origins, open: String::new(), kept: String::new(), report: None };
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
        Reply::Step(reply) => {
            let (output, report) = (lines.kept, lines.report.unwrap_or_default());
            Ok(Applied { reply, output, report, failure: None, changes: None })
        }
        other => Err(agent::unexpected(&other)),
    }
}

/// Cuts a stream of chunks into lines and keeps its end, and all of the report.
struct Lines<'a> {
    origins: &'a [(String, String)],
    open: String,
    kept: String,
    report: Option<String>,
}

impl Lines<'_> {
    fn push(&mut self, chunk: &str, emit: &(dyn Fn(String) + Sync)) {
        self.open.push_str(chunk);
        while let Some(end) = self.open.find('\n') {
            let line: String = self.open.drain(..=end).collect();
            self.line(line.trim_end_matches(['\n', '\r']), emit);
        }
    }

    fn line(&mut self, line: &str, emit: &(dyn Fn(String) + Sync)) {
        if line == REPORT_MARK {
            self.report = Some(String::new());
            return;
        }
        let told = |line: &str, (path, origin): &(String, String)| line.replace(path, origin);
        let line = self.origins.iter().fold(line.to_owned(), |line, origin| told(&line, origin));
        let keep = self.report.as_mut().unwrap_or(&mut self.kept);
        keep.push_str(&line);
        keep.push('\n');
        if keep.len() > 2 * KEPT_OUTPUT {
            let cut = keep.floor_char_boundary(keep.len() - KEPT_OUTPUT);
            keep.drain(..cut);
        }
        if self.report.is_none() {
            emit(line);
        }
    }

    fn end(&mut self, emit: &(dyn Fn(String) + Sync)) {
        if !self.open.is_empty() {
            let line = std::mem::take(&mut self.open);
            self.line(&line, emit);
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
        let origins = [("/staging/1".to_owned(), "/home/me/ops".to_owned())];
        let mut lines = Lines { origins: &origins, open: String::new(), kept: String::new(), report: None };
        for chunk in ["Reading pack", "age lists\r\nDone in /stag", "ing/1/x\n", "no newline"] {
            lines.push(chunk, &emit);
        }
        lines.end(&emit);
        let told = ["Reading package lists", "Done in /home/me/ops/x", "no newline"];
        assert_eq!(seen.lock().unwrap().as_slice(), told);
        assert!(lines.kept.ends_with("no newline\n"));
        lines.push(&format!("{REPORT_MARK}\n{{\"file\":\"/staging/1/x\"}}\n"), &emit);
        assert_eq!(lines.report.as_deref(), Some("{\"file\":\"/home/me/ops/x\"}\n"));
        assert_eq!(seen.into_inner().unwrap(), told);
    }
}
