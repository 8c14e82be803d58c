//! Tells every change once: a difference with the same cause as another one is counted to that one.
//!
//! Which differences belong together is said in `causes`, each kind in a function of its own. What is counted to another
//! difference makes that one as bad as itself. What a rule hides stays by itself, so that its number is known.

mod authorities;
mod causes;
mod people;
mod units;

use super::difference::{Difference, DifferenceKind};
use envup_agent::{Fingerprint, Item, Section};
use std::collections::BTreeMap;

/// All differences of two fingerprints, as the causes look at them.
pub struct Scene<'a> {
    before: &'a Fingerprint,
    after: &'a Fingerprint,
    differences: &'a [Difference],
    /// Place in `differences` by section and key.
    places: BTreeMap<(&'a str, &'a str), usize>,
}

/// One difference of the scene.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    difference: &'a Difference,
    /// The whole item on each side, as the fingerprint has it.
    before: Option<&'a Item>,
    after: Option<&'a Item>,
}

/// Counts differences to those they belong to. What is left keeps its order.
pub fn fold(differences: Vec<Difference>, before: &Fingerprint, after: &Fingerprint) -> Vec<Difference> {
    let places = differences.iter().enumerate();
    let places = places.map(|(place, one)| ((one.section.as_str(), one.key.as_str()), place)).collect();
    let scene = Scene { before, after, differences: &differences, places };
    let parents: Vec<Option<usize>> = differences.iter().map(|one| scene.parent(one)).collect();
    let roots: Vec<usize> = (0..differences.len()).map(|place| root(&parents, place)).collect();
    let mut folded: Vec<Option<Difference>> = differences.into_iter().map(Some).collect();
    for (place, root) in roots.into_iter().enumerate() {
        if root == place {
            continue;
        }
        let child = folded[place].take();
        if let (Some(child), Some(parent)) = (child, &mut folded[root]) {
            parent.also += 1;
            parent.severity = parent.severity.max(child.severity);
        }
    }
    folded.into_iter().flatten().collect()
}

/// What a difference belongs to in the end; itself when causes go in a circle.
fn root(parents: &[Option<usize>], place: usize) -> usize {
    let mut at = place;
    for _ in 0..parents.len() {
        match parents[at] {
            Some(parent) => at = parent,
            None => return at,
        }
    }
    place
}

impl<'a> Scene<'a> {
    fn parent(&self, difference: &'a Difference) -> Option<usize> {
        if difference.rule.is_some() {
            return None;
        }
        let seen = self.seen(difference);
        let cause = causes::CAUSES.iter().find_map(|cause| cause(self, seen))?;
        let place = *self.places.get(&(cause.section.as_str(), cause.key.as_str()))?;
        // Hidden packages take along what they brought; nothing else disappears behind what is hidden.
        let visible = cause.rule.is_none() || (cause.is_in(Section::Packages) && cause.is_of_version());
        (visible && !std::ptr::eq(cause, difference)).then_some(place)
    }

    fn seen(&self, difference: &'a Difference) -> Seen<'a> {
        let section = Section::named(&difference.section);
        let item = |side: &'a Fingerprint| side.items(section?)?.get(&difference.key);
        Seen { difference, before: item(self.before), after: item(self.after) }
    }

    /// The difference of an item.
    pub fn find(&self, section: Section, key: &str) -> Option<&'a Difference> {
        self.places.get(&(section.as_str(), key)).map(|place| &self.differences[*place])
    }

    /// All differences of a section.
    pub fn all(&self, section: Section) -> impl Iterator<Item = &'a Difference> {
        self.differences.iter().filter(move |difference| difference.is_in(section))
    }
}

impl<'a> Seen<'a> {
    /// Whether only one side has the item.
    pub fn is_one_sided(&self) -> bool {
        self.before.is_none() != self.after.is_none()
    }

    /// A field of the whole item, of the side that is told first to have it.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        [self.after, self.before].into_iter().flatten().find_map(|item| item.get(name)).map(String::as_str)
    }

    /// Values of a field of the whole item on both sides.
    pub fn values(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let sides = [self.before, self.after].into_iter().flatten();
        sides.filter_map(move |item| item.get(name)).map(String::as_str)
    }
}

impl Difference {
    /// Whether an item came, went, or has another version.
    fn is_of_version(&self) -> bool {
        self.kind != DifferenceKind::Changed || self.fields().contains(&"version")
    }
}

#[cfg(test)]
mod tests;
