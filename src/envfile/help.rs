//! `env help envfile`: the key tables as text for people, readable at 80 columns.

use super::keys::keys;
use std::fmt::Write as _;

const OPENING: &str = "\
An Envfile is a TOML file that declares one stack: its machines, networks and
volumes, and how the machines are provisioned.

${VAR}, ${VAR:-default} and ${VAR:?message} are replaced in values; $$ is a
dollar, and $VAR without braces stays for the shell. Values come from
`variables`, else from the environment, else from `.env` beside the Envfile.
${environment}, ${project} and ${machine} are set by env.

[environment.NAME] says what differs there, and --env NAME means it. Tables
merge key by key, everything else replaces; KEY = false takes a key away.

Paths on the host are relative to the Envfile's directory. Every key once, in a
file to copy from: Envfile.example.
";

/// Where the text beside a key begins, and how wide it may be.
const INDENT: usize = 16;
const WIDTH: usize = 79 - INDENT;

/// Every key of every table, with what it is, its default and an example.
pub fn help_text() -> String {
    let mut text = OPENING.to_owned();
    let mut table = None;
    for doc in keys() {
        // Writing to a String cannot fail.
        if table != Some(doc.table) {
            table = Some(doc.table);
            let header = match doc.table {
                "" => "top of the Envfile".to_owned(),
                table => format!("[{table}]"),
            };
            let _ = writeln!(text, "\n{header}");
        }
        let default = match doc.default {
            "" => String::new(),
            default => format!("; default: {default}"),
        };
        let mut lines = wrapped(doc.doc);
        lines.extend(wrapped(&format!("({}{default})", doc.value_type)));
        lines.push(doc.written());
        if doc.key.len() >= INDENT - 2 {
            // One that is too long for its column has a line of its own.
            lines.insert(0, String::new());
        }
        for (index, line) in lines.iter().enumerate() {
            let key = if index == 0 { doc.key } else { "" };
            let _ = writeln!(text, "{}", format!("  {key:<width$}{line}", width = INDENT - 2).trim_end());
        }
    }
    text
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
