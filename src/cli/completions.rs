//! `env completions`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::model::Result;
use crate::model::error::Attempt;
use crate::ui::exit;
use clap::{Args, ValueEnum};
use std::ffi::OsString;

/// Print a script that teaches your shell our verbs, options and machines
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env completions bash > ~/.local/share/bash-completion/completions/envup
  env completions zsh > ~/.zfunc/_envup
  env completions fish > ~/.config/fish/completions/envup.fish
  eval \"$(env completions bash)\"      for this shell only")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// What the scripts ask: the place of the word to complete, then all words
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Run for Completions {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let Some((index, words)) = self.words.split_first() else {
            let script = match self.shell {
                Shell::Bash => include_str!("completions/envup.bash"),
                Shell::Zsh => include_str!("completions/envup.zsh"),
                Shell::Fish => include_str!("completions/envup.fish"),
            };
            session.printer.result(script);
            return Ok(exit::DONE);
        };
        let index = index.to_string_lossy().parse().attempt(|| "the place of the word is not a number")?;
        let mut command = super::command(words);
        let directory = Some(session.surroundings.directory.as_path());
        let candidates = clap_complete::engine::complete(&mut command, words.to_vec(), index, directory)
            .attempt(|| "cannot complete")?;
        for candidate in candidates {
            let value = candidate.get_value().to_string_lossy();
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            let help = help.lines().next().unwrap_or_default();
            // bash shows values only; the others show what they mean.
            let line = if self.shell == Shell::Bash || help.is_empty() {
                value.into_owned()
            } else {
                format!("{value}\t{help}")
            };
            session.printer.result(&line);
        }
        Ok(exit::DONE)
    }
}
