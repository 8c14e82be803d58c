//! Fingerprints for the tests of this room, written in as few words as they need.

use envup_agent::{Fingerprint, Item, Section, Unread};

/// An item of the fields in `NAME=VALUE NAME=VALUE`; a word without `=` belongs to the value before it.
pub fn item(fields: &str) -> Item {
    let mut item = Item::new();
    let mut last = String::new();
    for word in fields.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) => {
                last = name.to_owned();
                item.insert(last.clone(), value.to_owned());
            }
            None => item.entry(last.clone()).or_default().push_str(&format!(" {word}")),
        }
    }
    item
}

/// A fingerprint of these items: section, key, fields.
pub fn fingerprint(items: &[(Section, &str, &str)]) -> Fingerprint {
    let mut fingerprint = Fingerprint { key_id: "k1".to_owned(), ..Fingerprint::default() };
    for section in Section::ALL {
        fingerprint.sections.insert(section, Default::default());
    }
    for (section, key, fields) in items {
        let items = fingerprint.sections.entry(*section).or_default();
        items.insert((*key).to_owned(), item(fields));
    }
    fingerprint
}

/// Something that could not be read.
pub fn unread(section: Section, key: &str) -> Unread {
    Unread { section, key: key.to_owned(), reason: "permission denied".to_owned() }
}
