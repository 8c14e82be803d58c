//! What only some files may name: foreign crates that have one home, printing, the environment.

use super::Violation;
use super::tokens::Token;

/// A foreign crate and the places that may name it.
const HOMES: [(&str, &str); 10] = [
    ("bollard", "src/provider/docker/"),
    ("tokio", "src/provider/docker/"),
    ("futures_util", "src/provider/docker/"),
    ("virt", "crates/libvirt/"),
    ("kvm_ioctls", "crates/libvirt/src/kvm.rs"),
    ("roxmltree", "crates/libvirt/"),
    ("indicatif", "src/ui/progress.rs"),
    ("clap", "src/cli/"),
    ("clap_complete", "src/cli/"),
    ("dirs", "src/state/"),
];

/// Who prints.
const PRINTERS: [&str; 1] = ["src/ui/printer.rs"];

/// Who may hold the process's own streams without printing through the printer: who becomes another program, and who hands a
/// machine's bytes on as they are.
const STREAMS: [&str; 5] = ["src/ui/", "src/cli/", "src/passthrough", "src/main.rs", "crates/"];

/// Who reads the environment.
const READERS: [&str; 5] = ["src/cli/", "src/state/", "src/passthrough", "src/main.rs", "crates/"];

/// Everything in a file that only others may name.
pub fn check(path: &str, tokens: &[Token<'_>], found: &mut Vec<Violation>) {
    if !path.starts_with("src/") && !path.starts_with("crates/") {
        return;
    }
    let lives_in = |homes: &[&str]| homes.iter().any(|home| path.starts_with(home));
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let before = |at: usize, back: usize| at.checked_sub(back).map_or("", text);
    for (at, token) in tokens.iter().enumerate() {
        let mut say = |text: String| found.push(Violation { path: path.to_owned(), line: token.line, text });
        let begins_path = before(at, 1) != "::" && text(at + 1) == "::" || before(at, 1) == "use";
        let home = HOMES.iter().find(|(name, _)| *name == token.text && begins_path);
        if let Some((name, home)) = home.filter(|(_, home)| !path.starts_with(home)) {
            say(format!("`{name}` is named outside its home {home}"));
        }
        match token.text {
            "print" | "println" | "eprint" | "eprintln" | "dbg"
                if text(at + 1) == "!" && !lives_in(&PRINTERS) =>
            {
                say(format!("`{}!` outside {}", token.text, PRINTERS[0]));
            }
            "stdout" | "stderr" if before(at, 2) == "io" && before(at, 1) == "::" && !lives_in(&STREAMS) => {
                say(format!("`io::{}` where nothing is printed", token.text));
            }
            "env"
                if (from_std(tokens, at) || text(at + 1) == "::")
                    && text(at + 2) != "consts"
                    && !lives_in(&READERS)
                    && !path.ends_with("/tests.rs") =>
            {
                say("the environment is read by cli, state and passthrough only".to_owned());
            }
            _ => {}
        }
    }
}

/// Whether the word at `at` belongs to `std::…` or to the group of `use std::{…}`.
fn from_std(tokens: &[Token<'_>], at: usize) -> bool {
    let back = |steps: usize| at.checked_sub(steps).map_or("", |at| tokens[at].text);
    if back(1) == "::" {
        return back(2) == "std";
    }
    if back(1) != "{" && back(1) != "," {
        return false;
    }
    let mut depth = 0;
    for start in (2..at).rev() {
        match tokens[start].text {
            "}" => depth += 1,
            "{" if depth > 0 => depth -= 1,
            "{" => return tokens[start - 1].text == "::" && tokens[start - 2].text == "std",
            ";" => return false,
            _ => {}
        }
    }
    false
}
