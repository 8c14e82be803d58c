//! Progress for people: the one user of indicatif.
//!
//! On a terminal every machine has a line that is redrawn in place. Elsewhere plain lines do, without control codes.
//! What is shown is `board`'s business.

use super::activity::FRAME;
use super::board::{Board, Change, StepTime};
use super::paint::Paint;
use super::plain::{self, output_line};
use super::printer::{Printer, Verbosity};
use crate::event::{Event, Observer};
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
            let line = |row| state.board.line(row, now, self.shown.began, usize::MAX, self.shown.paint);
            plain::tell(&self.shown.printer, &state.board, event, change, line);
        }
    }
}

impl Shown {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let line = |row, columns| board.line(row, now, self.began, columns, self.paint);
        match change {
            Change::Ended(row) if live.is_crowded(board) => {
                live.above(&line(row, live.columns));
                live.remove(row);
            }
            Change::Row(row) | Change::Ended(row) => {
                let line = line(row, live.columns);
                live.bar(row).set_message(line);
            }
            Change::Gone(row) => live.remove(row),
            // Drawn with the next picture: what is over at once need not be seen.
            Change::Rows | Change::None => {}
        }
    }

    /// Lets time go on in the lines of what is under way.
    fn tick_until_over(&self) {
        while !self.over.load(Ordering::SeqCst) {
            std::thread::park_timeout(FRAME);
            let mut state = self.state();
            let State { board, live: Some(live) } = &mut *state else { return };
            let now = Instant::now();
            let crowded = live.is_crowded(board);
            for row in 0..board.rows() {
                let is_new = !live.bars.contains_key(&row) && board.is_shown(row) && !crowded;
                if is_new || live.bars.contains_key(&row) && board.is_active(row) {
                    let line = board.line(row, now, self.began, live.columns, self.paint);
                    live.bar(row).set_message(line);
                }
            }
        }
    }

    fn leave(&self) {
        let mut state = self.state();
        let State { board, live: Some(live) } = &mut *state else { return };
        for (row, bar) in std::mem::take(&mut live.bars) {
            if board.has_ended(row) { bar.abandon() } else { bar.finish_and_clear() }
        }
    }
}

impl Live {
    fn bar(&mut self, row: usize) -> &ProgressBar {
        let position = self.bars.range(..row).count();
        self.bars.entry(row).or_insert_with(|| {
            // The template is constant and right; were it not, indicatif's own would do.
            let style =
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.lines.insert(position, ProgressBar::new_spinner().with_style(style))
        })
    }

    fn remove(&mut self, row: usize) {
        if let Some(bar) = self.bars.remove(&row) {
            bar.finish_and_clear();
            self.lines.remove(&bar);
        }
    }

    /// With more machines than rows only those at work have a line; the finished ones scroll away above.
    fn is_crowded(&self, board: &Board) -> bool {
        board.rows() + FREE_ROWS > self.rows
    }

    fn above(&self, text: &str) {
        // A terminal that went away is noticed by whoever prints results.
        let _ = self.lines.println(text);
    }
}
