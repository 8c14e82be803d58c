//! The Envfile: finds it, reads it and turns it into a [`Stack`](crate::model::stack::Stack), or says everything that is
//! wrong with it at once, with line, column, excerpt and the nearest valid word.
//!
//! Reads files beside the Envfile but never the environment or the home directory: the caller gives variables in. Asks no
//! engine and changes nothing.

mod check;
mod check_steps;
mod data;
mod dotenv;
mod drift;
mod drift_keys;
mod edit;
mod environment;
mod help;
mod host;
mod interpolate;
mod kernel;
mod keys;
mod layers;
mod limits;
mod load;
mod machine;
mod machine_keys;
mod mounts;
mod networks;
mod origin;
mod overlay;
mod overlay_machines;
mod paths;
mod ports;
mod reader;
mod ready;
mod refusal;
mod schema;
mod source;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use edit::add_rules;
pub use help::help_text;
pub use keys::{KeyDoc, keys};
pub use load::{FILE_NAME, LoadOptions, Loaded, find, load, load_all};

/// The word that was probably meant, when one is near enough.
fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let score = |candidate: &&str| strsim::jaro_winkler(word, candidate);
    let words: Vec<&str> = words.into_iter().collect();
    let best = words.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    // Short words with two letters swapped have little in common by that score.
    let is_swapped = |known: &&str| word.len() > 2 && strsim::damerau_levenshtein(word, known) == 1;
    if score(&best) >= 0.8 { Some(best) } else { words.into_iter().find(is_swapped) }
}
