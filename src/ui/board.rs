//! What progress shows, as data: a row for each machine, filled in by events, and each row as one line of text.
//!
//! Nothing here draws; `progress` does.

use super::activity::{Activity, FRAME};
use super::human::{first_line, truncate};
use super::paint::Paint;
use crate::event::{Event, Outcome, StepStatus};
use crate::model::duration::human;
use std::time::{Duration, Instant};

/// Names longer than this push their own line to the right and not all others.
const WIDEST_NAME: usize = 24;
/// Turns while something is under way.
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// All rows.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<Row>,
    name_width: usize,
    steps: Vec<StepTime>,
}

/// How long a step took.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// Machine.
    pub machine: String,
    /// Name of the step.
    pub step: String,
    /// Seconds it took.
    pub seconds: f64,
}

/// A machine's line; the whole stack's has no name.
#[derive(Debug)]
struct Row {
    machine: Option<String>,
    state: State,
}

#[derive(Debug)]
enum State {
    Pending,
    Active(Activity),
    Gone,
    Ended { outcome: Outcome, detail: String, seconds: f64 },
}

/// What an event did to the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Rows came.
    Rows,
    /// This row looks different.
    Row(usize),
    /// This row will not change any more.
    Ended(usize),
    /// This row is over, and nothing of interest happened in it.
    Gone(usize),
    /// Nothing to draw.
    None,
}

impl Board {
    /// Takes in an event that happened at `now`.
    pub fn take(&mut self, event: &Event, now: Instant) -> Change {
        match event {
            Event::Begin { machines } => {
                for machine in machines {
                    self.row(Some(machine));
                }
                Change::Rows
            }
            Event::Doing { machine, what } => self.act(machine.as_deref(), what, "", None, now),
            // What belongs to no machine tells no end of its own.
            Event::Progress { machine: None, done, total: Some(total), .. } if done >= total => {
                let index = self.row(None);
                self.rows[index].state = State::Gone;
                Change::Gone(index)
            }
            Event::Progress { machine, what, done, total } => {
                self.act(machine.as_deref(), what, "", Some((*done, *total)), now)
            }
            Event::Waiting { machine, requirement, detail } => {
                let what = format!("waiting for {requirement}");
                self.act(Some(machine), &what, first_line(detail), None, now)
            }
            Event::Step { machine, step, status: StepStatus::Running, .. } => {
                self.act(Some(machine), &format!("running {step}"), "", None, now)
            }
            Event::Step { machine, step, seconds, .. } => {
                let (machine, step) = (machine.clone(), step.clone());
                self.steps.push(StepTime { machine, step, seconds: seconds.unwrap_or_default() });
                Change::None
            }
            Event::End { machine, outcome, detail, seconds } => {
                let index = self.row(Some(machine));
                let detail = first_line(detail).to_owned();
                let well = !matches!(outcome, Outcome::Failed | Outcome::Skipped);
                if well && detail.is_empty() && matches!(self.rows[index].state, State::Pending) {
                    self.rows[index].state = State::Gone;
                    return Change::Gone(index);
                }
                self.rows[index].state = State::Ended { outcome: *outcome, detail, seconds: *seconds };
                Change::Ended(index)
            }
            Event::Output { .. } | Event::Note { .. } => Change::None,
        }
    }

    /// The step that took longest.
    pub fn slowest(&self) -> Option<&StepTime> {
        self.steps.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds))
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether something is under way in this row.
    pub fn is_active(&self, index: usize) -> bool {
        matches!(self.rows[index].state, State::Active(_))
    }

    /// Whether the row has a line.
    pub fn is_shown(&self, index: usize) -> bool {
        !matches!(self.rows[index].state, State::Gone)
    }

    /// Whether the row still has its say when the work is over.
    pub fn has_ended(&self, index: usize) -> bool {
        matches!(self.rows[index].state, State::Ended { .. })
    }

    fn row(&mut self, machine: Option<&str>) -> usize {
        if let Some(index) = self.rows.iter().position(|row| row.machine.as_deref() == machine) {
            return index;
        }
        let width = machine.map_or(0, |name| name.chars().count());
        self.name_width = self.name_width.max(width.min(WIDEST_NAME));
        self.rows.push(Row { machine: machine.map(str::to_owned), state: State::Pending });
        self.rows.len() - 1
    }

    fn act(
        &mut self,
        machine: Option<&str>,
        what: &str,
        detail: &str,
        progress: Option<(u64, Option<u64>)>,
        now: Instant,
    ) -> Change {
        let index = self.row(machine);
        let since = match &self.rows[index].state {
            State::Active(activity) if activity.what == what => activity.since,
            _ => now,
        };
        let (what, detail) = (what.to_owned(), detail.to_owned());
        self.rows[index].state = State::Active(Activity { what, detail, since, progress });
        Change::Row(index)
    }

    /// A row as one line of at most `columns` characters. `began` is when the sign began to turn.
    pub fn line(&self, index: usize, now: Instant, began: Instant, columns: usize, paint: Paint) -> String {
        let row = &self.rows[index];
        let name = match &row.machine {
            Some(name) => format!("{name:width$}  ", width = self.name_width),
            None => String::new(),
        };
        let room = columns.saturating_sub(4 + name.chars().count());
        match &row.state {
            State::Pending | State::Gone => paint.dim(&format!("    {name}")),
            State::Active(activity) => {
                let frame = (now.duration_since(began).as_millis() / FRAME.as_millis()) as usize;
                let sign = paint.active(&FRAMES[frame % FRAMES.len()].to_string());
                format!("  {sign} {name}{}", activity.text(now, room))
            }
            State::Ended { outcome, detail, seconds } => {
                let (sign, label) = outcome_words(*outcome);
                let text = format!("{label:<7} {:>6}", took(*seconds));
                let detail = truncate(detail, room.saturating_sub(text.chars().count() + 3));
                let sign = match outcome {
                    Outcome::Failed => paint.bad(sign),
                    Outcome::Skipped => paint.notable(sign),
                    Outcome::Ready | Outcome::Completed | Outcome::Stopped | Outcome::Removed => {
                        paint.good(sign)
                    }
                };
                format!("  {sign} {name}{text}   {}", paint.dim(&detail)).trim_end().to_owned()
            }
        }
    }

    /// A finished step as a line of its own, for where lines are not redrawn.
    pub fn step_line(&self, machine: &str, step: &str, status: StepStatus, seconds: f64) -> String {
        let (sign, label) = if status == StepStatus::Failed { ("✗", "failed") } else { ("»", "ran") };
        let width = self.name_width;
        format!("  {sign} {machine:width$}  {label:<7} {:>6}   {step}", took(seconds))
    }
}

fn outcome_words(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Ready => ("✓", "ready"),
        Outcome::Completed => ("✓", "done"),
        Outcome::Stopped => ("✓", "stopped"),
        Outcome::Removed => ("✓", "removed"),
        Outcome::Failed => ("✗", "failed"),
        Outcome::Skipped => ("-", "skipped"),
    }
}

/// Seconds as people read them.
pub fn took(seconds: f64) -> String {
    human(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests;
