//! `file` steps: a file or directory of the host, copied into the machine.

use super::{Named, ToolReader};
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::paths::{Want, in_machine, on_host};
use crate::envfile::table::Table;
use crate::model::step::{FileCopy, Tool};

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "file", keys: KEYS, read };

static KEYS: Keys = key_table! { "machine.NAME.provision (file)"
    "file" "path" r#""ops/app.conf""# "" "a file or directory of the host";
    "to" "path" r#""/etc/app.conf""# "" "its own path in the machine";
    "owner" "string" r#""app:app""# "root:root" "user and group";
    "mode" "string" r#""0644""# "the host's" "permissions of files, octal";
    "variables" "table" r#"{ PORT = 80 }"# "" "${NAME} in text files is replaced by these";
};

fn read(table: &Table) -> Option<Named> {
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
