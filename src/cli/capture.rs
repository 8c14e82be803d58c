//! `env capture`.

use super::Run;
use super::options::{Machines, Output, Which, levels};
use super::session::{Purpose, Session};
use crate::engine::{self, Captured, World};
use crate::model::drift::Level;
use crate::model::{Error, Result};
use crate::state::{Access, CAPTURES_DIRECTORY, create_directory, sign, write_bytes, write_capture};
use crate::transport::agent::AGENT;
use crate::ui::{error, exit, json};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Keep the fingerprints of an environment, for git or to be carried; exit 3 when not everything could be read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env capture --env production
  env capture --env production --sign ~/.ssh/id_ed25519
  env capture --out /media/usb/shop
A machine that cannot be reached from here:
  env capture --kit kit && scp -r kit db1:/tmp
  ssh db1 '/tmp/kit/envup-agent < /tmp/kit/request; rm -r /tmp/kit' > db1.answer
  env capture --env production --import db=db1.answer")]
pub struct Capture {
    #[command(flatten)]
    machines: Machines,
    /// Where to, instead of `fingerprints/ENVIRONMENT` beside the Envfile
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// How much is looked at: no files, files that can have changed, or all files
    #[arg(long, value_parser = levels())]
    level: Option<Level>,
    /// Sign the capture with this key, as `ssh-keygen -Y sign` does
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Write the agent and its request into a directory, to be carried to a machine that cannot be reached
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["out", "sign", "import"])]
    kit: Option<PathBuf>,
    /// Take in what the agent answered there; several are possible
    #[arg(long, value_name = "MACHINE=FILE", conflicts_with = "machines", value_parser = import)]
    import: Vec<(String, PathBuf)>,
    #[command(flatten)]
    which: Which,
}

impl Run for Capture {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let level = self.level.unwrap_or(world.stack.drift.level);
        if let Some(directory) = &self.kit {
            return write_kit(session, &world, directory, level);
        }
        let directory = match &self.out {
            Some(out) => session.surroundings.directory.join(out),
            None => capture_directory(&world.stack.directory, &world.stack.environment),
        };
        let captured = match self.import.is_empty() {
            true => {
                let machines = self.machines.chosen(&world.stack)?;
                engine::capture(&world, &machines, level, &session.context())?
            }
            false => imported(&self.import)?,
        };
        // What was not asked for, or out of reach, stays as it was captured.
        let asked_for_all = self.import.is_empty() && self.machines.machines.is_empty();
        let stays = |node: &str| !asked_for_all || captured.failed.iter().any(|(failed, _)| failed == node);
        let manifest = write_capture(&directory, &world.stack.environment, &captured.texts, stays)?;
        if let Some(key) = &self.sign {
            sign(&manifest, key)?;
        }
        tell(session, &world, &directory, &captured);
        Ok(if captured.failed.is_empty() { exit::DONE } else { exit::INCOMPLETE })
    }
}

/// Where captures of an environment lie beside an Envfile.
pub fn capture_directory(stack: &Path, environment: &str) -> PathBuf {
    stack.join(CAPTURES_DIRECTORY).join(environment)
}

fn import(text: &str) -> std::result::Result<(String, PathBuf), String> {
    let (machine, file) = text.split_once('=').ok_or("it is not MACHINE=FILE")?;
    Ok((machine.to_owned(), file.into()))
}

fn imported(files: &[(String, PathBuf)]) -> Result<Captured> {
    let mut captured = Captured::default();
    for (machine, file) in files {
        let answer = std::fs::read(file)
            .map_err(|error| Error::failed(format!("cannot read {}", file.display())).because(error))?;
        captured.texts.insert(machine.clone(), engine::imported(&answer)?);
    }
    Ok(captured)
}

fn write_kit(session: &Session, world: &World, directory: &Path, level: Level) -> Result<u8> {
    create_directory(directory, Access::Private)?;
    let agent = directory.join("envup-agent");
    write_bytes(&agent, Access::Program, AGENT)?;
    let request = engine::request_line(world, level)? + "\n";
    write_bytes(&directory.join("request"), Access::Private, request.as_bytes())?;
    let shown = directory.display();
    if session.json {
        json::document(&session.printer, &json!({ "directory": directory }));
    } else {
        session.printer.result(&format!(
            "Copy {shown} to /tmp of the machine, run this there as root, and take the answer in with --import:\n  \
             /tmp/kit/envup-agent < /tmp/kit/request > machine.answer"
        ));
        session
            .printer
            .note("`request` holds the key of this checkout's keyed digests: remove it there afterwards");
    }
    Ok(exit::DONE)
}

fn tell(session: &Session, world: &World, directory: &Path, captured: &Captured) {
    for (_, failure) in &captured.failed {
        session.printer.error(&error::render(failure, session.printer.paint_notes()));
    }
    if session.json {
        let failed: Vec<&str> = captured.failed.iter().map(|(name, _)| name.as_str()).collect();
        let machines: Vec<&String> = captured.texts.keys().collect();
        let environment = &world.stack.environment;
        let document = json!({
            "project": world.stack.name, "environment": environment, "directory": directory,
            "complete": failed.is_empty(), "machines": machines, "failed": failed,
        });
        json::document(&session.printer, &document);
    } else {
        for machine in captured.texts.keys() {
            session.printer.result(&format!("{}\n", directory.join(format!("{machine}.json")).display()));
        }
    }
}
