//! `ansible` steps: the team's own playbook, run by `ansible-playbook` of this host over one or several machines at once.
//!
//! Production's inventory is read and left as it is; only machines of the stack are ever reached. Containers need neither sshd
//! nor a tool of the engine: our own connection plugin goes through `envup exec`.

mod digest;
mod galaxy;
mod inventory;
mod overlay;
mod place;
mod results;
mod session;
mod vault;

pub use inventory::of_host;

use super::host_run::Ended;
use super::{Applied, Failure, HostTool, Provisioner, Target, Workshop, inputs, record};
use crate::event::{Context, Event};
use crate::model::step::{Ansible, Step, Tool};
use crate::model::{Error, Result};
use envup_agent::{StepReply, StepStatus};
use results::{Fate, Results, Task};
use session::{PLAYBOOK, Session, tell};
use std::ffi::OsString;
use std::fs;
use std::time::Instant;

/// Runs playbooks.
pub struct AnsibleProvisioner;

impl Provisioner for AnsibleProvisioner {
    fn validate(&self, step: &Step) -> Result<()> {
        inputs::exist(step, &ansible(step)?.playbook)
    }

    fn inputs(&self, step: &Step) -> Result<String> {
        let mut digester = inputs::begin(step)?;
        digest::add(&mut digester, ansible(step)?)?;
        Ok(digester.finish())
    }

    fn prepare(
        &self,
        step: &Step,
        machines: &[&str],
        workshop: &Workshop<'_>,
        context: &Context,
    ) -> Result<()> {
        context.emit(Event::Doing { machine: None, what: format!("checking {}", step.name) });
        let session = Session::open(step, ansible(step)?, machines, workshop, context)?;
        check_vault(&session, context)?;
        let mut arguments = session.arguments();
        arguments.extend(["--syntax-check".into(), session.ansible.playbook.clone().into_os_string()]);
        session.ask(PLAYBOOK, arguments, "its playbook is wrong", context).map(drop)
    }

    /// A playbook may do anything, so consent is to all that it reads.
    fn on_host(&self, step: &Step) -> Result<Option<HostTool>> {
        let program = ansible(step)?.playbook.clone();
        Ok(Some(HostTool { tool: PLAYBOOK, program, digest: self.inputs(step)? }))
    }

    fn apply(&self, step: &Step, digest: &str, target: &Target<'_>, context: &Context) -> Result<Applied> {
        let mut all = self.apply_to_all(step, digest, std::slice::from_ref(target), context);
        all.pop().unwrap_or_else(|| Err(super::crashed()))
    }

    fn apply_to_all(
        &self,
        step: &Step,
        digest: &str,
        targets: &[Target<'_>],
        context: &Context,
    ) -> Vec<Result<Applied>> {
        match play(step, digest, targets, context) {
            Ok(applied) => applied.into_iter().map(Ok).collect(),
            Err(error) => targets.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

fn ansible(step: &Step) -> Result<&Ansible> {
    match &step.tool {
        Tool::Ansible(ansible) => Ok(ansible),
        _ => Err(Error::failed(format!("step {} is not an ansible step", step.name))),
    }
}

/// One run over all targets.
fn play(step: &Step, digest: &str, targets: &[Target<'_>], context: &Context) -> Result<Vec<Applied>> {
    let members: Vec<&str> = targets.iter().map(|target| target.machine).collect();
    let Some(workshop) = targets.first().map(|target| target.workshop) else { return Ok(Vec::new()) };
    let session = Session::open(step, ansible(step)?, &members, workshop, context)?;
    record::begins(step, digest, targets, context)?;
    let begin = Instant::now();
    let emit = |text| tell(context, step, &members, text);
    let ended = session.run(PLAYBOOK, arguments(&session), None, &emit, context)?;
    let seconds = begin.elapsed().as_secs_f64();
    let results = Results::read(&fs::read_to_string(session.place.at("results")).unwrap_or_default());
    let host = |machine: &str| session.names.get(machine).map_or(machine, String::as_str).to_owned();
    let fates: Vec<Fate> = members.iter().map(|machine| results.fate(&host(machine))).collect();
    if ended.code == 0 && fates.iter().all(|fate| *fate == Fate::Untouched) {
        let hosts = members.iter().map(|machine| host(machine)).collect::<Vec<_>>().join(", ");
        return Err(Error::failed(format!("no play of step {} is about {hosts}", step.name)).hint(
            "`groups` puts machines into the groups that plays name, `hosts` says which host of the inventory each one is",
        ));
    }
    if ended.code != 0 && !fates.iter().any(|fate| matches!(fate, Fate::Failed(_))) {
        // Something failed that is none of the machines, such as a play about this host.
        let why = results
            .failed
            .last()
            .map_or_else(|| session.complaint(&ended.said), |(_, task)| says(&session, task));
        return Err(
            Error::failed(format!("step {}: {PLAYBOOK} exited {}", step.name, ended.code)).detail(why)
        );
    }
    let mut all = Vec::new();
    for (target, fate) in targets.iter().zip(fates) {
        let applied = applied(&session, &ended, fate, results.changes(&host(target.machine)), seconds);
        // What was done before others failed is not all that was to be done.
        if ended.code == 0 || applied.reply.status == StepStatus::Failed {
            record::ended(step, digest, target, &applied.reply, context)?;
        }
        all.push(applied);
    }
    Ok(all)
}

fn arguments(session: &Session<'_>) -> Vec<OsString> {
    let ansible = session.ansible;
    let mut arguments = session.arguments();
    for (option, values) in [("--tags", &ansible.tags), ("--skip-tags", &ansible.skip_tags)] {
        if !values.is_empty() {
            arguments.extend([option.into(), values.join(",").into()]);
        }
    }
    if ansible.becomes {
        arguments.push("--become".into());
    }
    arguments.extend(ansible.options.iter().map(OsString::from));
    arguments.push(ansible.playbook.clone().into_os_string());
    arguments
}

fn applied(session: &Session<'_>, ended: &Ended, fate: Fate, changes: Vec<String>, seconds: f64) -> Applied {
    let mut failure = None;
    let status = match fate {
        Fate::Done { changed: true } => StepStatus::Changed,
        Fate::Done { changed: false } | Fate::Untouched => StepStatus::Unchanged,
        Fate::Failed(task) => {
            let says = task.map_or_else(|| session.complaint(&ended.said), |task| says(session, &task));
            failure = Some(Failure { says: Some(says), hint: None });
            StepStatus::Failed
        }
    };
    let reply = StepReply { status, exit_code: Some(ended.code), signal: None, seconds, attached: false };
    let (output, report) = (ended.said.clone(), String::new());
    Applied { reply, output, report, failure, changes: Some(changes) }
}

/// A failed task in a few lines: which, where, and the module's own words.
fn says(session: &Session<'_>, task: &Task) -> String {
    let how = if task.unreachable { "unreachable in task" } else { "failed: task" };
    let path = session.workshop.shown(&task.path);
    format!("{how} {} ({path})\n{}", task.name, task.message)
}

/// Decrypts everything that is encrypted, to nowhere: a wrong password is told now.
fn check_vault(session: &Session<'_>, context: &Context) -> Result<()> {
    let texts = vault::texts(session.ansible);
    if texts.is_empty() {
        return Ok(());
    }
    let mut arguments: Vec<OsString> = vec!["view".into()];
    arguments.extend(session.vault());
    let mut names = Vec::new();
    for (number, (path, text)) in texts.iter().enumerate() {
        let copy = session.place.write(&format!("vault/{number}"), text.as_bytes())?;
        names.push((copy.display().to_string(), session.workshop.shown(&path.display().to_string())));
        arguments.push(copy.into_os_string());
    }
    let ended = session.run("ansible-vault", arguments, Some("/dev/null".into()), &|_| {}, context)?;
    if ended.code == 0 {
        return Ok(());
    }
    // Longer numbers first, lest one is the beginning of another.
    let complaint = session.complaint(&ended.said);
    let named = names.iter().rev().fold(complaint, |text, (copy, name)| text.replace(copy, name));
    Err(Error::failed(format!("step {}: what is encrypted cannot be read", session.step.name))
        .detail(named)
        .hint("`vault_password_file` or `vault` of the step says where the password comes from"))
}
