//! `env help`.

use super::Run;
use super::options::Output;
use super::session::Session;
use super::usage;
use crate::envfile;
use crate::model::{Error, Result};
use crate::ui::{exit, json};
use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

/// Show help: for all verbs, for one, or for the keys of an Envfile
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env help
  env help up
  env help envfile")]
pub struct Help {
    /// A verb, or `envfile`
    #[arg(value_name = "TOPIC", add = ArgValueCandidates::new(super::candidates::topics))]
    topic: Vec<String>,
    #[command(flatten)]
    output: Output,
}

impl Run for Help {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        if self.topic == ["envfile"] {
            self.show(session, &envfile::help_text());
            return Ok(exit::DONE);
        }
        let mut root = super::command(&[]);
        root.build();
        let mut command = &mut root;
        for word in &self.topic {
            let known: Vec<String> =
                command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
            command = match command.find_subcommand_mut(word) {
                Some(verb) => verb,
                None => return Err(unknown(word, &known)),
            };
        }
        let text = command.render_help();
        let coloured = session.printer.paint().on && !session.json;
        self.show(session, &if coloured { text.ansi().to_string() } else { text.to_string() });
        Ok(exit::DONE)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    topic: &'a [String],
    text: &'a str,
}

impl Help {
    fn show(&self, session: &Session, text: &str) {
        if session.json {
            json::document(&session.printer, &Document { topic: &self.topic, text });
        } else {
            session.printer.result(text);
        }
    }
}

fn unknown(word: &str, known: &[String]) -> Error {
    let error = Error::usage(format!("there is no help on `{word}`"));
    if let Some(verb) = usage::ours(word) {
        return error.hint(format!("did you mean `{verb}`?"));
    }
    let nearest = known.iter().map(String::as_str).chain(["envfile"]);
    match nearest.min_by_key(|name| strsim::damerau_levenshtein(name, word)) {
        Some(name) if strsim::damerau_levenshtein(name, word) <= 2 => {
            error.hint(format!("did you mean `{name}`?"))
        }
        _ => error.hint("`env help` lists all verbs"),
    }
}
