//! Provisioning steps: of one machine, and of the stack over several machines.

use super::keys::{self, Keys};
use super::paths::{Want, in_machine, on_host, text_on_host};
use super::table::Table;
use super::value::Value;
use crate::model::stack::StackStep;
use crate::model::step::{FileCopy, RunPolicy, Script, Shell, Step, Tool};
use std::path::PathBuf;

/// Keys that name a tool; a step has exactly one of them.
static TOOLS: [(&str, Keys); 2] = [("shell", keys::SHELL_STEP), ("file", keys::FILE_STEP)];

/// The steps of a machine.
pub(super) fn steps(machine: &Table) -> Vec<Step> {
    let items = machine.get("provision").map(|value| value.items()).unwrap_or_default();
    let read = |(index, item): (usize, &Value)| {
        let place = format!("step {} of {}", index + 1, machine.place);
        step(&table(item, &[], place)?, index + 1)
    };
    items.iter().enumerate().filter_map(read).collect()
}

/// The steps over several machines; without `machines`, over all of them.
pub(super) fn stack_steps(top: &Table, all: &[String]) -> Vec<StackStep> {
    let items = top.get("provision").map(|value| value.items()).unwrap_or_default();
    let read = |(index, item): (usize, &Value)| {
        let table = table(item, &[keys::STACK_STEP], format!("step {} of the stack", index + 1))?;
        let machines = table.get("machines").map_or_else(|| all.to_vec(), |value| value.names());
        Some(StackStep { step: step(&table, index + 1)?, machines })
    };
    items.iter().enumerate().filter_map(read).collect()
}

/// The table of a step, with the keys that are valid beside its tool's.
fn table<'a>(item: &Value<'a>, more: &[Keys], place: String) -> Option<Table<'a>> {
    let named: Vec<Keys> =
        TOOLS.iter().filter(|(tool, _)| item.has_key(tool)).map(|(_, keys)| *keys).collect();
    let tools = if named.is_empty() { TOOLS.iter().map(|(_, keys)| *keys).collect() } else { named };
    let kinds: Vec<Keys> = [keys::STEP].into_iter().chain(tools).chain(more.iter().copied()).collect();
    item.table(&kinds, place, None)
}

fn step(table: &Table, index: usize) -> Option<Step> {
    let named: Vec<&str> = TOOLS.iter().map(|(tool, _)| *tool).filter(|tool| table.has(tool)).collect();
    let tool = match named.as_slice() {
        ["shell"] => shell(table),
        ["file"] => file(table),
        [] => {
            // A tool of a later version was already refused as a key that is not known.
            if !table.has_unknown() {
                table.refuse(format!("{} says nothing to do", table.place), "it needs `shell` or `file`");
            }
            None
        }
        _ => {
            let tools = named.join("` and `");
            table.refuse(format!("{} has `{tools}`", table.place), "a step has one of them; write two steps");
            None
        }
    };
    let policy = table.get("run").map_or(Some(RunPolicy::default()), |value| {
        value.one_of(&[
            ("changed", RunPolicy::Changed),
            ("always", RunPolicy::Always),
            ("once", RunPolicy::Once),
            ("never", RunPolicy::Never),
        ])
    });
    let layer = table.get("layer").map_or(Some(true), |value| value.boolean());
    let inputs = table.get("inputs").map(|value| value.items()).unwrap_or_default();
    let inputs = inputs.iter().filter_map(|item| on_host(item, Want::Any)).collect();
    let name = table.string("name").filter(|name| !name.trim().is_empty());
    let (tool, default_name) = tool?;
    Some(Step { index, name: name.unwrap_or(default_name), tool, run: policy?, layer: layer?, inputs })
}

/// The tool and the step's name when the Envfile gives none.
fn shell(table: &Table) -> Option<(Tool, String)> {
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

fn file(table: &Table) -> Option<(Tool, String)> {
    let source = table.get("file").and_then(|value| on_host(&value, Want::Any));
    let to = table.get("to");
    if to.is_none() {
        table.refuse(format!("{} needs `to`", table.place), "the file's own path in the machine");
    }
    let owner = table.get("owner").and_then(|value| value.parse(owner));
    let mode = table.get("mode").and_then(|value| value.parse(mode));
    let variables = table.get("variables").map(|value| value.texts());
    let to = to?;
    let source = source?;
    if source.is_file() && to.string()?.ends_with('/') {
        to.refuse("is the file's own path, not the directory to put it in");
        return None;
    }
    let to = to.parse(in_machine)?;
    let name = to.clone();
    Some((Tool::File(FileCopy { source, to, owner, mode, variables }), name))
}

fn owner(text: &str) -> Result<String, String> {
    let (user, group) = text.split_once(':').unwrap_or((text, "root"));
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-$".contains(c))
    };
    if plain(user) && plain(group) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not an owner such as app or app:app"))
}

fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777 && digits.len() >= 3);
    mode.ok_or_else(|| format!("`{text}` are not octal permissions such as 0644"))
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

    #[test]
    fn modes_and_owners_are_checked() {
        assert_eq!(mode("0644"), Ok(0o644));
        assert_eq!(mode("4755"), Ok(0o4755));
        for text in ["", "6", "0999", "77777", "rw-r--r--"] {
            assert!(mode(text).is_err(), "{text}");
        }
        assert!(owner("1000:1000").is_ok() && owner("app").is_ok());
        assert!(owner("app:").is_err() && owner("a b").is_err());
    }
}
