//! The order of machines: those that others need come first.

use crate::model::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Machines so that each comes after those it needs, otherwise by name.
///
/// `needs` names for every machine the machines it needs; names that are no machines are left out. A cycle is an error
/// that names it.
pub fn dependencies_first<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Result<Vec<&'a str>> {
    let mut order = Vec::with_capacity(needs.len());
    let mut path = Vec::new();
    for name in needs.keys() {
        visit(name, needs, &mut order, &mut path)?;
    }
    Ok(order)
}

fn visit<'a>(
    name: &'a str,
    needs: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    order: &mut Vec<&'a str>,
    path: &mut Vec<&'a str>,
) -> Result<()> {
    if order.contains(&name) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|known| *known == name) {
        let cycle = [&path[start..], &[name]].concat().join(" → ");
        return Err(Error::usage(format!("machines wait for each other: {cycle}"))
            .hint("take one of these out of `depends_on`"));
    }
    let Some(direct) = needs.get(name) else { return Ok(()) };
    path.push(name);
    for need in direct {
        visit(need, needs, order, path)?;
    }
    path.pop();
    order.push(name);
    Ok(())
}

/// The given machines and all that they need, directly or not.
pub fn needed_by<'a>(
    names: impl IntoIterator<Item = &'a str>,
    needs: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = names.into_iter().collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(needs.get(name).into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(edges: &[(&'static str, &[&'static str])]) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        edges.iter().map(|(name, direct)| (*name, direct.iter().copied().collect())).collect()
    }

    #[test]
    fn what_is_needed_comes_first() {
        let needs = needs(&[("app", &["db"]), ("db", &[]), ("proxy", &["app", "cache"]), ("cache", &[])]);
        assert_eq!(dependencies_first(&needs).unwrap(), ["db", "app", "cache", "proxy"]);
        assert_eq!(needed_by(["app"], &needs), BTreeSet::from(["app", "db"]));
    }

    #[test]
    fn a_cycle_is_named() {
        let needs = needs(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
        let error = dependencies_first(&needs).unwrap_err();
        assert_eq!(error.message, "machines wait for each other: b → c → b");
    }
}
