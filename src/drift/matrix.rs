//! Many environments side by side: only the rows in which they differ, the worst first, and where a later environment is newer
//! than one before it.
//!
//! Each environment is compared with the last one, which is production as a rule; what rules hide has no row.

use super::compare::compare_by;
use super::difference::Difference;
use super::rules::Rules;
use super::version::order;
use crate::model::drift::Severity;
use envup_agent::{Fingerprint, Item, Section};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One machine in several environments.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Matrix {
    /// The names of the environments, in the order in which changes pass through them.
    pub environments: Vec<String>,
    /// What is not the same everywhere: by severity, section and key.
    pub rows: Vec<Row>,
    /// What nobody can tell, and in which environment.
    pub unknown: Vec<String>,
}

/// Something that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// A section of the fingerprint.
    pub section: String,
    /// What it is about.
    pub key: String,
    /// How bad the worst of its differences is.
    pub severity: Severity,
    /// For each environment the fields that are not the same everywhere; `None` where there is no such thing.
    pub cells: Vec<Option<Item>>,
    /// The environments, by place, that have a newer version than one before them: what was never tested there.
    pub inversions: Vec<usize>,
}

/// Lays environments side by side.
pub fn matrix(environments: &[(&str, &Fingerprint)], rules: &Rules<'_>) -> Matrix {
    let mut matrix = Matrix {
        environments: environments.iter().map(|(name, _)| (*name).to_owned()).collect(),
        ..Matrix::default()
    };
    let Some(((_, last), others)) = environments.split_last() else { return matrix };
    let mut differences: BTreeMap<(String, String), Vec<Option<Difference>>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for (place, (name, fingerprint)) in others.iter().enumerate() {
        let comparison = compare_by(last, fingerprint, rules);
        let unread =
            fingerprint.unread.iter().map(|unread| format!("{} {}", unread.section.as_str(), unread.key));
        told.extend(unread.map(|what| format!("{name}: {what} could not be read")));
        told.extend(comparison.incomparable.iter().map(|one| format!("{name}: {one}")));
        for difference in comparison.differences.into_iter().filter(|one| one.rule.is_none()) {
            let key = (difference.section.clone(), difference.key.clone());
            differences.entry(key).or_insert_with(|| vec![None; others.len()])[place] = Some(difference);
        }
    }
    let name = &matrix.environments[others.len()];
    told.extend(
        last.unread
            .iter()
            .map(|unread| format!("{name}: {} {} could not be read", unread.section.as_str(), unread.key)),
    );
    matrix.unknown = told.into_iter().collect();
    matrix.rows = differences.into_iter().map(|(key, found)| row(key, &found, environments)).collect();
    matrix.rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
    matrix
}

fn row(
    (section, key): (String, String),
    found: &[Option<Difference>],
    environments: &[(&str, &Fingerprint)],
) -> Row {
    let known: Vec<&Difference> = found.iter().flatten().collect();
    let fields: BTreeSet<&str> = known.iter().flat_map(|difference| difference.fields()).collect();
    // A packaged file has no item where it is as its package brought it; only the difference says what is there.
    let reference = known.iter().find_map(|difference| difference.before.clone());
    let whole = |fingerprint: &Fingerprint| {
        Section::named(&section).and_then(|section| fingerprint.items(section)?.get(&key).cloned())
    };
    let cell = |place: usize, fingerprint: &Fingerprint| {
        let mut item = match found.get(place) {
            Some(Some(difference)) => whole(fingerprint).or_else(|| difference.after.clone())?,
            _ => whole(fingerprint).or_else(|| reference.clone())?,
        };
        item.retain(|name, _| fields.contains(name.as_str()));
        Some(item)
    };
    let cells: Vec<Option<Item>> =
        environments.iter().enumerate().map(|(place, (_, fingerprint))| cell(place, fingerprint)).collect();
    let severity = known.iter().map(|difference| difference.severity).max().unwrap_or(Severity::Cosmetic);
    Row { inversions: inversions(&cells), section, key, severity, cells }
}

/// Places whose version is newer than one of a place before them.
fn inversions(cells: &[Option<Item>]) -> Vec<usize> {
    let version = |cell: &'_ Option<Item>| cell.as_ref().and_then(|item| item.get("version")).cloned();
    let versions: Vec<Option<String>> = cells.iter().map(version).collect();
    let is_newer = |place: &usize| {
        let before = versions[..*place].iter().flatten();
        versions[*place].as_ref().is_some_and(|own| before.into_iter().any(|old| order(own, old).is_gt()))
    };
    (0..cells.len()).filter(is_newer).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fingerprint, item, unread};
    use super::*;

    fn environment(nginx: &str, lang: &str) -> Fingerprint {
        fingerprint(&[
            (Section::Os, "hostname", lang),
            (Section::Packages, "dpkg:nginx", nginx),
            (Section::Packages, "dpkg:same", "version=1"),
            (Section::Environment, "LANG", lang),
        ])
    }

    #[test]
    fn only_rows_that_differ_are_there_the_worst_first() {
        let dev = environment("version=1.24.0-1 arch=amd64", "value=C");
        let mut test = environment("version=1.22.1-9 arch=amd64", "value=C");
        let production = environment("version=1.22.1-10 arch=amd64", "value=en_US");
        test.unread = vec![unread(Section::Files, "/root")];
        let matrix =
            matrix(&[("dev", &dev), ("test", &test), ("production", &production)], &Rules::default());
        let [lang, nginx] = matrix.rows.as_slice() else { panic!("{matrix:?}") };
        assert_eq!((lang.key.as_str(), lang.severity), ("LANG", Severity::Breaking));
        assert_eq!(lang.cells, ["value=C", "value=C", "value=en_US"].map(|cell| Some(item(cell))));
        assert_eq!((nginx.key.as_str(), nginx.severity), ("dpkg:nginx", Severity::Notable));
        assert_eq!(nginx.cells[0], Some(item("version=1.24.0-1")));
        assert_eq!(nginx.inversions, [2], "production is newer than test");
        assert_eq!(matrix.unknown, ["test: files /root could not be read"]);
    }

    #[test]
    fn what_is_not_there_has_an_empty_cell() {
        let with = fingerprint(&[(Section::Packages, "dpkg:a", "version=1 files=aa")]);
        let touched = fingerprint(&[
            (Section::Packages, "dpkg:a", "version=1 files=bb"),
            (Section::Files, "/usr/bin/a", "type=file sha256=bb package=dpkg:a"),
        ]);
        let without = fingerprint(&[]);
        let rows =
            matrix(&[("dev", &with), ("test", &without), ("production", &with)], &Rules::default()).rows;
        assert_eq!(rows[0].cells, [Some(item("version=1 files=aa")), None, Some(item("version=1 files=aa"))]);
        let rows =
            matrix(&[("dev", &touched), ("test", &with), ("production", &with)], &Rules::default()).rows;
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(row.cells[1..], [Some(item("state=as packaged")), Some(item("state=as packaged"))]);
        assert_eq!(matrix(&[], &Rules::default()), Matrix::default());
    }
}
