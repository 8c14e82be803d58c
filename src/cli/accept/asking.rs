//! What to do with each difference, as the user answers. Nothing is done here: an interruption leaves everything as it was.

use crate::cli::drift::today;
use crate::cli::session::Session;
use crate::drift::{Difference, MachineDrift, Report, Rules};
use crate::engine::World;
use crate::model::drift::IgnoreRule;
use crate::model::{Error, Result};
use crate::ui::ask::ask;
use crate::ui::human::{self, count};
use envup_agent::Section;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

const CHOICES: &str = "[b]aseline, [r]ule, [s]kip, [q]uit? ";
const HELP: &str = "b: it is as it should be; r: write a rule that hides it; s: leave it as drift; q: leave this and the rest";

/// What the user wants.
#[derive(Debug, Default)]
pub struct Answers {
    /// To be written.
    pub rules: Vec<IgnoreRule>,
    /// How many differences of a machine are left as drift.
    skipped: BTreeMap<String, usize>,
    /// Machines of which something is as it should be.
    baseline: BTreeSet<String>,
    /// Machines of which something is hidden by a new rule.
    ruled: BTreeSet<String>,
}

/// An answer to one difference.
enum Answer {
    Baseline,
    Rule(IgnoreRule),
    Skip,
    Quit,
}

/// How questions are put: the text, and the answer unless there will be none any more.
type Ask<'a> = dyn FnMut(&str) -> Result<Option<String>> + 'a;

impl Answers {
    /// Asks on the terminal of everything in a report that a baseline or a rule can settle, the worst first.
    pub fn ask(session: &Session, world: &World, report: &Report) -> Result<Self> {
        let mut on_terminal = |question: &str| ask(&session.printer, question, &session.interrupt.cancel);
        let show = |machine: &MachineDrift| {
            let columns = usize::from(session.surroundings.screen.columns);
            let view = human::Drift { report, strict: false, columns };
            human::machine_drift(machine, &view, session.printer.paint_notes())
        };
        let others = shown(report).filter(|(_, difference)| !can_settle(difference)).count();
        if others > 0 {
            let of = count(others, "difference");
            session.printer.note(&format!(
                "{of} of machines, Envfile and steps left out: `env plan` shows what `env up` does"
            ));
        }
        Self::collect(report, &world.stack.drift.ignore, &show, &mut on_terminal)
    }

    fn collect(
        report: &Report,
        ignore: &[IgnoreRule],
        show: &dyn Fn(&MachineDrift) -> String,
        ask: &mut Ask<'_>,
    ) -> Result<Self> {
        let mut answers = Self::default();
        let mut asked: Vec<_> = shown(report).filter(|(_, difference)| can_settle(difference)).collect();
        asked.sort_by_key(|(_, difference)| Reverse(difference.severity));
        let mut has_quit = false;
        for (drift, difference) in asked {
            let machine = machine_of(drift);
            if answers.is_hidden(ignore, difference) {
                answers.ruled.insert(machine);
                continue;
            }
            let answer = match has_quit {
                true => Answer::Quit,
                false => one(ask, ignore, difference, &show(&alone(drift, difference)))?,
            };
            match answer {
                Answer::Baseline => answers.baseline.extend([machine]),
                Answer::Rule(rule) => {
                    answers.rules.push(rule);
                    answers.ruled.extend([machine]);
                }
                Answer::Skip => *answers.skipped.entry(machine).or_default() += 1,
                Answer::Quit => {
                    has_quit = true;
                    *answers.skipped.entry(machine).or_default() += 1;
                }
            }
        }
        Ok(answers)
    }

    /// Whether a rule of before or one that was just given hides it.
    fn is_hidden(&self, ignore: &[IgnoreRule], difference: &Difference) -> bool {
        !self.rules.is_empty() && hides(ignore.iter().chain(&self.rules), difference)
    }

    /// Whether there was anything to answer.
    pub fn are_some(&self) -> bool {
        !(self.baseline.is_empty() && self.ruled.is_empty() && self.skipped.is_empty())
    }

    /// The machines that get no new baseline: something was skipped, or rules say it all.
    pub fn keep_their_baseline(&self) -> BTreeSet<String> {
        self.skipped.keys().chain(self.ruled.difference(&self.baseline)).cloned().collect()
    }

    /// In words, which of the machines keep their baseline although something of them was to go into it.
    pub fn kept(&self) -> Vec<String> {
        let words = |(machine, number): (&String, &usize)| {
            format!("{machine} keeps its baseline: {} skipped", count(*number, "difference"))
        };
        self.skipped.iter().map(words).collect()
    }

    /// Refuses when a machine that gets a new baseline is not any more as it was shown.
    pub fn still_hold(&self, seen: &Report, now: &Report) -> Result<()> {
        let of = |report: &'_ Report, machine: &str| -> Vec<(String, Difference)> {
            let of_machine = shown(report).filter(|(drift, _)| machine_of(drift) == machine);
            of_machine.map(|(drift, difference)| (drift.machine.clone(), difference.clone())).collect()
        };
        let keeps = self.keep_their_baseline();
        let machines: BTreeSet<String> = seen.machines.iter().chain(&now.machines).map(machine_of).collect();
        match machines.difference(&keeps).find(|machine| of(seen, machine) != of(now, machine)) {
            None => Ok(()),
            Some(machine) => {
                Err(Error::failed(format!("{machine} changed while you answered; nothing was done"))
                    .hint("`env accept` shows it anew"))
            }
        }
    }
}

/// Asks of one difference until the answer is one.
fn one(ask: &mut Ask<'_>, ignore: &[IgnoreRule], difference: &Difference, shown: &str) -> Result<Answer> {
    let mut question = format!("{shown}{CHOICES}");
    loop {
        let Some(answer) = ask(&question)? else { return Ok(Answer::Quit) };
        match answer.to_lowercase().as_str() {
            "b" | "baseline" => return Ok(Answer::Baseline),
            "r" | "rule" => return Ok(rule(ask, ignore, difference)?.map_or(Answer::Quit, Answer::Rule)),
            "s" | "skip" => return Ok(Answer::Skip),
            "q" | "quit" => return Ok(Answer::Quit),
            _ => question = format!("{HELP}\n{CHOICES}"),
        }
    }
}

/// Asks what a rule is about and why; `None` when the answers end.
fn rule(ask: &mut Ask<'_>, ignore: &[IgnoreRule], difference: &Difference) -> Result<Option<IgnoreRule>> {
    let mut rule = IgnoreRule {
        section: Some(difference.section.clone()),
        key: None,
        field: None,
        reason: String::new(),
        until: None,
    };
    let mut why_again = String::new();
    loop {
        let question = format!("{why_again}about which keys [{}]: ", difference.key);
        let Some(key) = ask(&question)? else { return Ok(None) };
        let key = if key.is_empty() { difference.key.clone() } else { key };
        rule.key = Some(key.clone());
        if hides(ignore.iter().chain([&rule]), difference) {
            break;
        }
        why_again = format!("`{key}` would not hide it: `*` stops at slashes, `**` does not\n");
    }
    while rule.reason.is_empty() {
        let Some(reason) = ask("why is it no drift: ")? else { return Ok(None) };
        rule.reason = reason;
    }
    Ok(Some(rule))
}

fn hides<'a>(rules: impl Iterator<Item = &'a IgnoreRule>, difference: &Difference) -> bool {
    let rules: Vec<IgnoreRule> = rules.cloned().collect();
    Rules::new(&rules, &today()).hide(difference)
}

/// A report of one difference.
fn alone(drift: &MachineDrift, difference: &Difference) -> MachineDrift {
    MachineDrift { differences: vec![difference.clone()], unknown: Vec::new(), ..drift.clone() }
}

fn shown(report: &Report) -> impl Iterator<Item = (&MachineDrift, &Difference)> {
    report.machines.iter().flat_map(|drift| drift.shown().map(move |difference| (drift, difference)))
}

/// Whether it is about what is inside: baselines and rules know nothing of what the Envfile and its steps say.
fn can_settle(difference: &Difference) -> bool {
    Section::ALL.into_iter().any(|section| difference.is_in(section))
}

/// The machine that a host plays a part of.
fn machine_of(drift: &MachineDrift) -> String {
    drift.machine.split('@').next().unwrap_or(&drift.machine).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use envup_agent::Item;

    fn difference(section: Section, key: &str, value: &str) -> Difference {
        let item = |value: &str| Some(Item::from([("version".to_owned(), value.to_owned())]));
        Difference::of_item(section, key, item("1"), item(value))
    }

    /// web: a file, a library's package; db: the same file, nothing else of note.
    fn report() -> Report {
        let file = || difference(Section::Files, "/srv/picture", "2");
        let mut web = MachineDrift::new("web@one");
        web.differences = vec![file(), difference(Section::Packages, "dpkg:libssl3", "3")];
        web.differences.push(Difference::of_envfile("memory", Some("1"), Some("2")));
        let mut db = MachineDrift::new("db");
        db.differences = vec![file()];
        Report { machines: vec![web, db], ..Report::default() }
    }

    /// What the answers come to; all of them must be used up.
    fn answered(answers: &[&str]) -> (Answers, Vec<String>) {
        let mut questions = Vec::new();
        let mut rest = answers.iter();
        let mut ask = |question: &str| {
            questions.push(question.to_owned());
            Ok(rest.next().map(|answer| (*answer).to_owned()))
        };
        let show = |drift: &MachineDrift| format!("{} {}: ", drift.machine, drift.differences[0].key);
        let answers = Answers::collect(&report(), &[], &show, &mut ask).unwrap();
        assert_eq!(rest.next(), None);
        (answers, questions)
    }

    fn names(machines: &[&str]) -> BTreeSet<String> {
        machines.iter().map(|machine| (*machine).to_owned()).collect()
    }

    #[test]
    fn the_worst_is_asked_first_and_what_the_envfile_says_never() {
        let (answers, questions) = answered(&["b", "b", "b"]);
        let asked: Vec<_> = questions.iter().map(|question| question.split(": ").next().unwrap()).collect();
        assert_eq!(asked, ["web@one dpkg:libssl3", "web@one /srv/picture", "db /srv/picture"]);
        assert!(answers.are_some() && answers.keep_their_baseline().is_empty());
    }

    #[test]
    fn a_rule_hides_everywhere_and_needs_a_reason() {
        let (answers, questions) = answered(&["b", "what?", "r", "/nothing", "/srv/*", "", "user data"]);
        assert!(questions[2].starts_with("b: it is as it should be"), "{questions:?}");
        let rule = &answers.rules[0];
        assert_eq!((rule.key.as_deref(), rule.reason.as_str()), (Some("/srv/*"), "user data"));
        assert_eq!((answers.rules.len(), rule.section.as_deref()), (1, Some("files")));
        assert_eq!(answers.keep_their_baseline(), names(&["db"]), "the rule says it all");
        assert!(answers.kept().is_empty());
    }

    #[test]
    fn what_is_skipped_keeps_the_baseline_of_its_machine() {
        let (answers, _) = answered(&["b", "s", "b"]);
        assert_eq!(answers.keep_their_baseline(), names(&["web"]));
        assert_eq!(answers.kept(), ["web keeps its baseline: 1 difference skipped"]);
        for quit in [&["b", "q"][..], &["b"], &["b", "r", "", ""]] {
            let (answers, _) = answered(quit);
            assert_eq!(answers.keep_their_baseline(), names(&["db", "web"]));
            assert!(answers.rules.is_empty());
        }
    }

    #[test]
    fn what_changed_meanwhile_is_not_accepted_unseen() {
        let (answers, _) = answered(&["b", "b", "s"]);
        let mut now = report();
        answers.still_hold(&report(), &now).unwrap();
        now.machines[1].differences.clear();
        answers.still_hold(&report(), &now).unwrap();
        now.machines[0].differences.push(difference(Section::Users, "eve", "2"));
        assert!(answers.still_hold(&report(), &now).unwrap_err().message.starts_with("web changed"));
    }
}
