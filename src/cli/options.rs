//! Options that many verbs have; they follow the verb, because what comes before belongs to the system's `env`.

use crate::engine::{self, World};
use crate::model::Result;
use crate::model::drift::Level;
use crate::model::stack::Stack;
use crate::ui::printer::Verbosity;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::ArgValueCandidates;
use std::collections::BTreeSet;
use std::path::PathBuf;

const HEADING: &str = "Common options";

/// What is said, and how.
#[derive(Debug, Clone, Default, Args)]
pub struct Output {
    /// Results as JSON on stdout, one document or one line for each event
    #[arg(long, help_heading = HEADING)]
    pub json: bool,
    /// Results and errors only
    #[arg(long, short, help_heading = HEADING, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also what builds and steps write
    #[arg(long, short, help_heading = HEADING)]
    pub verbose: bool,
}

impl Output {
    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// Which stack.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// The Envfile, instead of the nearest one upwards from here [env: ENVUP_FILE]
    #[arg(long, value_name = "PATH", help_heading = HEADING)]
    pub file: Option<PathBuf>,
    /// The environment: a named variant of the stack
    #[arg(long = "env", value_name = "NAME", help_heading = HEADING,
        add = ArgValueCandidates::new(super::candidates::environments))]
    pub environment: Option<String>,
    /// Name of a further copy of the stack beside the first
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    pub name: Option<String>,
    /// What is said, and how.
    #[command(flatten)]
    pub output: Output,
}

/// Which machines.
#[derive(Debug, Clone, Default, Args)]
pub struct Machines {
    /// Machines, by name or pattern such as `web-*`; all when none is given
    #[arg(value_name = "MACHINE", add = ArgValueCandidates::new(super::candidates::machines))]
    pub machines: Vec<String>,
}

impl Machines {
    /// Those of the Envfile that are meant; empty when all are.
    pub fn chosen(&self, stack: &Stack) -> Result<BTreeSet<String>> {
        if self.machines.is_empty() {
            return Ok(BTreeSet::new());
        }
        engine::select(&self.machines, stack.machines.keys().map(String::as_str))
    }

    /// Those that are meant of all that exist, also of those that left the Envfile.
    pub fn existing(&self, world: &World) -> Result<BTreeSet<String>> {
        let observed = engine::observe(world)?.observed;
        let existing: BTreeSet<&str> =
            observed.machines.iter().map(|machine| machine.name.as_str()).collect();
        let known = existing.iter().copied().chain(world.stack.machines.keys().map(String::as_str));
        let mut chosen = engine::select(&self.machines, known)?;
        chosen.retain(|name| existing.contains(name.as_str()));
        Ok(chosen)
    }
}

/// What to do when somebody else works on the stack.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Waiting {
    /// Fail with 75 when another process works on the stack, instead of waiting for it
    #[arg(long, help_heading = HEADING)]
    pub no_wait: bool,
}

/// What the user agrees to beforehand.
#[derive(Debug, Clone, Default, Args)]
pub struct Consent {
    /// Agree to what the Envfile does to this host, by the hash that `env allow` shows
    #[arg(long, value_name = "HASH")]
    pub allow: Option<String>,
    /// Replace machines made from a box without asking
    #[arg(long)]
    pub replace: bool,
}

/// What every verb that brings machines up takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Bringing {
    #[command(flatten)]
    pub machines: Machines,
    #[command(flatten)]
    pub consent: Consent,
    /// Start new machines from their boxes and run all steps: neither use nor keep layers
    #[arg(long)]
    pub no_layers: bool,
    #[command(flatten)]
    pub waiting: Waiting,
    #[command(flatten)]
    pub which: Which,
}

/// The words of `--level`.
pub fn levels() -> impl TypedValueParser<Value = Level> {
    let named = |word: String| Level::ALL.into_iter().find(|level| level.as_str() == word);
    PossibleValuesParser::new(Level::ALL.map(Level::as_str)).map(move |word| named(word).unwrap_or_default())
}
