//! `[drift]`: what counts as drift, and the project's rules for what is none.

use super::drift_keys;
use super::table::Table;
use super::value::Value;
use crate::model::drift::{DriftSettings, IgnoreRule, Level, Severity};
use envup_agent::Section;

/// Reads the settings; findings are noted.
pub(super) fn drift(top: &Table) -> DriftSettings {
    let settings = DriftSettings::default();
    let table =
        top.get("drift").and_then(|value| value.table(&[drift_keys::DRIFT], "drift".to_owned(), None));
    let Some(table) = table else { return settings };
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let levels = Level::ALL.map(|level| (level.as_str(), level));
    let items = |key| table.get(key).map(|value: Value| value.items()).unwrap_or_default();
    DriftSettings {
        fail_on: table.get("fail_on").and_then(|value| value.one_of(&severities)).unwrap_or(settings.fail_on),
        ignore: items("ignore")
            .iter()
            .enumerate()
            .filter_map(|(index, item)| rule(index + 1, item))
            .collect(),
        environment: items("environment").iter().filter_map(|item| item.parse(variables)).collect(),
        level: table.get("level").and_then(|value| value.one_of(&levels)).unwrap_or(settings.level),
    }
}

fn rule(number: usize, item: &Value) -> Option<IgnoreRule> {
    let table = item.table(&[drift_keys::IGNORE], format!("rule {number} of drift"), None)?;
    let sections = Section::ALL.map(|section| (section.as_str(), section));
    let section = table.get("section").and_then(|value| value.one_of(&sections));
    let path = table.get("path");
    if let Some(path) = &path {
        for key in ["section", "key"] {
            if let Some(other) = table.get(key) {
                other.refuse_with("`path` is there already", "it means section `files` and this key");
            }
        }
        path.parse(|text| {
            if text.starts_with(['/', '*']) { Ok(()) } else { Err(format!("`{text}` is not absolute")) }
        });
    }
    if !["section", "key", "path"].iter().any(|key| table.has(key)) && !table.has_unknown() {
        let message = format!("{} does not say what it is about", table.place);
        table.refuse(message, "it needs `path`, `section` or `key`");
    }
    let text = |key| table.get(key).and_then(|value| value.parse(filled));
    let (key, field, reason) =
        (path.map_or_else(|| text("key"), |path| path.string()), text("field"), text("reason"));
    if !table.has("reason") {
        table.refuse(format!("{} has no `reason`", table.place), "say why it is no drift");
    }
    let until = table.get("until").and_then(|value| day(&value));
    let section = if table.has("path") { Some(Section::Files) } else { section };
    Some(IgnoreRule {
        section: section.map(|section| section.as_str().to_owned()),
        key,
        field,
        reason: reason?,
        until,
    })
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A pattern of names of variables.
fn variables(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_*?".contains(c)) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not the name of a variable or a pattern such as APP_*"))
}

/// A day, as a string or as TOML's own date.
fn day(value: &Value) -> Option<String> {
    match value.date() {
        Some(date) => calendar_day(&date).map_err(|why| value.refuse(why)).ok(),
        None => value.parse(calendar_day),
    }
}

fn calendar_day(text: &str) -> Result<String, String> {
    let date: Option<jiff::civil::Date> = text.parse().ok();
    let date = date.map(|date| date.to_string()).filter(|date| date == text);
    date.ok_or_else(|| format!("`{text}` is not a day such as 2027-01-31"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_patterns_are_checked() {
        assert_eq!(calendar_day("2028-02-29").as_deref(), Ok("2028-02-29"));
        for text in
            ["", "2027-02-29", "2027-1-3", "20270131", "31.01.2027", "2027-01-31T00:00", "+002027-01-31"]
        {
            assert!(calendar_day(text).is_err(), "{text}");
        }
        assert!(variables("APP_*").is_ok() && variables("A-B").is_err() && variables("").is_err());
    }
}
