//! Two fingerprints by their canonical texts: of what has the same line in both, nearly all is left out before it is read.
//!
//! Of a machine that was looked at again nearly everything is as it was, and to make items of that would be most of the work.
//! Whether the texts are whole is not checked here.

use envup_agent::{Fingerprint, Items, Level, Section, Unread};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Sections that are asked about items that are the same: these are read whole.
const ASKED: [Section; 2] = [Section::Os, Section::Packages];

/// A text of which no item was read yet.
#[derive(Deserialize)]
struct Outline<'t> {
    level: Level,
    key_id: String,
    #[serde(borrow)]
    sections: BTreeMap<Section, Unopened<'t>>,
    unread: Vec<Unread>,
}

#[derive(Deserialize)]
struct Unopened<'t> {
    #[serde(borrow)]
    items: &'t RawValue,
}

/// Both fingerprints without items that are the same; some of those may be there still, then in both.
pub fn without_same(before: &str, after: &str) -> serde_json::Result<[Fingerprint; 2]> {
    let (before, after): (Outline<'_>, Outline<'_>) =
        (serde_json::from_str(before)?, serde_json::from_str(after)?);
    let (mut old_sections, mut new_sections) = (BTreeMap::new(), BTreeMap::new());
    for section in Section::ALL {
        let (old, new) = (before.sections.get(&section), after.sections.get(&section));
        let [old, new] = match (old, new) {
            (Some(old), Some(new)) if !ASKED.contains(&section) => old.differing(new)?.map(Some),
            _ => [old.map(Unopened::opened).transpose()?, new.map(Unopened::opened).transpose()?],
        };
        old_sections.extend(old.map(|items| (section, items)));
        new_sections.extend(new.map(|items| (section, items)));
    }
    Ok([before.with(old_sections), after.with(new_sections)])
}

impl Outline<'_> {
    fn with(self, sections: BTreeMap<Section, Items>) -> Fingerprint {
        Fingerprint { level: self.level, key_id: self.key_id, sections, unread: self.unread }
    }
}

impl<'t> Unopened<'t> {
    fn opened(&self) -> serde_json::Result<Items> {
        serde_json::from_str(self.items.get())
    }

    /// The items of both, but for most that are the same.
    fn differing(&self, other: &Self) -> serde_json::Result<[Items; 2]> {
        if self.items.get() == other.items.get() {
            return Ok([Items::new(), Items::new()]);
        }
        let (mut own, mut others) = (self.lines().peekable(), other.lines().peekable());
        let mut differing = [Vec::new(), Vec::new()];
        // Sorted by key, both are nearly sorted by line. What that "nearly" misses is read on both sides and found to be the same.
        while let (Some(line), Some(another)) = (own.peek(), others.peek()) {
            match line.cmp(another) {
                Ordering::Less => differing[0].extend(own.next()),
                Ordering::Greater => differing[1].extend(others.next()),
                Ordering::Equal => {
                    own.next();
                    others.next();
                }
            }
        }
        differing[0].extend(own);
        differing[1].extend(others);
        let [own, others] = differing.map(|lines| format!("{{{}}}", lines.join(",")));
        Ok([serde_json::from_str(&own)?, serde_json::from_str(&others)?])
    }

    /// Its items, one each.
    fn lines(&self) -> impl Iterator<Item = &'t str> {
        let items = self.items.get().strip_prefix('{').and_then(|items| items.strip_suffix('}'));
        let lines = items.unwrap_or_default().lines();
        lines.map(|line| line.trim_end_matches(',')).filter(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::fingerprint;
    use super::*;

    #[test]
    fn what_is_the_same_is_left_out_where_nobody_asks_for_it() {
        let machine = |digest: &str| {
            fingerprint(&[
                (Section::Packages, "dpkg:a", "version=1"),
                (Section::Files, "/etc/a \"}},", "type=file"),
                (Section::Files, "/etc/b\n", &format!("sha256={digest}")),
                (Section::Users, "root", "uid=0"),
            ])
        };
        let texts = ["aa", "bb"].map(|digest| machine(digest).to_text());
        let differing = ["aa", "bb"].map(|digest| {
            let mut machine = machine(digest);
            machine.sections.insert(Section::Users, Items::new());
            machine.sections.entry(Section::Files).or_default().retain(|path, _| path == "/etc/b\n");
            machine
        });
        assert_eq!(without_same(&texts[0], &texts[1]).unwrap(), differing);
        assert!(without_same(&texts[0], "{}").is_err());
    }

    /// `"/a b"` comes after `"/a"`, but its line before it.
    #[test]
    fn what_is_in_another_order_by_line_is_the_same_on_both_sides() {
        let machine = |paths: &[&str]| {
            let items: Vec<_> = paths.iter().map(|path| (Section::Files, *path, "type=file")).collect();
            fingerprint(&items).to_text()
        };
        let (one, other) = (machine(&["/a", "/a b", "/b"]), machine(&["/a b", "/a!", "/b", "/c"]));
        let [before, after] = without_same(&one, &other).unwrap();
        let only = |side: &Fingerprint, other: &Fingerprint| {
            let (mut items, other) =
                (side.items(Section::Files).unwrap().clone(), other.items(Section::Files).unwrap());
            items.retain(|key, _| !other.contains_key(key));
            items.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(
            (only(&before, &after), only(&after, &before)),
            (vec!["/a".into()], vec!["/a!".into(), "/c".into()])
        );
    }
}
