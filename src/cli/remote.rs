//! A command in a machine with the user's streams: input passed on, output as it comes, a terminal when there is one.

use super::session::Session;
use super::terminal;
use crate::engine::{self, World};
use crate::model::machine::Machine;
use crate::model::{Error, Kind, Result};
use crate::transport::{Command, Output, Stdin, TerminalSize};
use crate::ui::printer::Printer;
use crate::ui::{error, exit};
use clap::Args;
use std::collections::BTreeMap;

/// Asked of when the terminal's size is not known.
const USUAL_SIZE: (u16, u16) = (80, 24);

/// How a command runs.
#[derive(Debug, Clone, Args)]
pub struct Remote {
    /// Who runs it: user or user:group; root when not given
    #[arg(long, short, value_name = "USER")]
    user: Option<String>,
    /// Where it runs
    #[arg(long, short, value_name = "DIRECTORY")]
    workdir: Option<String>,
    /// A variable for it
    #[arg(long = "set", short = 'e', value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
    /// Give it a terminal, even when input or output is none [default: when both are]
    #[arg(long, short, overrides_with = "no_tty")]
    tty: bool,
    /// Give it no terminal
    #[arg(long, short = 'T', overrides_with = "tty")]
    no_tty: bool,
    /// Give it nothing to read
    #[arg(long, short)]
    no_stdin: bool,
}

impl Remote {
    /// Runs it; its exit code is the result.
    pub fn run(&self, session: &Session, world: &World, machine: &str, argv: Vec<String>) -> Result<u8> {
        let (node, machine) = only(world, machine)?;
        let screen = session.surroundings.screen;
        let with_terminal = self.tty
            || !self.no_tty && screen.stdin_is_terminal && screen.stdout_is_terminal && !self.no_stdin;
        // As in a login: the engine knows only what a machine was created with, and boxes change theirs while they live.
        let mut env = if machine.is_box() { machine.env.clone() } else { BTreeMap::new() };
        env.extend(self.set.iter().cloned());
        if let Some(term) = session.surroundings.variable("TERM").filter(|_| with_terminal) {
            env.entry("TERM".to_owned()).or_insert(term.to_owned());
        }
        let command = Command {
            argv,
            env,
            working_dir: self.workdir.clone(),
            user: self.user.clone(),
            stdin: if self.no_stdin { Stdin::Empty } else { Stdin::Stream(Box::new(std::io::stdin())) },
            terminal: with_terminal
                .then(|| -> TerminalSize { Box::new(|| terminal::size().unwrap_or(USUAL_SIZE)) }),
        };
        let transport = engine::connect(world, &node)?;
        let raw = (with_terminal && screen.stdin_is_terminal).then(terminal::raw).transpose()?;
        let exit = transport.exec(command, &mut Through(&session.printer), &session.context());
        drop(raw);
        engine::settle(world, &machine.name, &session.context());
        if let Some(loss) = session.printer.take_loss() {
            return Err(loss);
        }
        if session.printer.reader_left() {
            return Ok(exit::READER_LEFT);
        }
        let exit = exit?;
        Ok(u8::try_from(exit.code).unwrap_or(exit::OWN_FAILURE))
    }
}

/// The one machine that a name or pattern means; of several hosts that are one machine, the one of that name.
fn only<'a>(world: &'a World, pattern: &str) -> Result<(String, &'a Machine)> {
    let machines = world.stack.machines.values();
    let mut nodes: BTreeMap<String, &Machine> =
        machines.flat_map(|machine| machine.nodes().into_iter().map(move |node| (node, machine))).collect();
    let chosen = engine::select(&[pattern.to_owned()], nodes.keys().map(String::as_str))?;
    nodes.retain(|node, _| chosen.contains(node));
    match nodes.pop_first() {
        Some(only) if nodes.is_empty() => Ok(only),
        _ => {
            let names = chosen.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            Err(Error::usage(format!("`{pattern}` means several machines"))
                .hint(format!("name one: {names}")))
        }
    }
}

/// Our own failures must not look like the command's.
pub fn own_failures(session: &Session, work: impl FnOnce() -> Result<u8>) -> Result<u8> {
    work().or_else(|failure| {
        if failure.kind == Kind::Interrupted {
            return Err(failure);
        }
        session.printer.error(&error::render(&failure, session.printer.paint_notes()));
        Ok(exit::OWN_FAILURE)
    })
}

/// Passes output on as it comes; a command that writes to nobody is not waited for.
struct Through<'a>(&'a Printer);

impl Output for Through<'_> {
    fn stdout(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.result_bytes(bytes);
        if self.0.reader_left() { Err(Error::failed("nobody reads the output any more")) } else { Ok(()) }
    }

    fn stderr(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.error_bytes(bytes);
        Ok(())
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("this is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
