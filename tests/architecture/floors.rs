//! Who may use whom: a room uses only rooms of lower floors, and never the others of its own.

use super::Violation;
use super::tokens::Token;

/// A room and the rooms it may use; `None` for all of them.
const ROOMS: [(&str, Option<&[&str]>); 17] = [
    ("model", Some(&[])),
    ("event", Some(&["model"])),
    ("transport", Some(&["event", "model"])),
    ("state", Some(&["event", "model"])),
    ("envfile", Some(THIRD)),
    ("plan", Some(THIRD)),
    ("provider", Some(THIRD)),
    ("provision", Some(THIRD)),
    ("drift", Some(THIRD)),
    ("boxes", Some(THIRD)),
    ("engine", Some(FOURTH)),
    ("ui", Some(&["plan", "drift", "event", "model"])),
    ("cli", None),
    ("passthrough", Some(&[])),
    ("lib", None),
    ("main", None),
    ("build", Some(&[])),
];
const THIRD: &[&str] = &["transport", "state", "event", "model"];
const FOURTH: &[&str] =
    &["envfile", "plan", "provider", "provision", "drift", "boxes", "transport", "state", "event", "model"];

/// Which room a file of `src/` belongs to, and how deep its module lies below the crate's root.
fn place(path: &str) -> Option<(&str, usize)> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = inside.strip_suffix("/mod").unwrap_or(inside);
    let room = module.split('/').next()?;
    let depth = if matches!(module, "lib" | "main") { 0 } else { module.split('/').count() };
    Some((room, depth))
}

/// Every use of a room that the file's own room must not know.
pub fn check(path: &str, tokens: &[Token<'_>], found: &mut Vec<Violation>) {
    let Some((room, depth)) = place(path) else { return };
    let mut say = |line, text| found.push(Violation { path: path.to_owned(), line, text });
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        say(1, format!("the house has no room `{room}`: give it a floor in tests/architecture/floors.rs"));
        return;
    };
    let Some(allowed) = allowed else { return };
    for (used, line) in rooms_named(tokens, depth) {
        let known = ROOMS.iter().any(|(name, _)| *name == used);
        if known && used != room && !allowed.contains(&used) {
            say(line, format!("`{room}` must not use `{used}`, which is not on a lower floor"));
        }
    }
}

/// What stands right behind the crate's root in the paths of a file: `crate::x`, `crate::{x, y::z}`, enough `super::`s.
fn rooms_named<'a>(tokens: &[Token<'a>], depth: usize) -> Vec<(&'a str, usize)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut named = Vec::new();
    // Modules written inside the file: at which nesting of braces each was opened.
    let (mut inline, mut braces) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => {
                braces += 1;
                if at >= 2 && text(at - 2) == "mod" {
                    inline.push(braces);
                }
            }
            "}" => {
                inline.pop_if(|opened| *opened == braces);
                braces -= 1;
            }
            "crate" if text(at + 1) == "::" && (at == 0 || text(at - 1) != "$") => {
                named.extend(heads(tokens, at + 2));
            }
            "super" if at == 0 || text(at - 1) != "::" => {
                let mut supers = 0;
                while text(at + 2 * supers) == "super" && text(at + 2 * supers + 1) == "::" {
                    supers += 1;
                }
                if supers > 0 && supers >= depth + inline.len() {
                    named.extend(heads(tokens, at + 2 * supers));
                }
            }
            _ => {}
        }
        at += 1;
    }
    named
}

/// The first words of a path that goes on at `at`: one, or those of a group in braces.
fn heads<'a>(tokens: &[Token<'a>], at: usize) -> Vec<(&'a str, usize)> {
    let Some(first) = tokens.get(at) else { return Vec::new() };
    if first.text != "{" {
        return vec![(first.text, first.line)];
    }
    let (mut depth, mut heads) = (0, Vec::new());
    for pair in tokens[at..].windows(2) {
        match pair[0].text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0].text, "{" | ",") && pair[1].text != "}" {
            heads.push((pair[1].text, pair[1].line));
        }
    }
    heads
}
