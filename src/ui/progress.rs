//! Progress for people: the one user of indicatif.
//!
//! On a terminal every machine has a line that is redrawn in place. Elsewhere there is one plain line for everything
//! that is finished, and no control codes. What is shown is `board`'s business.

use super::activity::FRAME;
use super::board::{Board, Change, StepTime};
use super::human::settled;
use super::paint::Paint;
use super::printer::{Printer, Verbosity};
use crate::event::{Event, Observer, StepStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Lines of the terminal that progress leaves free.
const FREE_ROWS: usize = 3;

/// Shows what happens; ends when dropped.
pub struct Progress {
    shown: Arc<Shown>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

struct Shown {
    printer: Printer,
    paint: Paint,
    began: Instant,
    over: AtomicBool,
    state: Mutex<State>,
}

struct State {
    board: Board,
    live: Option<Live>,
}

/// The lines that are redrawn.
struct Live {
    lines: MultiProgress,
    bars: BTreeMap<usize, ProgressBar>,
    columns: usize,
    rows: usize,
}

impl Progress {
    /// Shows progress in the way that fits the printer's screen.
    pub fn new(printer: &Printer) -> Arc<Self> {
        let screen = printer.screen();
        let redraws = screen.can_redraw() && printer.verbosity() > Verbosity::Quiet;
        let live = redraws.then(|| Live {
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            bars: BTreeMap::new(),
            // The last column stays empty: some terminals wrap when it is written.
            columns: usize::from(screen.columns).saturating_sub(1),
            rows: usize::from(screen.rows),
        });
        let shown = Arc::new(Shown {
            printer: printer.clone(),
            paint: printer.paint_notes(),
            began: Instant::now(),
            over: AtomicBool::new(false),
            state: Mutex::new(State { board: Board::default(), live }),
        });
        let ticker = redraws.then(|| {
            let shown = shown.clone();
            std::thread::spawn(move || shown.tick_until_over())
        });
        Arc::new(Self { shown, ticker: Mutex::new(ticker) })
    }

    /// Stops redrawing; the lines stay as they are.
    pub fn finish(&self) {
        self.shown.over.store(true, Ordering::SeqCst);
        let ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticker) = ticker {
            ticker.thread().unpark();
            // A ticker that panicked has nothing more to draw.
            let _ = ticker.join();
        }
        self.shown.leave();
    }

    /// The step that took longest.
    pub fn slowest(&self) -> Option<StepTime> {
        self.shown.state().board.slowest().cloned()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        let now = Instant::now();
        let mut state = self.shown.state();
        let change = state.board.take(event, now);
        if state.live.is_some() {
            self.shown.draw(&mut state, event, change, now);
        } else {
            self.shown.tell(&state.board, event, change, now);
        }
    }
}

impl Shown {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One plain line for what is finished or long.
    fn tell(&self, board: &Board, event: &Event, change: Change, now: Instant) {
        match event {
            Event::Doing { machine: None, what } => self.printer.note(&format!("  … {what}")),
            Event::Doing { machine: Some(machine), what } => {
                self.printer.detail(&format!("  … {machine}: {what}"));
            }
            Event::Step {
                machine,
                step,
                status: status @ (StepStatus::Changed | StepStatus::Failed),
                seconds,
            } => {
                let line = board.step_line(machine, step, *status, seconds.unwrap_or_default());
                self.printer.note(&line);
            }
            Event::Output { machine, source, text } => {
                self.printer.detail(&output_line(machine.as_deref(), source, text));
            }
            Event::Note { text } => self.printer.note(text),
            _ => {
                if let Change::Ended(row) = change {
                    self.printer.note(&board.line(row, now, self.began, usize::MAX, self.paint));
                }
            }
        }
    }

    fn draw(&self, state: &mut State, event: &Event, change: Change, now: Instant) {
        let State { board, live: Some(live) } = state else { return };
        match event {
            Event::Note { text } => live.above(text),
            Event::Output { machine, source, text } if self.printer.verbosity() == Verbosity::Verbose => {
                live.above(&self.paint.dim(&output_line(machine.as_deref(), source, text)));
            }
            _ => {}
        }
        let columns = live.columns;
        let line = |row| board.line(row, now, self.began, columns, self.paint);
        // With more machines than rows only those at work have a line; the finished ones scroll away above.
        let crowded = board.rows() + FREE_ROWS > live.rows;
        match change {
            Change::Rows if crowded => {}
            Change::Rows => (0..board.rows()).for_each(|row| live.bar(row).set_message(line(row))),
            Change::Ended(row) if crowded => {
                let line = line(row);
                live.above(&line);
                if let Some(bar) = live.bars.remove(&row) {
                    bar.finish_and_clear();
                    live.lines.remove(&bar);
                }
            }
            Change::Row(row) | Change::Ended(row) => {
                let line = line(row);
                live.bar(row).set_message(line);
            }
            Change::None => {}
        }
    }

    /// Lets time go on in the lines of what is under way.
    fn tick_until_over(&self) {
        while !self.over.load(Ordering::SeqCst) {
            std::thread::park_timeout(FRAME);
            let state = self.state();
            let State { board, live: Some(live) } = &*state else { return };
            let now = Instant::now();
            for (row, bar) in live.bars.iter().filter(|(row, _)| board.is_active(**row)) {
                bar.set_message(board.line(*row, now, self.began, live.columns, self.paint));
            }
        }
    }

    fn leave(&self) {
        let mut state = self.state();
        let State { board, live: Some(live) } = &mut *state else { return };
        for (row, bar) in std::mem::take(&mut live.bars) {
            if board.is_stack(row) { bar.finish_and_clear() } else { bar.abandon() }
        }
    }
}

impl Live {
    fn bar(&mut self, row: usize) -> &ProgressBar {
        self.bars.entry(row).or_insert_with(|| {
            // The template is constant and right; were it not, indicatif's own would do.
            let style =
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.lines.add(ProgressBar::new_spinner().with_style(style))
        })
    }

    fn above(&self, text: &str) {
        // A terminal that went away is noticed by whoever prints results.
        let _ = self.lines.println(text);
    }
}

fn output_line(machine: Option<&str>, source: &str, text: &str) -> String {
    format!("    {} | {}", machine.unwrap_or(source), settled(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use crate::ui::printer::tests::kept;

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
