//! Several nodes of one role: what most of them have in common, and where single ones stand out.
//!
//! Each item and each field is voted on by itself. Where as many say one thing as another, the first node's word counts.

use super::compare::compare_by;
use super::comparison::Comparison;
use super::rules::Rules;
use envup_agent::{Fingerprint, Item, Items, Section, Unread};
use std::collections::{BTreeMap, BTreeSet};

/// What several nodes agree on.
#[derive(Debug, Clone, PartialEq)]
pub struct Consensus {
    /// What most nodes have.
    pub fingerprint: Fingerprint,
    /// Nodes that differ from it in what no rule hides, in the order of the nodes.
    pub outliers: Vec<Outlier>,
}

/// A node that stands out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlier {
    /// Its name.
    pub node: String,
    /// The consensus before, the node after.
    pub comparison: Comparison,
}

/// What these nodes, by name, agree on; `None` without nodes.
pub fn consensus(nodes: &[(&str, &Fingerprint)], rules: &Rules<'_>) -> Option<Consensus> {
    let fingerprints: Vec<&Fingerprint> = nodes.iter().map(|(_, fingerprint)| *fingerprint).collect();
    let fingerprint = agreed(&fingerprints)?;
    let compared = nodes.iter().map(|(node, own)| (node, compare_by(&fingerprint, own, rules)));
    let outliers =
        compared.filter(|(_, comparison)| comparison.differences.iter().any(|one| one.rule.is_none()));
    let outliers =
        outliers.map(|(node, comparison)| Outlier { node: (*node).to_owned(), comparison }).collect();
    Some(Consensus { fingerprint, outliers })
}

fn agreed(nodes: &[&Fingerprint]) -> Option<Fingerprint> {
    let key_id = most(nodes.iter().map(|node| node.key_id.as_str()))?.to_owned();
    let level = nodes.iter().map(|node| node.level).min()?;
    let present = |section: &Section| {
        most(nodes.iter().map(|node| node.sections.contains_key(section))).unwrap_or_default()
    };
    let sections = Section::ALL.into_iter().filter(present).map(|section| {
        let votes: Vec<(&Fingerprint, &Items)> =
            nodes.iter().filter_map(|node| Some((*node, node.items(section)?))).collect();
        (section, items(&votes, &key_id))
    });
    let sections = sections.collect();
    let unread: BTreeSet<&Unread> = nodes.iter().flat_map(|node| &node.unread).collect();
    let by_most =
        |unread: &&Unread| most(nodes.iter().map(|node| node.unread.contains(unread))) == Some(true);
    let unread = unread.into_iter().filter(by_most).cloned().collect();
    Some(Fingerprint { level, key_id, sections, unread })
}

fn items(votes: &[(&Fingerprint, &Items)], key_id: &str) -> Items {
    let keys: BTreeSet<&String> = votes.iter().flat_map(|(_, items)| items.keys()).collect();
    let agreed = keys.into_iter().filter_map(|key| {
        let present = most(votes.iter().map(|(_, items)| items.contains_key(key)))?;
        let having: Vec<(&Fingerprint, &Item)> =
            votes.iter().filter_map(|(node, items)| Some((*node, items.get(key)?))).collect();
        present.then(|| (key.clone(), item(&having, key_id)))
    });
    agreed.collect()
}

fn item(votes: &[(&Fingerprint, &Item)], key_id: &str) -> Item {
    let names: BTreeSet<&String> = votes.iter().flat_map(|(_, item)| item.keys()).collect();
    let agreed = names.into_iter().filter_map(|name| {
        // Digests of another key say nothing about these.
        let may = |node: &Fingerprint| name != "keyed" || node.key_id == key_id;
        let values = votes.iter().filter(|(node, _)| may(node)).map(|(_, item)| item.get(name));
        Some((name.clone(), most(values)??.clone()))
    });
    agreed.collect()
}

/// What is said most often; of several the one that was said first.
fn most<T: Ord + Copy>(votes: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for (place, vote) in votes.enumerate() {
        counts.entry(vote).or_insert((0, place)).0 += 1;
    }
    let best = counts.into_iter().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)));
    best.map(|(vote, _)| vote)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fingerprint, unread};
    use super::*;

    fn node(app: &str, extra: &[(Section, &str, &str)]) -> Fingerprint {
        let own = [(Section::Packages, "dpkg:app", app), (Section::Os, "hostname", extra[0].2)];
        fingerprint(&[&own[..], &extra[1..]].concat())
    }

    #[test]
    fn the_node_that_is_unlike_the_others_stands_out() {
        let name = |name| (Section::Os, "hostname", name);
        let key = (Section::Files, "/etc/app", "type=file mode=0644 sha256=aa");
        let one = node("version=1 arch=amd64", &[name("value=a"), key]);
        let two = node("version=2 arch=amd64", &[name("value=b"), (Section::Users, "eve", "uid=0")]);
        let three = node("version=1 arch=arm64", &[name("value=c"), key]);
        let nodes = [("a", &one), ("b", &two), ("c", &three)];
        let Consensus { fingerprint, outliers } = consensus(&nodes, &Rules::default()).unwrap();
        let app = &fingerprint.sections[&Section::Packages]["dpkg:app"];
        assert_eq!((app["version"].as_str(), app["arch"].as_str()), ("1", "amd64"));
        assert!(fingerprint.sections[&Section::Users].is_empty());
        let told: Vec<(&str, Vec<String>)> = outliers
            .iter()
            .map(|outlier| {
                let shown = outlier.comparison.differences.iter().filter(|one| one.rule.is_none());
                (
                    outlier.node.as_str(),
                    shown.map(|one| format!("{} {}", one.kind.as_str(), one.key)).collect(),
                )
            })
            .collect();
        let of = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let expected = [
            ("b", of(&["changed dpkg:app", "missing /etc/app", "extra eve"])),
            ("c", of(&["changed dpkg:app"])),
        ];
        assert_eq!(told, expected, "their names are noise");
    }

    #[test]
    fn equal_nodes_are_their_own_consensus() {
        let mut one = fingerprint(&[(Section::Files, "/etc/shadow", "type=file keyed=aa")]);
        one.unread = vec![unread(Section::Files, "/root")];
        let agreed = consensus(&[("a", &one), ("b", &one), ("c", &one)], &Rules::default()).unwrap();
        assert_eq!(agreed, Consensus { fingerprint: one.clone(), outliers: vec![] });
        assert_eq!(consensus(&[], &Rules::default()), None);
        let other = fingerprint(&[]);
        let tie = consensus(&[("a", &one), ("b", &other)], &Rules::default()).unwrap();
        assert_eq!(tie.fingerprint, one, "of two the first counts");
    }
}
