//! Two fingerprints, item by item and field by field.
//!
//! Only what both sides looked at is compared: a section, a form of content or a key that one side lacks is said to be
//! incomparable, never to differ. What a side could not read is not missing there.

use super::comparison::{Comparison, Incomparable, Side, UnreadOn};
use super::difference::Difference;
use super::fold::fold;
use super::packaged;
use super::rules::Rules;
use super::same::without_same;
use crate::model::Result;
use crate::model::error::Attempt;
use envup_agent::{Fingerprint, Item, Items, Level, Section, Unread};
use std::collections::{BTreeMap, BTreeSet};

/// The forms in which content is told; an item has at most one of them.
const CONTENT: [&str; 4] = ["sha256", "keyed", "size", "value"];

/// Where the package only tells what came along with what: it changes when another package lists the same directory too, or
/// when a package leaves its configuration behind. That is told in the section of packages.
const OWNED: [Section; 3] = [Section::Files, Section::Services, Section::Schedules];

/// Fields of packages that the level `facts` leaves out.
const DIGESTS: [&str; 2] = ["files", "documents"];

const ONE_SIDE: &str = "only one side looked at it";
const OTHER_KEY: &str = "the digests were made with different keys";
const OTHER_FORM: &str = "each side tells the content in another form";
const OTHER_LEVEL: &str = "only the more thorough side checked packaged files one by one";

/// What differs between two fingerprints; noise is marked.
pub fn compare(before: &Fingerprint, after: &Fingerprint) -> Comparison {
    compare_by(before, after, &Rules::default())
}

/// What differs between two fingerprints; what the rules hide is marked.
pub fn compare_by(before: &Fingerprint, after: &Fingerprint, rules: &Rules<'_>) -> Comparison {
    let mut pair = Pair { before, after, differences: Vec::new(), incomparable: BTreeMap::new() };
    for section in Section::ALL {
        match (before.items(section), after.items(section)) {
            (Some(old), Some(new)) => pair.compare(section, old, new),
            (None, None) => {}
            _ => {
                pair.incomparable.entry((section, ONE_SIDE)).or_default();
            }
        }
    }
    // Before anything is counted to another difference: what is hidden must not take what is not along.
    rules.apply(&mut pair.differences, before, after);
    let on = |side: Side| move |unread: &Unread| UnreadOn { side, unread: unread.clone() };
    let unread = before.unread.iter().map(on(Side::Before)).chain(after.unread.iter().map(on(Side::After)));
    let incomparable = pair.incomparable.into_iter();
    Comparison {
        differences: fold(pair.differences, before, after),
        incomparable: incomparable
            .map(|((section, why), keys)| Incomparable { section, keys: keys.into_iter().collect(), why })
            .collect(),
        unread: unread.collect(),
        complete: before.is_complete() && after.is_complete(),
    }
}

/// The same from canonical texts that are known to be whole.
pub fn compare_texts(before: &str, after: &str, rules: &Rules<'_>) -> Result<Comparison> {
    let [before, after] = without_same(before, after).attempt(|| "reading two fingerprints")?;
    Ok(compare_by(&before, &after, rules))
}

/// Both sides, and what was found so far.
struct Pair<'a> {
    before: &'a Fingerprint,
    after: &'a Fingerprint,
    differences: Vec<Difference>,
    incomparable: BTreeMap<(Section, &'static str), BTreeSet<String>>,
}

impl Pair<'_> {
    fn compare(&mut self, section: Section, old: &Items, new: &Items) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (was, is) = (old.get(key), new.get(key));
            let unknown = (was.is_none() && is_unread(self.before, section, key, false))
                || (is.is_none() && is_unread(self.after, section, key, false));
            if was == is || unknown {
                continue;
            }
            let (was, is) = match (was, is) {
                (Some(was), Some(is)) => {
                    let (was, is) = self.differing(section, key, was, is);
                    if was.is_empty() && is.is_empty() {
                        continue;
                    }
                    (Some(was), Some(is))
                }
                (was, is) if self.is_only_checked(section, was.or(is)) => {
                    self.cannot(section, key, OTHER_LEVEL);
                    continue;
                }
                (was, is) => (was.cloned(), is.cloned()),
            };
            let (was, is) = match section {
                Section::Files => packaged::sides(key, was, is, self.before, self.after),
                _ => (was, is),
            };
            self.differences.push(Difference::of_item(section, key, was, is));
        }
    }

    /// The fields in which an item differs, on each side.
    fn differing(&mut self, section: Section, key: &str, was: &Item, is: &Item) -> (Item, Item) {
        let form = |item: &Item| CONTENT.into_iter().find(|name| item.contains_key(*name));
        let (old, new) = (form(was), form(is));
        let same_type = was.get("type") == is.get("type");
        let other_level = self.before.level != self.after.level;
        let incomparable = match (old, new) {
            (Some("keyed"), Some("keyed")) if self.before.key_id != self.after.key_id => Some(OTHER_KEY),
            (Some(old), Some(new)) if old != new && same_type => Some(OTHER_FORM),
            (Some(_), None) | (None, Some(_)) if other_level && same_type => Some(OTHER_FORM),
            _ => None,
        };
        if let Some(why) = incomparable {
            self.cannot(section, key, why);
        }
        let only_facts = other_level && [self.before.level, self.after.level].contains(&Level::Facts);
        let partly = is_unread(self.before, section, key, true) || is_unread(self.after, section, key, true);
        let is_left_out = |name: &str| {
            (incomparable.is_some() && CONTENT.contains(&name))
                || (partly && !(was.contains_key(name) && is.contains_key(name)))
                || (name == "package" && OWNED.contains(&section))
                || (only_facts && section == Section::Packages && DIGESTS.contains(&name))
        };
        let differing = |one: &Item, other: &Item| {
            let fields = one.iter().filter(|(name, value)| other.get(*name) != Some(value));
            let fields = fields.filter(|(name, _)| !is_left_out(name));
            fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Item>()
        };
        (differing(was, is), differing(is, was))
    }

    /// Whether a packaged file is an item on one side only because that side checked more: its package is the same on both.
    fn is_only_checked(&self, section: Section, item: Option<&Item>) -> bool {
        let package = item.and_then(|item| item.get("package"));
        let digest = |side: &Fingerprint| {
            let package = side.items(Section::Packages)?.get(package?)?;
            package.get("files").cloned()
        };
        let (old, new) = (digest(self.before), digest(self.after));
        section == Section::Files && self.before.level != self.after.level && old.is_some() && old == new
    }

    fn cannot(&mut self, section: Section, key: &str, why: &'static str) {
        self.incomparable.entry((section, why)).or_default().insert(key.to_owned());
    }
}

/// Whether a side could not read an item, or could not read all of one that `is_there`.
fn is_unread(side: &Fingerprint, section: Section, key: &str, is_there: bool) -> bool {
    let inside = |unread: &str| {
        key.strip_prefix(unread.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    side.unread.iter().filter(|unread| unread.section == section).any(|unread| {
        let path = unread.key.as_str();
        match section {
            _ if path == key => true,
            _ if is_there => false,
            Section::Files => inside(path),
            // The source of the section's items: nobody knows which of them there are.
            _ => path.starts_with('/'),
        }
    })
}

#[cfg(test)]
mod tests;
