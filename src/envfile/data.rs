//! Values of any shape that are handed on to a tool as they are: facts, attributes, variables. Texts in them are interpolated.

use super::table::Table;
use super::value::Value;
use std::collections::BTreeMap;
use toml::de::DeValue;

/// The value as JSON has it.
pub(super) fn data(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value.node {
        DeValue::Integer(_) => Json::from(value.integer()?),
        DeValue::Float(_) => match serde_json::Number::from_f64(value.number()?) {
            Some(number) => Json::Number(number),
            None => {
                value.refuse("is no number that JSON knows");
                return None;
            }
        },
        DeValue::Boolean(truth) => Json::Bool(*truth),
        DeValue::Array(_) => Json::Array(value.items().iter().filter_map(data).collect()),
        DeValue::Table(_) => Json::Object(
            value
                .entries()
                .iter()
                .filter_map(|(name, _, entry)| Some((name.clone(), data(entry)?)))
                .collect(),
        ),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::String(_) => Json::String(value.string()?),
    })
}

/// A key's table of free names.
pub(super) fn of_key(table: &Table, key: &str) -> BTreeMap<String, serde_json::Value> {
    let entries = table.get(key).map(|value| value.entries()).unwrap_or_default();
    entries.iter().filter_map(|(name, _, value)| Some((name.clone(), data(value)?))).collect()
}
