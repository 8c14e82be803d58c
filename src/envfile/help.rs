//! `env help envfile`: the key tables as text for people.

use super::keys::keys;
use std::fmt::Write as _;

const OPENING: &str = "\
An Envfile is a TOML file that declares one stack: machines, networks, volumes, and how they are provisioned.
${VAR}, ${VAR:-default} and ${VAR:?message} are replaced in values; $$ is a dollar. Values come from `variables`, the
environment and `.env` beside the Envfile, in this order; ${environment}, ${project} and ${machine} are set by env.
Paths on the host are relative to the Envfile's directory.
";

/// Every key of every table, with what it is, its default and an example.
pub fn help_text() -> String {
    let mut text = OPENING.to_owned();
    let mut table = None;
    for doc in keys() {
        if table != Some(doc.table) {
            table = Some(doc.table);
            let header = if doc.table.is_empty() {
                "top of the Envfile".to_owned()
            } else {
                format!("[{}]", doc.table)
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n{header}");
        }
        let default =
            if doc.default.is_empty() { String::new() } else { format!(" (default: {})", doc.default) };
        let (kind, written) = (doc.value_type, doc.written());
        let _ = writeln!(text, "  {:<12} {}; {kind}{default}\n               {written}", doc.key, doc.doc);
    }
    text
}
