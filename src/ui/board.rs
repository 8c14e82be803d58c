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

    /// Whether this is the whole stack's row, which has nothing to say any more when the work is over.
    pub fn is_stack(&self, index: usize) -> bool {
        self.rows[index].machine.is_none()
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
            State::Pending => paint.dim(&format!("    {name}")),
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
                    Outcome::Ready | Outcome::Completed | Outcome::Done => paint.good(sign),
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
        Outcome::Completed | Outcome::Done => ("✓", "done"),
        Outcome::Failed => ("✗", "failed"),
        Outcome::Skipped => ("-", "skipped"),
    }
}

/// Seconds as people read them.
pub fn took(seconds: f64) -> String {
    human(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn board(columns: usize) -> String {
        let mut board = Board::default();
        let start = Instant::now();
        let names = ["db", "cache", "web", "proxy", "job"].map(str::to_owned).to_vec();
        board.take(&Event::Begin { machines: names }, start);
        let events = [
            Event::End {
                machine: "db".into(),
                outcome: Outcome::Ready,
                detail: "provisioned ops/base.sh, ops/control-repo".into(),
                seconds: 4.1,
            },
            Event::Progress {
                machine: some("cache"),
                what: "pulling redis:7".into(),
                done: 6 << 20,
                total: Some(12 << 20),
            },
            Event::Waiting {
                machine: "web".into(),
                requirement: "http://web/health".into(),
                detail: "503".into(),
            },
            Event::End {
                machine: "job".into(),
                outcome: Outcome::Failed,
                detail: "step ops/migrate.sh exited with 3\nand more".into(),
                seconds: 0.4,
            },
            Event::Doing { machine: None, what: "building box debian/12".into() },
        ];
        for event in &events {
            board.take(event, start);
        }
        let now = start + Duration::from_millis(2300);
        let lines = (0..board.rows()).map(|row| board.line(row, now, start, columns, Paint::OFF));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_machine_has_its_line() {
        insta::assert_snapshot!(board(80), @r"
          ✓ db     ready     4.1s   provisioned ops/base.sh, ops/control-repo
          ⠸ cache  pulling redis:7  ━━━━━━────── 6.0 MiB of 12.0 MiB · 2.3s
          ⠸ web    waiting for http://web/health · 503 · 2.3s
            proxy  
          ✗ job    failed    0.4s   step ops/migrate.sh exited with 3
          ⠸ building box debian/12 · 2.3s
        ");
    }

    #[test]
    fn lines_fit_the_columns() {
        for columns in [40, 60, 79] {
            for line in board(columns).lines() {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn the_slowest_step_is_known() {
        let mut board = Board::default();
        for (step, seconds) in [("base", 0.4), ("puppet", 2.9), ("seed", 1.0)] {
            let (machine, step) = ("db".to_owned(), step.to_owned());
            let event = Event::Step { machine, step, status: StepStatus::Changed, seconds: Some(seconds) };
            board.take(&event, Instant::now());
        }
        assert_eq!(board.slowest().map(|time| time.step.as_str()), Some("puppet"));
    }
}
