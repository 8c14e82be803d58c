//! The command line: one file for each verb, which parses, calls one engine function and hands the result to a view.
//!
//! The only room that names clap; with `state` the only one that reads the environment.

mod accept;
mod agree;
mod allow;
mod boxes;
mod bring;
mod candidates;
mod capture;
mod completions;
mod copy;
mod destroy;
mod drift;
mod exec;
mod folder;
mod help;
mod interrupt;
mod inventory;
mod layers;
mod list;
mod logs;
mod matrix;
mod new;
mod options;
mod plan;
mod port;
mod provision;
mod prune;
mod rebuild;
mod reference;
mod remote;
mod restart;
mod session;
mod shell;
mod snapshot;
mod ssh_config;
mod status;
mod stop;
mod surroundings;
mod terminal;
mod up;
mod usage;
mod validate;
mod version;
mod vms;
mod watch;

use crate::model::{Kind, Result};
use crate::provider::Make;
use crate::ui::printer::{Printer, Verbosity};
use crate::ui::{error, exit};
use clap::{Arg, ArgAction, CommandFactory, Parser, Subcommand};
use session::{Program, Session};
use std::ffi::OsString;
use std::path::Path;
use surroundings::Surroundings;

/// Bring a stack of machines up from an Envfile
#[derive(Debug, Parser)]
#[command(
    name = "env",
    version,
    disable_help_subcommand = true,
    disable_help_flag = true,
    subcommand_required = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    max_term_width = 100,
    after_help = "\
The loop: env plan → env up → change something → env up.
Everything else that follows `env` goes to the system's env, as ever; `envup` is the same program under a name of its own.

See `env help VERB` for a verb, `env help envfile` for all keys of an Envfile."
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(new::New),
    Validate(validate::Validate),
    Plan(plan::PlanVerb),
    Up(up::Up),
    Status(status::Status),
    Drift(drift::Drift),
    Accept(accept::Accept),
    Capture(capture::Capture),
    Matrix(matrix::Matrix),
    Shell(shell::Shell),
    Exec(exec::Exec),
    Copy(copy::Copy),
    Logs(logs::Logs),
    Provision(provision::Provision),
    Port(port::Port),
    Stop(stop::Stop),
    Restart(restart::Restart),
    Rebuild(rebuild::Rebuild),
    Snapshot(snapshot::SnapshotVerb),
    Destroy(destroy::Destroy),
    List(list::List),
    Prune(prune::Prune),
    Allow(allow::Allow),
    #[command(name = "ssh-config")]
    SshConfig(ssh_config::SshConfig),
    Inventory(inventory::Inventory),
    Box(boxes::Boxes),
    Layer(layers::LayerVerb),
    Folder(folder::FolderVerb),
    Completions(completions::Completions),
    Help(help::Help),
    Version(version::Version),
}

/// Runs one command line and says what to exit with.
pub fn run(args: Vec<OsString>, providers: &'static [Make]) -> u8 {
    let surroundings = match Surroundings::of_this_process() {
        Ok(surroundings) => surroundings,
        Err(failure) => {
            let printer = Printer::new(crate::ui::screen::Screen::PLAIN, Verbosity::Normal);
            return fail(&failure, &printer);
        }
    };
    let printer = Printer::new(surroundings.screen, Verbosity::Normal);
    let mut command = command(&args);
    let verb = match parse(&mut command, args.clone()) {
        Ok(verb) => verb,
        Err(wrong) => return usage::report(&wrong, &printer),
    };
    let session = match Session::begin(surroundings, Program { args, providers }, verb.output()) {
        Ok(session) => session,
        Err(failure) => return fail(&failure, &printer),
    };
    let code = verb.run(&session).unwrap_or_else(|failure| fail(&failure, &session.printer));
    // Whoever redirects a result into a file must not take half of it for the whole.
    session.printer.take_loss().map_or(code, |loss| fail(&loss, &session.printer))
}

/// The parser; in help and errors it bears the name that the program was called by.
fn command(args: &[OsString]) -> clap::Command {
    let program = args.first().and_then(|program| Path::new(program).file_name());
    let name = if program.is_some_and(|name| name == "envup") { "envup" } else { "env" };
    CommandLine::command().name(name).bin_name(name).arg(help_option())
}

/// One kind of help for `-h`, `--help` and `env help`: short, a line for each option.
fn help_option() -> Arg {
    Arg::new("help").long("help").short('h').help("Print help").action(ArgAction::HelpShort).global(true)
}

fn parse(command: &mut clap::Command, args: Vec<OsString>) -> Result<Verb, clap::Error> {
    use clap::FromArgMatches;
    let matches = command.try_get_matches_from_mut(args).map_err(usage::with_our_verb)?;
    let parsed = CommandLine::from_arg_matches(&matches);
    parsed.map(|parsed| parsed.verb).map_err(|error| error.format(command))
}

fn fail(failure: &crate::model::Error, printer: &Printer) -> u8 {
    // Who interrupts knows it, unless there is more to say than that.
    let silent = failure.kind == Kind::Interrupted && failure.hints.is_empty() && failure.detail.is_none();
    if !silent || printer.verbosity() == Verbosity::Verbose {
        printer.error(&error::render(failure, printer.paint_notes()));
    }
    exit::of(failure.kind)
}

/// Calls the same method of every verb's type.
macro_rules! each_verb {
    ($self:ident, $verb:ident => $call:expr) => {
        match $self {
            Verb::New($verb) => $call,
            Verb::Validate($verb) => $call,
            Verb::Plan($verb) => $call,
            Verb::Up($verb) => $call,
            Verb::Status($verb) => $call,
            Verb::Drift($verb) => $call,
            Verb::Accept($verb) => $call,
            Verb::Capture($verb) => $call,
            Verb::Matrix($verb) => $call,
            Verb::Shell($verb) => $call,
            Verb::Exec($verb) => $call,
            Verb::Copy($verb) => $call,
            Verb::Logs($verb) => $call,
            Verb::Provision($verb) => $call,
            Verb::Port($verb) => $call,
            Verb::Stop($verb) => $call,
            Verb::Restart($verb) => $call,
            Verb::Rebuild($verb) => $call,
            Verb::Snapshot($verb) => $call,
            Verb::Destroy($verb) => $call,
            Verb::List($verb) => $call,
            Verb::Prune($verb) => $call,
            Verb::Allow($verb) => $call,
            Verb::SshConfig($verb) => $call,
            Verb::Inventory($verb) => $call,
            Verb::Box($verb) => $call,
            Verb::Layer($verb) => $call,
            Verb::Folder($verb) => $call,
            Verb::Completions($verb) => $call,
            Verb::Help($verb) => $call,
            Verb::Version($verb) => $call,
        }
    };
}

/// What every verb can do.
trait Run {
    /// What is said, and how.
    fn output(&self) -> &options::Output;
    /// Does it; gives the exit code.
    fn run(self, session: &Session) -> Result<u8>;
}

impl Verb {
    fn output(&self) -> &options::Output {
        each_verb!(self, verb => verb.output())
    }

    fn run(self, session: &Session) -> Result<u8> {
        each_verb!(self, verb => verb.run(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        CommandLine::command().debug_assert();
    }

    /// What the name `env` lets through to us and what we understand must be the same words.
    #[test]
    fn our_verbs_are_those_that_are_not_passed_through() {
        let command = CommandLine::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names, crate::passthrough::VERBS);
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in CommandLine::command().get_subcommands() {
            assert!(verb.get_after_help().is_some(), "{}", verb.get_name());
        }
    }
}
