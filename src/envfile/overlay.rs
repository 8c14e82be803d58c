//! Lays what an environment says over the rest of the Envfile, before anything is read from it.
//!
//! Tables merge key by key, everything else replaces: texts, numbers, lists, also lists of tables such as `provision`.
//! `KEY = false` takes away what the rest of the Envfile has, unless true and false are the key's own values or the table
//! holds texts, such as `env`. Works on parsed TOML and keeps every span, so that findings point at what was written.

use super::keys::keys;
use super::nearest;
use super::overlay_machines::make_room;
use super::reader::Reader;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Tables in which `false` is a text like any other.
const TEXTS: [&str; 4] = ["env", "labels", "args", "options"];

/// Lays `over` over `base`; what cannot be is noted in the reader.
pub(super) fn lay<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>, environment: &str, reader: &Reader) {
    make_room(base, over);
    Overlay { environment, reader }.merge(base, over, &mut Vec::new());
}

struct Overlay<'a> {
    environment: &'a str,
    reader: &'a Reader,
}

impl Overlay<'_> {
    /// Merges two tables; the path to them tells what `false` means there.
    fn merge<'i, 'k>(&self, base: &mut DeTable<'i>, over: &'k DeTable<'i>, path: &mut Vec<&'k str>) {
        for (key, value) in over {
            let name: &str = key.get_ref();
            path.push(name);
            // With its key, which knows the place of what it names.
            let below = base.remove_entry(name);
            let below = below.map(|(key, value)| (key, value.span(), value.into_inner()));
            match value.get_ref() {
                DeValue::Table(over) => {
                    let (key, span, mut table) = match below {
                        Some((key, span, DeValue::Table(table))) => (key, span, table),
                        _ => (key.clone(), value.span(), DeTable::new()),
                    };
                    self.merge(&mut table, over, path);
                    base.insert(key, Spanned::new(span, DeValue::Table(table)));
                }
                DeValue::Boolean(false) if takes_away(path) => {
                    if below.is_none() {
                        self.refuse_to_take(base, key, path);
                    }
                }
                _ => drop(base.insert(key.clone(), value.clone())),
            }
            path.pop();
        }
    }

    fn refuse_to_take(&self, base: &DeTable, key: &Spanned<DeString>, path: &[&str]) {
        let message =
            format!("environment {} takes away `{}`, which is not there", self.environment, path.join("."));
        let label = match nearest(key.get_ref(), base.keys().map(|key| key.get_ref().as_ref())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "only what the rest of the Envfile has can be taken away".to_owned(),
        };
        self.reader.refuse(self.reader.at(&key.span(), message).label(label));
    }
}

/// Whether `false` at this path means that there is to be no such thing.
fn takes_away(path: &[&str]) -> bool {
    let text = match path {
        ["variables", _] => true,
        [_, _, .., table, _] => TEXTS.contains(table),
        _ => false,
    };
    let named = path.len() > 2 && path.last().is_some_and(|name| is_truth(name));
    !text && !named
}

fn is_truth(name: &str) -> bool {
    keys().any(|doc| doc.key == name && doc.value_type == "boolean")
}
