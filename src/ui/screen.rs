//! What the streams are and how the user wants them, as data: nothing here asks the system.

/// The standard streams and the wishes about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Whether people can answer.
    pub stdin_is_terminal: bool,
    /// Whether results go to people's eyes.
    pub stdout_is_terminal: bool,
    /// Whether notes and progress do.
    pub stderr_is_terminal: bool,
    /// What the variables say about colour.
    pub colour: Colour,
    /// Whether the terminal can do more than write one line after the other.
    pub can_move: bool,
    /// Columns of the terminal.
    pub columns: u16,
    /// Rows of the terminal.
    pub rows: u16,
}

/// What the variables say about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Not even on a terminal.
    Never,
    /// On a terminal.
    Auto,
    /// Everywhere.
    Always,
}

impl Colour {
    /// By `NO_COLOR`, `CLICOLOR_FORCE` and `TERM`, in this order.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if is_set("NO_COLOR") {
            Self::Never
        } else if is_set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").as_deref() != Some("0") {
            Self::Always
        } else if variable("TERM").as_deref() == Some("dumb") {
            Self::Never
        } else {
            Self::Auto
        }
    }

    fn on(self, is_terminal: bool) -> bool {
        self == Self::Always || self == Self::Auto && is_terminal
    }
}

impl Screen {
    /// No terminal anywhere, no colour.
    pub const PLAIN: Self = Self {
        stdin_is_terminal: false,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        colour: Colour::Auto,
        can_move: false,
        columns: 80,
        rows: 24,
    };

    /// Whether results are coloured.
    pub fn colours_results(&self) -> bool {
        self.colour.on(self.stdout_is_terminal)
    }

    /// How wide lines of results may be: whoever reads them from a pipe gets them whole.
    pub fn result_columns(&self) -> usize {
        if self.stdout_is_terminal { usize::from(self.columns) } else { usize::MAX }
    }

    /// Whether notes, progress and errors are coloured.
    pub fn colours_notes(&self) -> bool {
        self.colour.on(self.stderr_is_terminal)
    }

    /// Whether a question can be put and answered.
    pub fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }

    /// Whether progress may redraw lines.
    pub fn can_redraw(&self) -> bool {
        self.stderr_is_terminal && self.can_move
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(variables: &[(&str, &str)]) -> Colour {
        Colour::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_first_variable_that_speaks_decides() {
        assert_eq!(colour(&[]), Colour::Auto);
        assert_eq!(colour(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), Colour::Never);
        assert_eq!(colour(&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")]), Colour::Always);
        assert_eq!(colour(&[("CLICOLOR_FORCE", "0")]), Colour::Auto);
        assert_eq!(colour(&[("TERM", "dumb")]), Colour::Never);
        assert_eq!(colour(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]), Colour::Always);
    }

    #[test]
    fn off_a_terminal_there_is_no_colour_unless_forced() {
        assert!(!Screen::PLAIN.colours_results());
        assert!(Screen { colour: Colour::Always, ..Screen::PLAIN }.colours_results());
        assert!(
            !Screen { colour: Colour::Never, stdout_is_terminal: true, ..Screen::PLAIN }.colours_results()
        );
    }
}
