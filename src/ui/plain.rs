//! Progress off a terminal: one plain line for everything that is finished, and no control codes.

use super::board::{Board, Change};
use super::human::settled;
use super::printer::Printer;
use crate::event::{Event, StepStatus};

/// Tells what an event did; `line` gives a row's text.
pub(super) fn tell(
    printer: &Printer,
    board: &Board,
    event: &Event,
    change: Change,
    line: impl Fn(usize) -> String,
) {
    match event {
        Event::Doing { machine: None, what } => printer.note(&format!("  … {what}")),
        Event::Doing { machine: Some(machine), what } => printer.detail(&format!("  … {machine}: {what}")),
        Event::Waiting { machine, requirement, .. } => {
            printer.detail(&format!("  … {machine}: waiting for {requirement}"));
        }
        Event::Step { machine, step, status, seconds }
            if matches!(status, StepStatus::Changed | StepStatus::Failed) =>
        {
            printer.note(&board.step_line(machine, step, *status, seconds.unwrap_or_default()));
        }
        Event::Output { machine, source, text } => {
            printer.detail(&output_line(machine.as_deref(), source, text));
        }
        Event::Note { text } => printer.note(text),
        _ => {
            if let Change::Ended(row) = change {
                printer.note(&line(row));
            }
        }
    }
}

/// A line that a build, a step or a machine wrote.
pub(super) fn output_line(machine: Option<&str>, source: &str, text: &str) -> String {
    format!("    {} | {}", machine.unwrap_or(source), settled(text))
}

#[cfg(test)]
mod tests {
    use crate::event::{Event, Observer, Outcome, StepStatus};
    use crate::ui::printer::Verbosity;
    use crate::ui::printer::tests::kept;
    use crate::ui::progress::Progress;

    fn told(verbosity: Verbosity) -> String {
        let (printer, out, err) = kept(verbosity);
        let progress = Progress::new(&printer);
        let (machine, step) = ("db".to_owned(), "ops/base.sh".to_owned());
        let doing = Event::Doing { machine: Some(machine.clone()), what: "creating from debian/12".into() };
        let output = Event::Output {
            machine: Some(machine.clone()),
            source: step.clone(),
            text: "Reading lists".into(),
        };
        let status = StepStatus::Changed;
        let ran = Event::Step { machine: machine.clone(), step, status, seconds: Some(2.1) };
        let detail = "provisioned ops/base.sh".to_owned();
        let end = Event::End { machine: machine.clone(), outcome: Outcome::Ready, detail, seconds: 4.1 };
        for event in [Event::Begin { machines: vec![machine, "proxy".into()] }, doing, output, ran, end] {
            progress.on(&event);
        }
        progress.finish();
        assert_eq!(out.text(), "");
        err.text()
    }

    #[test]
    fn off_a_terminal_there_is_a_plain_line_for_what_is_finished() {
        insta::assert_snapshot!(told(Verbosity::Normal), @r"
          » db     ran       2.1s   ops/base.sh
          ✓ db     ready     4.1s   provisioned ops/base.sh
        ");
        insta::assert_snapshot!(told(Verbosity::Verbose), @r"
          … db: creating from debian/12
            db | Reading lists
          » db     ran       2.1s   ops/base.sh
          ✓ db     ready     4.1s   provisioned ops/base.sh
        ");
        assert_eq!(told(Verbosity::Quiet), "");
    }
}
