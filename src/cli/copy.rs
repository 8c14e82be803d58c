//! `env copy`.

use super::Run;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use crate::engine;
use crate::model::{Error, Result};
use crate::ui::exit;
use clap::Args;
use clap_complete::ArgValueCompleter;
use std::path::Path;

/// Copy files to and from a machine
#[derive(Debug, Args)]
#[command(after_help = "\
A path of a machine is MACHINE:PATH. As with `cp -r`, a directory that is there takes the copy in.

Examples:
  env copy web:/etc/nginx ./nginx
  env copy dump.sql db:/tmp/")]
pub struct Copy {
    /// What is copied
    #[arg(value_name = "FROM", add = ArgValueCompleter::new(super::candidates::places))]
    from: String,
    /// Where it goes
    #[arg(value_name = "TO", add = ArgValueCompleter::new(super::candidates::places))]
    to: String,
    #[command(flatten)]
    which: Which,
}

/// One side of a copy.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Here(&'a Path),
    There { machine: &'a str, path: &'a str },
}

impl Run for Copy {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let known = |machine: &str| {
            engine::select(&[machine.to_owned()], world.stack.machines.keys().map(String::as_str)).map(|_| ())
        };
        let context = session.context();
        match (place(&self.from), place(&self.to)) {
            (Place::Here(from), Place::There { machine, path }) => {
                known(machine)?;
                engine::copy_in(&world, from, machine, path, &context)?;
            }
            (Place::There { machine, path }, Place::Here(to)) => {
                known(machine)?;
                engine::copy_out(&world, machine, path, to, &context)?;
            }
            _ => {
                return Err(Error::usage("exactly one side must be a path of a machine")
                    .hint("such as web:/srv/shop; a file of this host with a `:` in it is written ./a:b"));
            }
        }
        Ok(exit::DONE)
    }
}

/// `web:/path` is in a machine; what begins with `.` or `/` never is.
fn place(text: &str) -> Place<'_> {
    match text.split_once(':') {
        Some((machine, path)) if !machine.is_empty() && !machine.contains(['/', '.']) => {
            Place::There { machine, path: if path.is_empty() { "/" } else { path } }
        }
        _ => Place::Here(Path::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_files_are_told_apart() {
        assert_eq!(place("web:/srv"), Place::There { machine: "web", path: "/srv" });
        for here in ["/srv", "./a:b", "notes.txt", "../web:1", ":x"] {
            assert_eq!(place(here), Place::Here(Path::new(here)), "{here}");
        }
    }
}
