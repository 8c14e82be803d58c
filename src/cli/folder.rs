//! `env folder`: send and watch.

use super::Run;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use crate::engine::{self, Sent, World};
use crate::model::Result;
use crate::ui::exit;
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde_json::json;

/// Copy the folders of VMs again: once, or whenever they change
#[derive(Debug, Args)]
#[command(after_help = "\
`env up` copies the `sync` folders of a VM when it makes or starts it, and before it runs steps. What is deleted on
this host is deleted in the machine; what the Envfile excludes is left alone there. Containers see their folders as
they are.

Examples:
  env folder send           all folders of all VMs, once
  env folder watch web      those of web, now and whenever something in them changes, until Ctrl-C")]
pub struct FolderVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Send(Send),
    Watch(Watch),
}

/// Copy folders once
#[derive(Debug, Args)]
#[command(after_help = "Example: env folder send web")]
struct Send {
    #[command(flatten)]
    what: What,
}

/// Copy folders now and whenever something in them changes, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "Example: env folder watch")]
struct Watch {
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
struct What {
    /// The machines; all when none is given
    #[arg(value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    machines: Vec<String>,
    #[command(flatten)]
    which: Which,
}

impl FolderVerb {
    fn what(&self) -> &What {
        match &self.verb {
            Verb::Send(verb) => &verb.what,
            Verb::Watch(verb) => &verb.what,
        }
    }
}

impl Run for FolderVerb {
    fn output(&self) -> &Output {
        &self.what().which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let what = self.what();
        let world = session.open(&what.which, Purpose::Look)?;
        let known = world.stack.machines.keys().map(String::as_str);
        let chosen = engine::select(&what.machines, known)?;
        let context = session.context();
        let mut tell = |sent: Sent<'_>| tell(session, &world, &sent);
        match self.verb {
            Verb::Send(_) => engine::send_folders(&world, &chosen, &mut tell, &context)?,
            Verb::Watch(_) => engine::watch_folders(&world, &chosen, &mut tell, &context)?,
        }
        Ok(exit::DONE)
    }
}

/// A line for each copy, as it is done.
fn tell(session: &Session, world: &World, sent: &Sent<'_>) -> Result<()> {
    let folder = sent.folder;
    let line = if session.json {
        json!({ "version": 1, "machine": sent.machine, "from": folder.host, "to": folder.guest }).to_string()
    } else {
        let shown = folder.host.strip_prefix(&world.stack.directory).ok();
        let shown = shown.filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(&folder.host);
        format!("{}  {} → {}", sent.machine, shown.display(), folder.guest)
    };
    session.printer.result(&format!("{line}\n"));
    Ok(())
}
