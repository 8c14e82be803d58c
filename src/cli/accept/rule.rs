//! A rule given by flags, and what it would hide.

use crate::cli::drift::today;
use crate::cli::session::Session;
use crate::drift::{Report, Rules};
use crate::engine::World;
use crate::model::drift::IgnoreRule;
use crate::ui::human;
use clap::Args;
use clap::builder::PossibleValuesParser;
use envup_agent::Section;

/// The parts of a rule.
#[derive(Debug, Default, Args)]
pub struct RuleFlags {
    /// Write a rule into [drift] of the Envfile: differences with such keys are none; a path means section files
    #[arg(long, value_name = "PATTERN", requires = "reason", value_parser = filled)]
    rule: Option<String>,
    /// Why it is no drift
    #[arg(long, value_name = "TEXT", requires = "rule", value_parser = filled)]
    reason: Option<String>,
    /// The last day on which the rule holds
    #[arg(long, value_name = "YYYY-MM-DD", requires = "rule", value_parser = day)]
    until: Option<String>,
    /// Only in this section of the fingerprint
    #[arg(long, requires = "rule", value_parser = PossibleValuesParser::new(Section::ALL.map(Section::as_str)))]
    section: Option<String>,
    /// Only when this field alone differs
    #[arg(long, value_name = "FIELD", requires = "rule", value_parser = filled)]
    field: Option<String>,
}

impl RuleFlags {
    /// The rule that was given.
    pub fn given(&self) -> Option<IgnoreRule> {
        let key = self.rule.clone()?;
        let files = || key.starts_with('/').then(|| Section::Files.as_str().to_owned());
        Some(IgnoreRule {
            section: self.section.clone().or_else(files),
            field: self.field.clone(),
            reason: self.reason.clone()?,
            until: self.until.clone(),
            key: Some(key),
        })
    }
}

/// What of a report a further rule would hide, together with those that the project has.
pub fn hidden_by(rule: &IgnoreRule, world: &World, mut report: Report) -> Report {
    let ignore: Vec<IgnoreRule> = world.stack.drift.ignore.iter().chain([rule]).cloned().collect();
    let today = today();
    let rules = Rules::new(&ignore, &today);
    for machine in &mut report.machines {
        machine.differences.retain(|difference| difference.rule.is_none() && rules.hide(difference));
    }
    report.machines.retain(|machine| !machine.differences.is_empty() || !machine.unknown.is_empty());
    report
}

/// Shows what would be hidden, and what nobody could look at.
pub fn show(session: &Session, hidden: &Report) {
    let columns = session.printer.screen().result_columns();
    let view = human::Drift { report: hidden, strict: false, columns };
    for machine in &hidden.machines {
        session.printer.result(&human::machine_drift(machine, &view, session.printer.paint()));
    }
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn day(text: &str) -> Result<String, String> {
    let date: Result<jiff::civil::Date, _> = text.parse();
    let date = date.map_err(|_| "it is not a day such as 2027-01-31".to_owned())?.to_string();
    if date < today() { Err("that day has passed".to_owned()) } else { Ok(date) }
}
