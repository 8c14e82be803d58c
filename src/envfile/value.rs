//! One value: interpolates it, checks its type, and names itself in errors.

use super::interpolate::interpolate;
use super::keys::{KeyDoc, Keys};
use super::nearest;
use super::reader::Reader;
use super::source::Span;
use super::table::Table;
use std::collections::BTreeMap;
use std::rc::Rc;
use toml::de::DeValue;

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    /// Shared by all.
    pub reader: &'a Reader,
    /// Its content.
    pub node: &'a DeValue<'a>,
    /// Where it stands.
    pub span: Span,
    /// Such as `machine.web.ports[0]`.
    pub path: String,
    /// Its key as people see it: `ports`, `env.LANG`.
    pub key: String,
    /// The key in the tables of keys, when the value is that of a key.
    pub doc: Option<&'static KeyDoc>,
    /// For people: `machine web`.
    pub place: Rc<str>,
    /// The machine it belongs to.
    pub machine: Option<Rc<str>>,
}

impl<'a> Value<'a> {
    /// Text, interpolated.
    pub fn string(&self) -> Option<String> {
        match self.node {
            DeValue::String(text) => self.interpolated(text),
            _ => self.wrong_type("a string"),
        }
    }

    /// A string, integer, float or boolean as text.
    pub fn text(&self) -> Option<String> {
        match self.node {
            DeValue::String(text) => self.interpolated(text),
            DeValue::Integer(integer) if integer.radix() == 10 => Some(integer.as_str().to_owned()),
            DeValue::Integer(_) => self.integer().map(|integer| integer.to_string()),
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            DeValue::Boolean(truth) => Some(truth.to_string()),
            _ => self.wrong_type("a string, number or boolean"),
        }
    }

    /// A whole number, or a string with a variable that gives one.
    pub fn integer(&self) -> Option<i64> {
        match self.node {
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                number.map_err(|_| self.refuse("the number is too large")).ok()
            }
            DeValue::String(text) if text.contains("${") => {
                self.parse(|text| text.parse().map_err(|_| format!("`{text}` is not a whole number")))
            }
            _ => self.wrong_type("an integer"),
        }
    }

    /// A number, or a string with a variable that gives one.
    pub fn number(&self) -> Option<f64> {
        match self.node {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(_) => self.integer().map(|integer| integer as f64),
            DeValue::String(text) if text.contains("${") => {
                self.parse(|text| text.parse().map_err(|_| format!("`{text}` is not a number")))
            }
            _ => self.wrong_type("a number"),
        }
    }

    /// True or false, or a string with a variable that gives one of them.
    pub fn boolean(&self) -> Option<bool> {
        match self.node {
            DeValue::Boolean(truth) => Some(*truth),
            DeValue::String(text) if text.contains("${") => {
                self.parse(|text| text.parse().map_err(|_| format!("`{text}` is neither true nor false")))
            }
            _ => self.wrong_type("true or false"),
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Value<'a>> {
        let DeValue::Array(array) = self.node else {
            return self.wrong_type::<()>("a list").map(|()| Vec::new()).unwrap_or_default();
        };
        let item = |(index, node): (usize, &'a toml::Spanned<DeValue<'a>>)| Value {
            node: node.get_ref(),
            span: node.span(),
            path: format!("{}[{index}]", self.path),
            ..self.clone()
        };
        array.iter().enumerate().map(item).collect()
    }

    /// Remembers where the item of a list stands under the name it stands for: `machine.web.volumes.data`, as if the
    /// list were a table.
    pub fn stands_for(&self, name: &str) {
        let list = self.path.rsplit_once('[').map_or(self.path.as_str(), |(list, _)| list);
        self.reader.spans.borrow_mut().insert(format!("{list}.{name}"), self.span.clone());
    }

    /// A list of names of other things.
    pub fn names(&self) -> Vec<String> {
        let name = |item: Value| item.string().inspect(|name| item.stands_for(name));
        self.items().into_iter().filter_map(name).collect()
    }

    /// A list of texts.
    pub fn strings(&self) -> Vec<String> {
        self.items().iter().filter_map(Value::string).collect()
    }

    /// The entries of a table of free names, with the span of each name.
    pub fn entries(&self) -> Vec<(String, Span, Value<'a>)> {
        let DeValue::Table(map) = self.node else {
            return self.wrong_type::<()>("a table").map(|()| Vec::new()).unwrap_or_default();
        };
        let entry = |(key, node): (&'a toml::Spanned<_>, &'a toml::Spanned<DeValue<'a>>)| {
            let name: String = AsRef::<str>::as_ref(key.get_ref() as &std::borrow::Cow<'a, str>).to_owned();
            let value = Value {
                node: node.get_ref(),
                span: node.span(),
                path: format!("{}.{name}", self.path),
                key: format!("{}.{name}", self.key),
                doc: None,
                ..self.clone()
            };
            self.reader.spans.borrow_mut().insert(value.path.clone(), key.span());
            (name, key.span(), value)
        };
        map.iter().map(entry).collect()
    }

    /// A table of free names to texts.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.entries().into_iter().filter_map(|(name, _, value)| Some((name, value.text()?))).collect()
    }

    /// A table of known keys; `place` names it for people.
    pub fn table(&self, kinds: &[Keys], place: String, machine: Option<&str>) -> Option<Table<'a>> {
        let DeValue::Table(map) = self.node else {
            return self.wrong_type("a table");
        };
        let machine = machine.map(Rc::from).or_else(|| self.machine.clone());
        let (span, path) = (self.span.clone(), self.path.clone());
        let kinds = kinds.to_vec();
        let table = Table { reader: self.reader, map, kinds, span, path, place: place.into(), machine };
        Some(table.checked())
    }

    /// A table of known keys that belongs to a key of the present place.
    pub fn part(&self, keys: Keys) -> Option<Table<'a>> {
        self.table(&[keys], format!("`{}` of {}", self.key, self.place), None)
    }

    /// Text, then whatever `parse` makes of it; its error is placed here.
    pub fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.string()?;
        parse(&text).map_err(|why| self.refuse(why)).ok()
    }

    /// One of some words; the nearest is named when it is another.
    pub fn one_of<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.string()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let list = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let label = match nearest(&text, words.iter().map(|(word, _)| *word)) {
            Some(word) => format!("did you mean `{word}`?"),
            None => String::new(),
        };
        self.refuse_with(format!("`{text}` is not possible, only {list}"), label);
        None
    }

    /// TOML's own date, when it is one.
    pub fn date(&self) -> Option<String> {
        self.node.as_datetime().map(ToString::to_string)
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        self.node.is_table()
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        self.node.is_str()
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.node.is_array()
    }

    /// Whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        self.node.is_integer()
    }

    /// Whether it is a table with such a key.
    pub fn has_key(&self, key: &str) -> bool {
        self.node.as_table().is_some_and(|map| map.contains_key(key))
    }

    fn interpolated(&self, text: &str) -> Option<String> {
        let scope = self.reader.scope.borrow();
        let lookup = |name: &str| match name {
            "machine" => self.machine.as_deref().map(str::to_owned),
            _ => scope.value(name).map(str::to_owned),
        };
        interpolate(text, &lookup).map_err(|problem| self.refuse_variable::<()>(&problem)).ok()
    }
}
