//! `env accept`.

mod asking;
mod rule;

use super::Run;
use super::drift::today;
use super::options::{Machines, Output, Waiting, Which};
use super::session::{Purpose, Session};
use crate::drift::Report;
use crate::engine::{self, DriftOptions, World};
use crate::envfile::add_rules;
use crate::model::drift::IgnoreRule;
use crate::model::{Error, Result};
use crate::ui::human::count;
use crate::ui::{exit, json};
use asking::Answers;
use clap::Args;
use rule::RuleFlags;
use serde_json::json;
use std::collections::BTreeSet;

/// Take what is in the machines now for what should be, or write a rule that it is no drift
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal it asks of each difference what to do with it: a new baseline, a rule, or nothing.
A machine gets a new baseline when none of its differences was skipped.

Examples:
  env accept
  env accept web --yes              all of it, also where nobody can be asked
  env accept --rule '/srv/uploads/**' --reason 'user data'
  env accept --rule 'dpkg:libssl*' --section packages --field version \\
      --reason 'production is patched first' --until 2027-01-31")]
pub struct Accept {
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    rule: RuleFlags,
    /// Do not ask; with --rule: write it also when it hides nothing now
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    which: Which,
}

impl Run for Accept {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Change)?;
        let chosen = self.machines.chosen(&world.stack)?;
        if let Some(rule) = self.rule.given() {
            self.write_rule(session, &world, &chosen, rule)?;
        } else if self.yes {
            let context = session.context();
            let _lock = session.lock(&world, "accept", self.waiting.no_wait, &context)?;
            let accepted = engine::accept(&world, &chosen, &BTreeSet::new(), &context)?;
            tell_baselines(session, &world, &accepted);
        } else if session.can_ask() {
            self.ask(session, &world, &chosen)?;
        } else {
            return Err(Error::usage("there is no terminal to ask on which differences are accepted")
                .hint("--yes accepts all that `env drift` shows"));
        }
        Ok(exit::DONE)
    }
}

impl Accept {
    /// What no rule hides now.
    fn look(&self, session: &Session, world: &World, chosen: &BTreeSet<String>) -> Result<Report> {
        let options =
            DriftOptions { machines: chosen.clone(), level: world.stack.drift.level, today: today() };
        engine::drift(world, &options, &session.context())
    }

    /// Writes one rule, after showing what it hides.
    fn write_rule(
        &self,
        session: &Session,
        world: &World,
        chosen: &BTreeSet<String>,
        rule: IgnoreRule,
    ) -> Result<()> {
        let _lock = session.lock(world, "accept", self.waiting.no_wait, &session.context())?;
        let hidden = rule::hidden_by(&rule, world, self.look(session, world, chosen)?);
        if !session.json {
            rule::show(session, &hidden);
        }
        let number: usize = hidden.machines.iter().map(|machine| machine.differences.len()).sum();
        if number == 0 && !self.yes {
            return Err(Error::failed("the rule would hide nothing of the present drift")
                .hint(
                    "`env drift --json` shows sections, keys and fields; `*` stops at slashes, `**` does not",
                )
                .hint("--yes writes it nevertheless"));
        }
        add_rules(&world.stack.file, &session.load_options(&self.which), &[rule])?;
        if session.json {
            let document = json!({
                "project": world.stack.name, "file": world.stack.file, "hides": hidden.machines,
            });
            json::document(&session.printer, &document);
        } else {
            let hides = count(number, "difference");
            session.printer.result(&format!("new rule in {}: hides {hides}\n", world.stack.file.display()));
        }
        Ok(())
    }

    /// Asks of each difference what to do with it, and does all of it at the end.
    fn ask(&self, session: &Session, world: &World, chosen: &BTreeSet<String>) -> Result<()> {
        let seen = self.look(session, world, chosen)?;
        let answers = Answers::ask(session, world, &seen)?;
        let context = session.context();
        let _lock = session.lock(world, "accept", self.waiting.no_wait, &context)?;
        // Answering takes its time, and nobody accepts what was not shown.
        if answers.are_some() {
            answers.still_hold(&seen, &self.look(session, world, chosen)?)?;
        }
        if !answers.rules.is_empty() {
            add_rules(&world.stack.file, &session.load_options(&self.which), &answers.rules)?;
            let rules = count(answers.rules.len(), "new rule");
            session.printer.result(&format!("{rules} in {}\n", world.stack.file.display()));
        }
        for kept in answers.kept() {
            session.printer.note(&kept);
        }
        let accepted = engine::accept(world, chosen, &answers.keep_their_baseline(), &context)?;
        tell_baselines(session, world, &accepted);
        Ok(())
    }
}

fn tell_baselines(session: &Session, world: &World, accepted: &[String]) {
    if session.json {
        json::document(&session.printer, &json!({ "project": world.stack.name, "accepted": accepted }));
    } else {
        let names = if accepted.is_empty() { "none".to_owned() } else { accepted.join(", ") };
        session.printer.result(&format!("new baseline: {names}\n"));
    }
}
