//! `shell` steps: a script of the host, or text of the Envfile.

use super::{Named, ToolReader};
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::paths::{Want, in_machine, text_on_host};
use crate::envfile::table::Table;
use crate::envfile::value::Value;
use crate::model::step::{Script, Shell, Tool};
use std::path::PathBuf;

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "shell", keys: KEYS, read };

static KEYS: Keys = key_table! { "machine.NAME.provision (shell)"
    "shell" "path or script" r#""ops/base.sh""# "" "a script's path, or with spaces or newlines the script itself; set -e holds";
    "args" "list of strings" r#"["--quick"]"# "" "arguments of the script";
    "env" "table" r#"{ LANG = "C.UTF-8" }"# "" "environment of the script";
    "user" "string" r#""app""# "root" "who runs it";
    "working_dir" "path" r#""/srv/app""# "/" "where it runs";
    "check" "string" r#""test -e /srv/app/done""# "" "a script that exits 0 when there is nothing to do";
};

fn read(table: &Table) -> Option<Named> {
    let value = table.get("shell");
    let text = value.as_ref().and_then(Value::string);
    let (args, env) = (table.strings("args"), table.texts("env"));
    let (user, check) = (table.string("user"), table.string("check"));
    let working_dir = table.get("working_dir").and_then(|value| value.parse(in_machine));
    let (value, text) = (value?, text?);
    let (script, name) = if text.contains(char::is_whitespace) {
        let name = inline_name(&text);
        (Script::Inline(text), name)
    } else {
        (Script::Path(script_path(&value, &text)?), text)
    };
    Some((Tool::Shell(Shell { script, args, env, user, working_dir, check }), name))
}

fn script_path(value: &Value, text: &str) -> Option<PathBuf> {
    if !text.is_empty() && !value.reader.directory.join(text).exists() && !text.starts_with('~') {
        let label = "a command of one word needs a space or newline, else it is a path";
        value.refuse_with(format!("the script `{text}` does not exist"), label);
        return None;
    }
    text_on_host(value, text, Want::File)
}

/// The first line that says something, at most 40 characters of it.
fn inline_name(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let line = lines.clone().find(|line| !line.is_empty() && !line.starts_with('#'));
    let line = line.or_else(|| lines.clone().find(|line| !line.is_empty())).unwrap_or("(empty)");
    match line.char_indices().nth(40) {
        Some(_) => line.chars().take(39).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_step_is_named_by_its_first_command() {
        assert_eq!(inline_name("\n# why\n  apt-get update\napt-get install x\n"), "apt-get update");
        assert_eq!(inline_name("# only a comment"), "# only a comment");
        assert_eq!(inline_name(" \n"), "(empty)");
        assert_eq!(inline_name(&"x ".repeat(40)).chars().count(), 40);
    }
}
