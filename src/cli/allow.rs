//! `env allow`.

use super::Run;
use super::agree;
use super::options::{Output, Which};
use super::session::{Purpose, Session};
use crate::engine::touches;
use crate::model::Result;
use crate::state::Consents;
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;

/// Agree to what the Envfile does to this host, until that changes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env allow --show         what it does to the host, and the hash for `env up --allow=HASH`
  env allow                agree to exactly that")]
pub struct Allow {
    /// Only show; record nothing
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    items: &'a [String],
    hash: &'a str,
    allowed: bool,
}

impl Run for Allow {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let purpose = if self.show { Purpose::Look } else { Purpose::Change };
        let world = session.open(&self.which, purpose)?;
        let touches = touches(&world)?;
        let consents = Consents::of(&world.project);
        if !self.show && !touches.items.is_empty() {
            consents.grant(&touches.digest, &touches.items)?;
        }
        let allowed = touches.items.is_empty() || consents.allowed(&touches.digest)?;
        if session.json {
            let (items, hash) = (&touches.items[..], touches.digest.as_str());
            json::document(&session.printer, &Document { items, hash, allowed });
        } else if touches.items.is_empty() {
            session.printer.summary("the Envfile does nothing that needs your consent");
        } else {
            let state = if allowed { "allowed" } else { "not allowed yet" };
            session.printer.result(&format!("{}\n{state} · hash {}", agree::list(&touches), touches.digest));
        }
        Ok(exit::DONE)
    }
}
