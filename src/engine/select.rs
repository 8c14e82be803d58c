//! Which machines are meant: names and globs of the command line against those there are.

use crate::model::{Error, Result};
use std::collections::BTreeSet;

/// The machines that some patterns (`web`, `web-*`) mean; all when there is no pattern. A pattern that means nothing is an
/// error that names the machines there are.
pub fn select<'a>(patterns: &[String], names: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<String>> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    if patterns.is_empty() {
        return Ok(names.into_iter().map(str::to_owned).collect());
    }
    let mut chosen = BTreeSet::new();
    for pattern in patterns {
        let fitting = names.iter().filter(|name| glob_match::glob_match(pattern, name));
        let before = chosen.len();
        let mut found = false;
        for name in fitting {
            found = true;
            chosen.insert((*name).to_owned());
        }
        if !found && chosen.len() == before {
            let known = names.iter().copied().collect::<Vec<_>>().join(", ");
            let nearest = names.iter().min_by_key(|name| strsim::damerau_levenshtein(name, pattern));
            let error = Error::usage(format!("no machine is called `{pattern}`"));
            return Err(match nearest {
                Some(name) if strsim::damerau_levenshtein(name, pattern) <= 2 => {
                    error.hint(format!("did you mean `{name}`?"))
                }
                Some(_) => error.hint(format!("there are: {known}")),
                None => error.hint("the Envfile has no machines"),
            });
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_choose_and_typos_are_told() {
        let names = ["db", "web-1", "web-2"];
        let chosen = select(&["web-*".into()], names).unwrap();
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), ["web-1", "web-2"]);
        assert_eq!(select(&[], names).unwrap().len(), 3);
        let error = select(&["bd".into()], names).unwrap_err();
        assert_eq!(error.hints, ["did you mean `db`?"]);
    }
}
