//! `env box`.

use super::Run;
use super::options::Output;
use super::session::Session;
use crate::model::{Error, Result};
use clap::Args;

/// Not part of this version yet
#[derive(Debug, Args)]
#[command(after_help = "Example: env box")]
pub struct Boxes {
    #[command(flatten)]
    output: Output,
}

impl Run for Boxes {
    fn output(&self) -> &Output {
        &self.output
    }

    fn run(self, _session: &Session) -> Result<u8> {
        Err(Error::failed("`env box` is not part of this version yet"))
    }
}
