//! `env drift`.

use super::Run;
use super::options::{Machines, Output, Which, levels};
use super::reference;
use super::session::{Purpose, Session};
use crate::drift::{DifferenceKind, Report, text_diff};
use crate::engine::{self, DriftOptions, Reference, World};
use crate::model::drift::{Level, Severity};
use crate::model::{Error, Result};
use crate::ui::{exit, human, json};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::ArgValueCompleter;
use envup_agent::Section;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::PathBuf;

/// Show what changed since `up`; exit 2 when something did, 3 when not everything could be read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  env drift
  env drift web-* --strict
  env drift --explain
  env drift web --explain /etc/nginx/nginx.conf --against production
  env drift --against production
  env drift web --against ssh://web1.example.org
  env drift web --against fingerprints/production/web.json
  env drift --level full --fail-on breaking --json")]
pub struct Drift {
    #[command(flatten)]
    machines: Machines,
    /// Compare with an environment, a directory or file of `env capture`, or a machine, instead of the baselines
    #[arg(long, value_name = "ENVIRONMENT|PATH|ssh://HOST", add = ArgValueCompleter::new(super::candidates::references))]
    against: Option<String>,
    /// The capture must be signed by one of these (a file of allowed signers, see ssh-keygen)
    #[arg(long, value_name = "FILE", requires = "against")]
    signers: Option<PathBuf>,
    /// How much is looked at: no files, files that can have changed, or all files
    #[arg(long, value_parser = levels())]
    level: Option<Level>,
    /// Also what noise rules hide
    #[arg(long)]
    strict: bool,
    /// Say what differences mean and how to align them: all that are shown, or those of one key
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "", conflicts_with = "json")]
    explain: Option<String>,
    /// Exit 2 only for differences of this severity or above
    #[arg(long, value_name = "SEVERITY", value_parser = severities())]
    fail_on: Option<Severity>,
    #[command(flatten)]
    which: Which,
}

impl Run for Drift {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Look)?;
        let settings = &world.stack.drift;
        let fail_on = self.fail_on.unwrap_or(settings.fail_on);
        let options = DriftOptions {
            machines: self.machines.chosen(&world.stack)?,
            level: self.level.unwrap_or(settings.level),
            today: today(),
        };
        let context = session.context();
        let signers = self.signers.as_deref();
        let find =
            |word: &String| reference::find(session, &world, word, signers, &self.which, options.level);
        let reference = self.against.as_ref().map(find).transpose()?;
        let report = match &reference {
            None => engine::drift(&world, &options, &context)?,
            Some(reference) => engine::drift_against(&world, reference, &options, &context)?,
        };
        if session.json {
            json::document(&session.printer, &report.document(fail_on));
        } else if let Some(key) = &self.explain {
            explain(session, &world, &report, reference.as_ref(), key)?;
        } else {
            let columns = session.printer.screen().result_columns();
            let view = human::Drift { report: &report, strict: self.strict, columns };
            session.printer.result(&human::drift(&view, session.printer.paint()));
            report.notes.iter().for_each(|note| session.printer.note(note));
        }
        Ok(match () {
            () if !report.is_complete() => exit::INCOMPLETE,
            () if report.fails(fail_on) => exit::DIFFERENT,
            () => exit::DONE,
        })
    }
}

/// Every difference that the key means, in words; of a file that differs from another environment's, its text too.
fn explain(
    session: &Session,
    world: &World,
    report: &Report,
    reference: Option<&Reference>,
    key: &str,
) -> Result<()> {
    let meant = human::explained(report, key);
    if meant.is_empty() && !key.is_empty() {
        return Err(Error::usage(format!("nothing that is called `{key}` differs"))
            .hint("`env drift --strict` shows all that differs"));
    }
    let context = session.context();
    for (machine, difference) in meant {
        let both = difference.kind == DifferenceKind::Changed && difference.is_in(Section::Files);
        let there = reference.and_then(|reference| {
            let machine = machine.machine.split('@').next()?;
            Some((reference.source.as_ref()?, reference.machines.get(machine)?.keys().next()?))
        });
        let diff = match there.filter(|_| both && !key.is_empty()) {
            Some((other, node)) => {
                let here = engine::text(world, &machine.machine, &difference.key, &context)?;
                let there = engine::text(other, node, &difference.key, &context)?;
                here.zip(there).and_then(|(here, there)| text_diff(&difference.key, &here, &there))
            }
            None => None,
        };
        let paint = session.printer.paint();
        let text = human::explanation(report, machine, difference, diff.as_deref(), paint);
        session.printer.result(&text);
    }
    Ok(())
}

/// The day, as rules of projects write days.
pub fn today() -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).date().to_string()
}

fn severities() -> impl TypedValueParser<Value = Severity> {
    let named = |word: String| Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
    PossibleValuesParser::new(Severity::ALL.map(Severity::as_str))
        .map(move |word| named(word).unwrap_or(Severity::Notable))
}
