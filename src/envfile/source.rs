//! A text with a name, and what is wrong at a place in it, shown as people read it.
//!
//! Knows nothing of TOML or of the Envfile's keys.

use crate::model::Error;
use crate::model::error::Finding;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

/// Bytes from where to where.
pub(super) type Span = Range<usize>;

/// How many findings are shown; what comes after them is mostly their consequence.
const SHOWN: usize = 20;

/// Widest excerpt, in characters.
const WIDTH: usize = 100;

/// A text file under the name that people know it by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// As shown before line and column.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// One thing that is wrong at one place.
#[derive(Debug, Clone)]
pub(super) struct Diagnostic {
    source: Rc<Source>,
    span: Span,
    message: String,
    label: String,
    hint: Option<String>,
    quoted: bool,
}

impl Source {
    /// Line and column of a byte, from 1, columns in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    /// The last character boundary at or before `offset`.
    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// The line around the span's start with carets below it; nothing for an empty line.
    fn excerpt(&self, span: &Span, label: &str) -> Option<String> {
        let start = self.floor(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let end = self.floor(span.end.max(start)).min(line_start + line.len()).max(start);
        let mut before = self.text[line_start..start].chars().count();
        let mut marked = self.text[start..end].chars().count().max(1);

        // Indentation is left away, and of a very long line only the part around the place is shown.
        let indent = line.chars().take_while(|c| c.is_whitespace()).count().min(before);
        let fits = line.chars().count() - indent <= WIDTH || before - indent <= WIDTH / 2;
        let skip = if fits { indent } else { before - WIDTH / 2 };
        let shown: String = line.chars().skip(skip).take(WIDTH).map(printable).collect();
        before -= skip;
        marked = marked.min(WIDTH.saturating_sub(before)).max(1);
        if shown.trim().is_empty() {
            return None;
        }
        let number = self.position(start).0;
        let carets = format!("{}{} {label}", " ".repeat(before), "^".repeat(marked));
        Some(format!("{number:>5} | {}\n      | {}", shown.trim_end(), carets.trim_end()))
    }
}

impl Diagnostic {
    /// Says what is wrong where.
    pub fn new(source: &Rc<Source>, span: Span, message: impl AsRef<str>) -> Self {
        // Text from an Envfile must not reach the terminal's control characters.
        let message = message.as_ref().chars().map(printable).collect();
        Self { source: source.clone(), span, message, label: String::new(), hint: None, quoted: true }
    }

    /// A few words beside the carets.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = label.as_ref().chars().map(printable).collect();
        self
    }

    /// A way out, shown once at the end however many findings give it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that it is so in one environment.
    pub fn of_environment(mut self, name: &str) -> Self {
        self.message = format!("environment {name}: {}", self.message);
        self
    }

    /// Leaves the excerpt away, for files whose lines hold secrets.
    pub fn unquoted(mut self) -> Self {
        self.quoted = false;
        self
    }

    fn head(&self) -> String {
        let (line, column) = self.source.position(self.span.start);
        format!("{}:{line}:{column}: {}", self.source.name, self.message)
    }

    fn finding(&self) -> Finding {
        let (line, column) = self.source.position(self.span.start);
        let label = Some(&self.label).filter(|label| !label.is_empty());
        Finding {
            file: self.source.name.clone(),
            line,
            column,
            message: self.message.clone(),
            hints: label.into_iter().chain(&self.hint).cloned().collect(),
        }
    }

    fn excerpt(&self) -> Option<String> {
        self.source.excerpt(&self.span, &self.label).filter(|_| self.quoted)
    }

    /// Head and excerpt.
    pub fn render(&self) -> String {
        let excerpt = self.excerpt().map(|text| format!("\n{text}")).unwrap_or_default();
        self.head() + &excerpt
    }
}

/// All findings as one error. It has no message: the findings are its detail and speak for themselves; hints come last.
pub(super) fn report(mut found: Vec<Diagnostic>) -> Error {
    found.sort_by(|a, b| (&a.source.name, a.span.start).cmp(&(&b.source.name, b.span.start)));
    found.dedup_by(|a, b| a.head() == b.head());
    let mut parts: Vec<String> = found.iter().take(SHOWN).map(Diagnostic::render).collect();
    if found.len() > SHOWN {
        parts.push(format!("and {} more", found.len() - SHOWN));
    }
    let mut error = Error::usage("").detail(parts.join("\n\n"));
    error.findings = found.iter().map(Diagnostic::finding).collect();
    let mut told = BTreeSet::new();
    for hint in found.iter().take(SHOWN).filter_map(|one| one.hint.as_ref()) {
        if told.insert(hint) {
            error = error.hint(hint);
        }
    }
    error
}

fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Span) -> String {
        let source = Rc::new(Source { name: "Envfile".into(), text: text.into() });
        Diagnostic::new(&source, span, "wrong").label("here").render()
    }

    #[test]
    fn counts_characters_and_leaves_indentation_away() {
        insta::assert_snapshot!(shown("a = 1\r\n\t\u{fc} = \"x\"\r\n", 8..10), @r#"
        Envfile:2:2: wrong
            2 | ü = "x"
              | ^ here
        "#);
    }

    #[test]
    fn survives_every_span_and_hides_control_characters() {
        let text = "a\u{1b}[31m\n\nb\u{20ac}";
        for start in 0..20 {
            for end in 0..20 {
                assert!(!shown(text, start..end).contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let text = format!("x = \"{}\"", "y".repeat(400));
        let lines = shown(&text, 300..310);
        assert!(lines.lines().all(|line| line.chars().count() < 120), "{lines}");
    }
}
