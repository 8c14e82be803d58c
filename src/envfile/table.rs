//! A table whose keys are known beforehand: refuses the others and hands out values.

use super::keys::{KeyDoc, Keys, unknown_key_label};
use super::reader::Reader;
use super::source::Span;
use super::value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use toml::de::DeTable;

/// A table whose keys are known beforehand.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    /// Shared by all.
    pub reader: &'a Reader,
    /// Its content.
    pub map: &'a DeTable<'a>,
    /// The keys that are valid in it, of one or several kinds.
    pub kinds: Vec<Keys>,
    /// Where it begins.
    pub span: Span,
    /// Such as `machine.web`.
    pub path: String,
    /// For people: `machine web`.
    pub place: Rc<str>,
    /// The machine it belongs to.
    pub machine: Option<Rc<str>>,
}

impl<'a> Table<'a> {
    /// The table, after its unknown keys were refused.
    pub fn checked(self) -> Self {
        for (key, _) in self.map {
            let name: &str = key.get_ref();
            if let Some(doc) = self.docs().find(|doc| doc.key == name) {
                self.reader.seen.borrow_mut().insert(*doc);
                continue;
            }
            let mut wrong = self.reader.at(&key.span(), format!("unknown key `{name}` in {}", self.place));
            let valid: Vec<&str> = self.docs().map(|doc| doc.key).collect();
            if let Some(label) = unknown_key_label(name, self.kinds[0], &valid) {
                wrong = wrong.label(label);
            }
            self.reader.refuse(wrong.hint("`env help envfile` lists all keys."));
        }
        self
    }

    /// The value of a key, when it is there.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let doc = self.docs().find(|doc| doc.key == key);
        debug_assert!(doc.is_some(), "`{key}` is in no key table of {}", self.place);
        let node = self.map.get(key)?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let value = Value {
            reader: self.reader,
            node: node.get_ref(),
            span: node.span(),
            path,
            key: key.to_owned(),
            doc,
            place: self.place.clone(),
            machine: self.machine.clone(),
        };
        self.reader.spans.borrow_mut().insert(value.path.clone(), value.span.clone());
        Some(value)
    }

    /// The text of a key.
    pub fn string(&self, key: &str) -> Option<String> {
        self.get(key)?.string()
    }

    /// The truth of a key; false when it is not there.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.boolean()).unwrap_or_default()
    }

    /// The texts of a key's list.
    pub fn strings<C: FromIterator<String>>(&self, key: &str) -> C {
        self.get(key).into_iter().flat_map(|value| value.items()).filter_map(|item| item.string()).collect()
    }

    /// The texts of a key's table of free names.
    pub fn texts(&self, key: &str) -> BTreeMap<String, String> {
        self.get(key).map(|value| value.texts()).unwrap_or_default()
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Whether a key is valid here.
    pub fn knows(&self, key: &str) -> bool {
        self.docs().any(|doc| doc.key == key)
    }

    /// Whether a key is there that is not valid, and was refused as such.
    pub fn has_unknown(&self) -> bool {
        self.map.keys().any(|key| !self.knows(key.get_ref()))
    }

    /// Says that the table as a whole is wrong.
    pub fn refuse(&self, message: impl AsRef<str>, label: &str) {
        self.reader.refuse(self.reader.at(&self.span, message).label(label));
    }

    fn docs(&self) -> impl Iterator<Item = &'static KeyDoc> + use<'_> {
        self.kinds.iter().flat_map(|keys| keys.iter())
    }
}
