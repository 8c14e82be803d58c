//! `env layer`: list, remove, prune.

use super::Run;
use super::agree;
use super::options::{Output, Which};
use super::session::Session;
use crate::engine;
use crate::envfile;
use crate::model::digest::short;
use crate::model::layer::{KeptLayer, LayerSettings, Removed};
use crate::model::{Error, Result};
use crate::state::{Directories, LayerRecords};
use crate::ui::human::count;
use crate::ui::{exit, human, json};
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// List, remove and prune layers: provisioned disks that new machines start from
#[derive(Debug, Args)]
#[command(after_help = "\
`env up` makes a layer of a box after its last step without `layer = false`, and removes by itself what is
too old or too much. `env up --no-layers` does without.

Examples:
  env layer list
  env layer remove 4be1c0ffee12
  env layer prune --all")]
pub struct LayerVerb {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Remove(Remove),
    Prune(Prune),
}

/// List the layers that are kept
#[derive(Debug, Args)]
#[command(after_help = "Example: env layer list --json")]
struct List {
    #[command(flatten)]
    output: Output,
}

/// Let go of layers; machines made from them keep theirs until they are gone
#[derive(Debug, Args)]
#[command(after_help = "Example: env layer remove 4be1c0ffee12")]
struct Remove {
    /// The layers, by the beginning of their name
    #[arg(value_name = "LAYER", required = true, add = ArgValueCandidates::new(super::candidates::layers))]
    layers: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Let go of layers that are too old or too much, by the Envfile that is near, if any
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env layer prune
  env layer prune --all --yes     every layer that no machine uses, without asking")]
struct Prune {
    /// All layers, however young
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

impl Run for LayerVerb {
    fn output(&self) -> &Output {
        match &self.verb {
            Verb::List(verb) => &verb.output,
            Verb::Remove(verb) => &verb.output,
            Verb::Prune(verb) => &verb.output,
        }
    }

    fn run(self, session: &Session) -> Result<u8> {
        let directories = Directories::from_environment()?;
        let records = LayerRecords::of(&directories);
        let providers = session.all_providers(&directories);
        match self.verb {
            Verb::List(_) => list(session, &engine::kept_layers(&providers, &records)?),
            Verb::Remove(verb) => {
                let removed = engine::remove_layers(&providers, &records, &verb.layers)?;
                tell(session, &removed);
                if let Some(key) = removed.in_use.first() {
                    return Err(Error::failed(format!("layer {} is in use", short(key)))
                        .hint("`env list` shows the stacks; `env destroy` takes one down"));
                }
            }
            Verb::Prune(verb) => {
                if verb.all {
                    agree::to_losing(session, "Remove all layers that no machine uses?", verb.yes)?;
                }
                let settings = settings(session)?;
                tell(session, &engine::prune_layers(&providers, &records, &settings, verb.all)?);
            }
        }
        Ok(exit::DONE)
    }
}

fn settings(session: &Session) -> Result<LayerSettings> {
    match envfile::find(&session.surroundings.directory) {
        Some(_) => Ok(session.load(&Which::default())?.stack.layers),
        None => Ok(LayerSettings::default()),
    }
}

fn list(session: &Session, layers: &[KeptLayer]) {
    #[derive(Serialize)]
    struct Document<'a> {
        layers: &'a [KeptLayer],
    }
    if session.json {
        json::document(&session.printer, &Document { layers });
    } else {
        session.printer.result(&human::layers(layers, crate::state::now(), session.printer.paint()));
    }
}

fn tell(session: &Session, removed: &Removed) {
    if session.json {
        json::document(&session.printer, removed);
        return;
    }
    let mut said = match removed.removed.len() {
        0 => "no layer gone".to_owned(),
        number => format!("{} gone", count(number, "layer")),
    };
    if !removed.in_use.is_empty() {
        said += &format!(" · {} still in use", removed.in_use.len());
    }
    session.printer.summary(&said);
}
