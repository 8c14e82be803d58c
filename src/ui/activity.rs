//! What is under way, as text: what, how far, what was heard of it, for how long.

use super::human::{bytes, truncate};
use crate::model::duration::human;
use std::time::{Duration, Instant};

/// How long one picture of what moves stands.
pub const FRAME: Duration = Duration::from_millis(100);
/// Cells of a bar.
const CELLS: u64 = 12;
/// With less room the numbers must do.
const ROOM_FOR_BAR: usize = 50;

/// What one machine does at present.
#[derive(Debug)]
pub(super) struct Activity {
    pub(super) what: String,
    pub(super) detail: String,
    pub(super) since: Instant,
    pub(super) progress: Option<(u64, Option<u64>)>,
}

impl Activity {
    /// What, how far, how long; at most `room` characters.
    pub(super) fn text(&self, now: Instant, room: usize) -> String {
        let mut tail = String::new();
        if let Some((done, total)) = self.progress {
            tail += &match total.filter(|total| *total > 0) {
                Some(total) => {
                    let bar = if room < ROOM_FOR_BAR { "· ".to_owned() } else { bar(done, total) };
                    format!(" {bar}{} of {}", bytes(done), bytes(total))
                }
                None => format!(" · {}", bytes(done)),
            };
        }
        let time = format!(" · {}", human(now.duration_since(self.since).max(FRAME)));
        let fixed = tail.chars().count() + time.chars().count();
        let what = truncate(&self.what, room.saturating_sub(fixed));
        // What a probe said is told as far as there is room; what is done and for how long is told always.
        let left = room.saturating_sub(fixed + what.chars().count() + 3);
        let detail = truncate(&self.detail, left);
        let separator = if detail.is_empty() { "" } else { " · " };
        truncate(&format!("{what}{separator}{detail}{tail}{time}"), room)
    }
}

fn bar(done: u64, total: u64) -> String {
    let filled = done.min(total).saturating_mul(CELLS) / total;
    let cells: String = (0..CELLS).map(|cell| if cell < filled { '━' } else { '─' }).collect();
    format!(" {cells} ")
}
