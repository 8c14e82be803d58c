//! Writes rules into `ignore` of `[drift]`: the one thing of an Envfile that we write.
//!
//! Comments, layout and the order of everything stay as the user has them. What an environment lays over the list counts in
//! that environment, so a rule for it goes there. A result that would not load, or not with these rules, is not written.

use super::load::{LoadOptions, load_edited};
use crate::model::drift::IgnoreRule;
use crate::model::id::DEFAULT_ENVIRONMENT;
use crate::model::{Error, Result};
use crate::state::rewrite;
use envup_agent::Section;
use std::path::Path;
use toml_edit::{
    Array, ArrayOfTables, Decor, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value,
};

/// Adds rules after those that the Envfile has; all of them or none.
pub fn add_rules(file: &Path, options: &LoadOptions, rules: &[IgnoreRule]) -> Result<()> {
    let environment = options.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
    let (loaded, text) = load_edited(file, options, |text| with_rules(text, environment, rules))?;
    let ignore = &loaded.stack.drift.ignore;
    if let Some(lost) = rules.iter().find(|rule| !ignore.contains(rule)) {
        let message =
            format!("a rule of [drift] does not hold in environment {environment}: {}", lost.reason);
        return Err(Error::failed(message).hint("the environment lays something else over `drift`"));
    }
    rewrite(&loaded.stack.file, text.as_bytes())
}

/// The text with these rules in it.
fn with_rules(text: &str, environment: &str, rules: &[IgnoreRule]) -> Result<String> {
    // The editor writes `\n`; a file of another kind stays of its kind.
    let has_carriage_returns =
        text.contains('\n') && text.matches('\n').count() == text.matches("\r\n").count();
    let mut document: DocumentMut =
        text.parse().map_err(|error| Error::failed("cannot edit the Envfile").because(error))?;
    for rule in rules {
        match overlay(&mut document, environment) {
            Some(overlay) => add(overlay, rule)?,
            None => add_on_top(&mut document, rule)?,
        }
    }
    let edited = document.to_string();
    Ok(if has_carriage_returns { edited.replace("\r\n", "\n").replace('\n', "\r\n") } else { edited })
}

/// What an environment lays over the Envfile, when a list of rules is in it.
fn overlay<'d>(document: &'d mut DocumentMut, environment: &str) -> Option<&'d mut dyn TableLike> {
    let environments = document.get_mut("environment")?.as_table_like_mut()?;
    let overlay = environments.get_mut(environment)?.as_table_like_mut()?;
    overlay.get("drift")?.as_table_like()?.get("ignore")?;
    Some(overlay)
}

/// Adds a rule to the Envfile itself; a `[drift]` that was not there comes last.
fn add_on_top(document: &mut DocumentMut, rule: &IgnoreRule) -> Result<()> {
    if document.contains_key("drift") {
        return add(document.as_table_mut(), rule);
    }
    // Comments at the end of the file stay above what comes after them.
    let comments = document.trailing().as_str().unwrap_or_default().trim_end().to_owned();
    document.set_trailing("");
    let mut first = table(rule);
    first.decor_mut().set_prefix(if comments.is_empty() { "\n".to_owned() } else { comments + "\n\n" });
    first.set_position(Some(isize::MAX));
    let mut drift = Table::new();
    drift.set_implicit(true);
    drift.insert("ignore", Item::ArrayOfTables(ArrayOfTables::from_iter([first])));
    document.insert("drift", Item::Table(drift));
    Ok(())
}

/// Adds a rule to `drift` in the form in which rules are there; without any, as a table where that is possible.
fn add(top: &mut dyn TableLike, rule: &IgnoreRule) -> Result<()> {
    let no =
        |what: &str| Error::usage(format!("cannot write a rule: {what} of the Envfile has another form"));
    let drift = top.get_mut("drift").ok_or_else(|| no("`drift`"))?;
    // The space before the brace goes behind what comes new before it.
    let last = drift.as_inline_table_mut().filter(|inline| !inline.contains_key("ignore"));
    if let Some((_, last)) = last.and_then(|inline| inline.iter_mut().last()) {
        last.decor_mut().set_suffix("");
    }
    let takes_tables = drift.as_table().is_some_and(|table| !table.is_dotted());
    let drift = drift.as_table_like_mut().ok_or_else(|| no("`drift`"))?;
    let empty = match takes_tables {
        true => Item::ArrayOfTables(ArrayOfTables::new()),
        false => Item::Value(Array::new().into()),
    };
    match drift.entry("ignore").or_insert(empty) {
        Item::ArrayOfTables(rules) => rules.push(table(rule)),
        Item::Value(Value::Array(rules)) => push(rules, inline_table(rule)),
        _ => return Err(no("`ignore` of `drift`")),
    }
    Ok(())
}

/// Adds to a list, on a line of its own when the others have lines of their own.
fn push(list: &mut Array, table: InlineTable) {
    let after = match list.trailing_comma() {
        true => list.trailing().as_str().unwrap_or_default().to_owned(),
        false => list.iter().last().map(|last| text(last.decor().suffix())).unwrap_or_default(),
    };
    let before = list.iter().last().map(|last| text(last.decor().prefix())).unwrap_or_default();
    if !before.contains('\n') && !after.contains('\n') {
        list.push(table);
        return;
    }
    let indent = before.rsplit_once('\n').map_or("    ", |(_, indent)| indent);
    let mut value = Value::from(table);
    // A comment behind the last rule stays behind it.
    *value.decor_mut() = Decor::new(format!("{}\n{indent}", after.trim_end()), "");
    if let Some(last) = list.iter_mut().last() {
        last.decor_mut().set_suffix("");
    }
    list.push_formatted(value);
    list.set_trailing_comma(true);
    list.set_trailing("\n");
}

fn text(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn table(rule: &IgnoreRule) -> Table {
    keys(rule).into_iter().map(|(key, value)| (key, toml_edit::value(value))).collect()
}

fn inline_table(rule: &IgnoreRule) -> InlineTable {
    keys(rule).into_iter().collect()
}

/// A rule as the Envfile writes it.
fn keys(rule: &IgnoreRule) -> Vec<(&'static str, String)> {
    let is_path = rule.section.as_deref() == Some(Section::Files.as_str())
        && rule.key.as_ref().is_some_and(|key| key.starts_with(['/', '*']));
    let section = rule.section.clone().filter(|_| !is_path);
    let keys = [
        ("section", section),
        (if is_path { "path" } else { "key" }, rule.key.clone()),
        ("field", rule.field.clone()),
        ("reason", Some(rule.reason.clone())),
        ("until", rule.until.clone()),
    ];
    // A dollar sign would be a variable's.
    keys.into_iter().filter_map(|(key, value)| Some((key, value?.replace('$', "$$")))).collect()
}

#[cfg(test)]
mod tests;
