//! `env new`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::envfile::FILE_NAME;
use crate::model::error::Attempt;
use crate::model::{Error, Result, id};
use crate::ui::{exit, json};
use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Write an Envfile to begin with; never overwrites one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env new                       a machine that lives like a server, from debian/12
  env new --image nginx:1.27    a machine that runs an image's command
  env new --directory shop")]
pub struct New {
    /// The box that its machine is made from
    #[arg(long, value_name = "BOX", default_value = "debian/12", conflicts_with = "image", add = ArgValueCandidates::new(super::candidates::recipes))]
    r#box: String,
    /// An image for its machine, instead of a box
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Where it is written, made when it is missing
    #[arg(long, value_name = "PATH", default_value = ".")]
    directory: PathBuf,
    /// The stack's name; the directory's when not given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Document<'a> {
    file: &'a str,
}

impl Run for New {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let directory = session.surroundings.directory.join(&self.directory);
        fs::create_dir_all(&directory).attempt(|| format!("cannot make {}", directory.display()))?;
        let directory =
            directory.canonicalize().attempt(|| format!("cannot enter {}", directory.display()))?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => derived_name(&directory.file_name().unwrap_or_default().to_string_lossy()),
        };
        if let Some(why) = id::why_bad_name(&name) {
            return Err(Error::usage(format!("the name `{name}` {why}")).hint("--name gives another"));
        }
        let file = directory.join(FILE_NAME);
        let source = self.image.as_ref().unwrap_or(&self.r#box);
        if source.is_empty()
            || source.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\'))
        {
            return Err(Error::usage(format!("`{source}` is the name of no box or image")));
        }
        let attempt = || format!("cannot write {}", file.display());
        let mut opened = match File::create_new(&file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::usage(format!("{} is there already", file.display()))
                    .hint("`env validate` checks it, `env up` brings it up"));
            }
            result => result.attempt(attempt)?,
        };
        opened.write_all(self.text(&name).as_bytes()).attempt(attempt)?;
        if session.json {
            json::document(&session.printer, &Document { file: &file.to_string_lossy() });
        } else {
            session.printer.summary(&format!("wrote {} · `env up` brings it up", file.display()));
        }
        Ok(exit::DONE)
    }
}

impl New {
    fn text(&self, name: &str) -> String {
        let (template, source) = match &self.image {
            Some(image) => (include_str!("templates/image.Envfile"), image),
            None => (include_str!("templates/box.Envfile"), &self.r#box),
        };
        template.replace("@NAME@", name).replace("@SOURCE@", source)
    }
}

/// A directory's name as the name of a stack.
fn derived_name(directory: &str) -> String {
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = directory.to_lowercase().chars().map(fits).take(40).collect();
    match name.trim_matches('-') {
        "" => "stack".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_a_valid_name() {
        for (directory, name) in
            [("Shop", "shop"), ("My App (2)", "my-app--2"), ("", "stack"), ("über", "ber")]
        {
            assert_eq!(derived_name(directory), name);
            assert_eq!(id::why_bad_name(name), None);
        }
    }
}
