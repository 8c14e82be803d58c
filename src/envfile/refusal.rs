//! How a value says what is wrong with it: its own name, its place, and the caret below it.

use super::interpolate::Problem;
use super::source::Span;
use super::value::Value;

impl Value<'_> {
    /// The same value, but findings point at another place, such as its name.
    pub fn pointing_at(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// Notes that the value is wrong and why.
    pub fn refuse(&self, why: impl AsRef<str>) {
        self.refuse_with(why, "");
    }

    /// Notes that the value is wrong and why, with a few words on how to mend it.
    pub fn refuse_with(&self, why: impl AsRef<str>, label: impl AsRef<str>) {
        let message = format!("`{}` in {}: {}", self.key, self.place, why.as_ref());
        self.reader.refuse(self.reader.at(&self.span, message).label(label));
    }

    /// Notes that the value has the wrong type; always `None`.
    pub fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let actual = match self.node.type_str() {
            article @ ("integer" | "array") => format!("an {article}"),
            other => format!("a {other}"),
        };
        let actual = actual.replace("an array", "a list").replace("datetime", "date");
        let message = format!("`{}` in {} must be {expected}, not {actual}", self.key, self.place);
        let label = self.doc.map(|doc| format!("such as `{}`", doc.written())).unwrap_or_default();
        self.reader.refuse(self.reader.at(&self.span, message).label(label));
        None
    }

    /// Notes that the value cannot be interpolated; always `None`.
    pub fn refuse_variable<T>(&self, problem: &Problem) -> Option<T> {
        // The caret goes below the variable itself where the text is written as it is meant.
        let written = self.reader.source.text.get(self.span.clone()).unwrap_or_default();
        let span = match written.find(&problem.fragment) {
            Some(start) => self.span.start + start..self.span.start + start + problem.fragment.len(),
            None => self.span.clone(),
        };
        let message = format!("`{}` in {}: {}", self.key, self.place, problem.message);
        let label = match problem.fragment.as_str() {
            "${machine}" => "it is only known inside a machine's table",
            _ => &problem.label,
        };
        self.reader.refuse(self.reader.at(&span, message).label(label));
        None
    }
}
