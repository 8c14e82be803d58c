//! `[environment.NAME]`: which ones there are, and the Envfile as one of them has it.
//!
//! How two tables become one is the business of [`overlay`](super::overlay).

use super::keys;
use super::nearest;
use super::overlay::lay;
use super::table::Table;
use crate::model::id::{DEFAULT_ENVIRONMENT, why_bad_name};
use crate::model::{Error, Result};
use std::borrow::Cow;
use toml::de::DeTable;

/// The names of the declared environments, in the Envfile's order.
pub(super) fn declared(document: &DeTable) -> Vec<String> {
    let environments = document.get("environment").and_then(|value| value.get_ref().as_table());
    let mut names: Vec<_> = environments.into_iter().flat_map(DeTable::keys).collect();
    names.sort_by_key(|name| name.span().start);
    names.into_iter().map(|name| name.get_ref().clone().into_owned()).collect()
}

/// Refuses an environment that the Envfile does not know. `dev` always exists, and where none is declared the name is only
/// a word, for `${environment}`.
pub(super) fn known(environment: &str, declared: &[String]) -> Result<()> {
    if let Some(why) = why_bad_name(environment) {
        return Err(Error::usage(format!("the environment's name `{environment}` {why}")));
    }
    if declared.is_empty()
        || environment == DEFAULT_ENVIRONMENT
        || declared.iter().any(|one| one == environment)
    {
        return Ok(());
    }
    let error = Error::usage(format!("the Envfile declares no environment `{environment}`"));
    let names = declared.iter().map(String::as_str).chain([DEFAULT_ENVIRONMENT]);
    Err(match nearest(environment, names) {
        Some(near) => error.hint(format!("did you mean `--env {near}`?")),
        None => error.hint(format!("it declares {}", declared.join(", "))),
    })
}

/// The Envfile with what it says of one environment laid over the rest; findings are noted.
pub(super) fn applied<'a>(top: &Table<'a>, environment: &str) -> Cow<'a, DeTable<'a>> {
    let entries = top.get("environment").map(|value| value.entries()).unwrap_or_default();
    let mut document = Cow::Borrowed(top.map);
    for (name, span, value) in entries {
        if let Some(why) = why_bad_name(&name) {
            top.reader.refuse(top.reader.at(&span, format!("environment: the name `{name}` {why}")));
        }
        if name != environment {
            continue;
        }
        let place = format!("environment {name}");
        if let Some(overlay) = value.table(&[keys::ENVIRONMENT], place, None) {
            lay(document.to_mut(), overlay.map, environment, top.reader);
        }
    }
    document
}
