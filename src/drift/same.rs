//! Two fingerprints by their canonical texts: what has the same line in both is left out before it is read.
//!
//! Of a machine that was looked at again nearly everything is as it was, and to make items of that would be most of the work.
//! Whether the texts are whole is not checked here.

use envup_agent::{Fingerprint, Items, Level, Section, Unread};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};

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

/// Both fingerprints without the items that are the same.
pub fn without_same(before: &str, after: &str) -> serde_json::Result<[Fingerprint; 2]> {
    let (before, after): (Outline<'_>, Outline<'_>) =
        (serde_json::from_str(before)?, serde_json::from_str(after)?);
    Ok([before.without(&after)?, after.without(&before)?])
}

impl Outline<'_> {
    fn without(&self, other: &Self) -> serde_json::Result<Fingerprint> {
        let sections = self.sections.iter().map(|(section, own)| {
            let items = match other.sections.get(section).filter(|_| !ASKED.contains(section)) {
                Some(other) => own.without(other)?,
                None => serde_json::from_str(own.items.get())?,
            };
            Ok((*section, items))
        });
        Ok(Fingerprint {
            level: self.level,
            key_id: self.key_id.clone(),
            sections: sections.collect::<serde_json::Result<_>>()?,
            unread: self.unread.clone(),
        })
    }
}

impl<'t> Unopened<'t> {
    fn without(&self, other: &Self) -> serde_json::Result<Items> {
        if self.items.get() == other.items.get() {
            return Ok(Items::new());
        }
        let same: HashSet<&str> = other.lines().collect();
        let own: Vec<&str> = self.lines().filter(|line| !same.contains(line)).collect();
        serde_json::from_str(&format!("{{{}}}", own.join(",")))
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
}
