//! A machine, network or volume as a flat list of field names and readable values: what plans compare.

use std::collections::BTreeMap;

/// Field name, as in the Envfile (`memory`, `env.LANG`, `network.front`), to its value as people read it.
///
/// A field that is not set is absent. Two sides are equal when their maps are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub BTreeMap<String, String>);

impl Fields {
    /// Sets a field.
    pub fn set(&mut self, name: impl Into<String>, value: impl ToString) {
        self.0.insert(name.into(), value.to_string());
    }

    /// Sets a field when there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
