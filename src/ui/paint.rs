//! The few colours there are, each by what it means. Everything must be readable without them.

use crate::model::action::Verb;
use crate::model::drift::Severity;
use crate::model::observed::State;
use owo_colors::Style;

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether there is colour at all.
    pub on: bool,
}

impl Paint {
    /// No colour.
    pub const OFF: Self = Self { on: false };

    fn with(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() { style.style(text).to_string() } else { text.to_owned() }
    }

    /// What is good.
    pub fn good(self, text: &str) -> String {
        self.with(Style::new().green(), text)
    }

    /// What needs a look.
    pub fn notable(self, text: &str) -> String {
        self.with(Style::new().yellow(), text)
    }

    /// What failed or goes away.
    pub fn bad(self, text: &str) -> String {
        self.with(Style::new().red(), text)
    }

    /// What is under way.
    pub fn active(self, text: &str) -> String {
        self.with(Style::new().cyan(), text)
    }

    /// What is less important than its neighbours.
    pub fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// What is more important than its neighbours.
    pub fn strong(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// In the colour of a severity.
    pub fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Breaking => self.bad(text),
            Severity::Notable => self.notable(text),
            Severity::Cosmetic => self.dim(text),
        }
    }

    /// In the colour of an action.
    pub fn verb(self, verb: Verb, text: &str) -> String {
        match verb {
            Verb::Keep => self.dim(text),
            Verb::Create | Verb::Start => self.good(text),
            Verb::Update | Verb::Provision => self.notable(text),
            Verb::Replace | Verb::Destroy => self.bad(text),
        }
    }

    /// In the colour of a machine's state.
    pub fn state(self, state: State, text: &str) -> String {
        match state {
            State::Running | State::Completed => self.good(text),
            State::Missing | State::Stopped => self.dim(text),
            State::Paused => self.notable(text),
            State::Failed | State::Unreachable => self.bad(text),
        }
    }

    /// In one of a few colours that tell machines apart; the same number gives the same colour.
    pub fn nth(self, number: usize, text: &str) -> String {
        let style = Style::new();
        let style = match number % 6 {
            0 => style.cyan(),
            1 => style.yellow(),
            2 => style.green(),
            3 => style.magenta(),
            4 => style.blue(),
            _ => style.bright_red(),
        };
        self.with(style, text)
    }
}
