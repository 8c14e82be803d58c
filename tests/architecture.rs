//! The rules of the house, enforced: floors, homes of foreign crates, printing, the environment, the size of files.
//!
//! Files are judged by their text alone, so that the rules hold for every target and feature.

mod floors;
mod manners;
mod tokens;

use std::fmt;
use std::fs;
use std::path::Path;

/// No file is longer.
const LONGEST: usize = 400;

/// Four fifths of all lines are in files that are no longer.
const USUAL: usize = 250;

/// A rule that a file breaks.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// Everything that is wrong with one file.
fn check(path: &str, source: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut say = |line, text: String| found.push(Violation { path: path.to_owned(), line, text });
    if !source.starts_with("//! ") {
        say(1, "must open with `//! `: what it does and what it does not".to_owned());
    }
    let length = source.lines().count();
    if length > LONGEST {
        say(length, format!("has {length} lines, more than {LONGEST}: one idea per file"));
    }
    let tokens = tokens::tokens(source);
    floors::check(path, &tokens, &mut found);
    manners::check(path, &tokens, &mut found);
    found
}

/// Every Rust file of the repository: path within it, and text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for place in ["build.rs", "src", "crates", "tests", "benches"] {
        for entry in walkdir::WalkDir::new(root.join(place)).sort_by_file_name().into_iter().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "rs") {
                let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                sources.push((path, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    sources
}

#[test]
fn every_file_keeps_the_rules_of_the_house() {
    let sources = sources();
    assert!(sources.len() > 50, "the sources were not found");
    let found: Vec<String> = sources
        .iter()
        .flat_map(|(path, source)| check(path, source))
        .map(|violation| violation.to_string())
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn four_fifths_of_all_lines_are_in_short_files() {
    let mut lengths: Vec<(usize, String)> =
        sources().into_iter().map(|(path, source)| (source.lines().count(), path)).collect();
    lengths.sort();
    let total: usize = lengths.iter().map(|(length, _)| length).sum();
    let long = lengths.into_iter().filter(|(length, _)| *length > USUAL).collect::<Vec<_>>();
    let in_long: usize = long.iter().map(|(length, _)| length).sum();
    assert!(in_long * 5 <= total, "{in_long} of {total} lines are in files of more than {USUAL}: {long:#?}");
}

/// The checker itself: each planted violation is found on its line, and what is allowed is not.
#[test]
fn planted_violations_are_found() {
    let planted = [
        ("src/model/a.rs", "use crate::event::Event;", "`model` must not use `event`"),
        ("src/plan/a.rs", "fn f() { crate::provider::g() }", "`plan` must not use `provider`"),
        ("src/provision/a.rs", "use crate::{model::Error, provider::{self, x}};", "`provision` must not use"),
        ("src/plan/a/b.rs", "use super::super::super::drift::x;", "`plan` must not use `drift`"),
        ("src/plan/mod.rs", "mod tests { use super::super::engine::up; }", "`plan` must not use `engine`"),
        ("src/ui/a.rs", "use crate::engine::up;", "`ui` must not use `engine`"),
        ("src/attic/mod.rs", "", "no room `attic`"),
        ("src/engine/a.rs", "use bollard::Docker;", "`bollard` is named outside"),
        ("src/provider/fake.rs", "fn f() { tokio::spawn(x) }", "`tokio` is named outside"),
        ("src/ui/board.rs", "use indicatif::ProgressBar;", "`indicatif` is named outside"),
        ("src/engine/a.rs", "fn f() { println!(\"x\") }", "`println!` outside"),
        ("src/engine/a.rs", "fn f() { std::io::stdout(); }", "`io::stdout` where"),
        ("src/engine/a.rs", "use std::{io, env};", "the environment"),
        ("src/provider/a.rs", "fn f() { std::env::var(\"HOME\") }", "the environment"),
    ];
    for (path, code, expected) in planted {
        let found = check(path, &format!("//! About.\n\n{code}\n"));
        let [violation] = found.as_slice() else { panic!("{path}: {code}: {found:?}") };
        assert!(violation.text.contains(expected), "{code}: {violation}");
        assert!(violation.line == 3 || expected.contains("room"), "{code}: {violation}");
    }
    for (path, code) in [
        ("src/plan/a.rs", "use crate::model::Error; use super::diff; // crate::provider"),
        ("src/plan/a.rs", "mod tests { use super::*; use super::super::diff; }"),
        ("src/engine/a.rs", "use crate::{plan, provider::docker}; const A: &str = env!(\"OUT_DIR\");"),
        ("src/provider/docker/client.rs", "use bollard::Docker; use tokio::runtime;"),
        ("src/ui/printer.rs", "fn f() { print!(\"\") }"),
        ("src/transport/a.rs", "fn f(output: &mut dyn Output) { output.stdout(b\"crate::cli\") }"),
        ("src/cli/mod.rs", "use clap::Parser; fn f() { std::env::args() }"),
        ("tests/a.rs", "use envup::engine; fn f() { println!() }"),
    ] {
        assert_eq!(check(path, &format!("//! About.\n\n{code}\n")), [], "{path}: {code}");
    }
    let long = format!("//! About.\n{}", "\n".repeat(LONGEST));
    assert!(check("src/model/a.rs", &long)[0].text.contains("401 lines"));
    assert!(check("src/model/a.rs", "use std::fmt;\n")[0].text.contains("must open"));
}
