//! What the process is started in: variables, directory, terminal. Read once, here, and passed down as data.

use crate::model::Result;
use crate::model::error::Attempt;
use crate::ui::screen::{Colour, Screen};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// What the process is started in.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The environment; variables that are not UTF-8 are nobody's business here.
    pub variables: BTreeMap<String, String>,
    /// Where it was started.
    pub directory: PathBuf,
    /// The standard streams.
    pub screen: Screen,
}

impl Surroundings {
    /// Those of this process.
    #[allow(clippy::disallowed_methods)] // the place where the environment is read
    pub fn of_this_process() -> Result<Self> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let directory = std::env::current_dir().attempt(|| "cannot tell the current directory")?;
        let (columns, rows) = super::terminal::size().unwrap_or((80, 24));
        let screen = Screen {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            colour: Colour::from_variables(|name| variables.get(name).cloned()),
            can_move: variables.get("TERM").is_some_and(|term| !term.is_empty() && term != "dumb"),
            columns,
            rows,
        };
        Ok(Self { variables, directory, screen })
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
