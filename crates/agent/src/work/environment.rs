//! Gives the machine its environment variables: /etc/environment for logins, a drop-in of systemd for services.
//!
//! systemd hands neither its own environment nor /etc/environment to services. It does read the drop-in again when it
//! reloads: services started afterwards have what is new and lack what was taken away (seen with version 252).
//! Services that run already keep what they have; restarting them is not for us to decide.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use envup_agent::Reply;

use super::answers::Answers;
use super::failure::Failure;
use super::probe::command;
use super::record::settle;
use super::store::{Store, remove, replace};
use super::turn::wait;

/// The last one to be read, so that no other drop-in takes precedence over what the Envfile says.
const DROP_IN: &str = "etc/systemd/system.conf.d/zz-envup.conf";
const LOGIN: &str = "etc/environment";
const BEGIN: &str = "# begin envup (written by `env up`; do not edit)";
const END: &str = "# end envup";

/// How long systemd may take to reload.
const RELOAD: Duration = Duration::from_secs(60);

/// Carries the request out.
pub fn set(
    state_dir: Option<&str>,
    variables: &BTreeMap<String, String>,
    answers: &mut Answers,
) -> Result<Reply, Failure> {
    variables.iter().try_for_each(|(name, value)| valid(name, value))?;
    let store = Store::writable(state_dir)?;
    let (lock, _) = wait(&store, answers)?;
    let mut ledger = settle(&store, &lock)?;
    let root = Path::new("/");
    let changed = write_login(root, variables)? | write_drop_in(root, variables)?;
    // The ledger comes last: if we were killed before systemd reloaded, it does so now.
    if changed || ledger.env != *variables {
        reload()?;
        ledger.env = variables.clone();
        store.save(&lock, &ledger)?;
    }
    Ok(Reply::Environment { changed })
}

/// Nothing that one of the readers would refuse or misread in silence.
fn valid(name: &str, value: &str) -> Result<(), Failure> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.starts_with(first) || !name.chars().all(|c| first(c) || c.is_ascii_digit()) {
        return Err(Failure::new(format!("services cannot be given a variable called {name}"))
            .hint("use letters, digits and _, and no digit at the beginning"));
    }
    match value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        true => Err(Failure::new(format!("the variable {name} holds a control character"))
            .hint("put the value in a secret or config file")),
        false => Ok(()),
    }
}

fn write_login(root: &Path, variables: &BTreeMap<String, String>) -> Result<bool, Failure> {
    let path = root.join(LOGIN);
    let old = read(&path)?;
    write(&path, &old, &login_text(&old, variables))
}

fn write_drop_in(root: &Path, variables: &BTreeMap<String, String>) -> Result<bool, Failure> {
    let path = root.join(DROP_IN);
    if !root.join("etc/systemd").is_dir() {
        return Ok(false);
    }
    let old = read(&path)?;
    if variables.is_empty() {
        return remove(&path).map(|()| !old.is_empty());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| Failure::io(format_args!("cannot create {}", directory.display()), error))?;
    }
    write(&path, &old, &drop_in_text(variables))
}

fn read(path: &Path) -> Result<String, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::io(format_args!("cannot read {}", path.display()), error)),
    }
}

fn write(path: &Path, old: &str, new: &str) -> Result<bool, Failure> {
    if old == new {
        return Ok(false);
    }
    let mode = fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode() & 0o7777);
    replace(path, mode, new.as_bytes()).map(|()| true).map_err(|error| {
        Failure::io(format_args!("cannot write {}", path.display()), error)
            .hint("environment variables of a box machine need root and a writable /etc")
    })
}

/// Our block after the lines that are not ours.
fn login_text(old: &str, variables: &BTreeMap<String, String>) -> String {
    let mut ours = false;
    let mut text = String::new();
    for line in old.lines() {
        ours |= line == BEGIN;
        if !ours {
            text += &format!("{line}\n");
        }
        ours &= line != END;
    }
    if !variables.is_empty() {
        let lines: String = variables.iter().map(|(name, value)| login_line(name, value)).collect();
        text += &format!("{BEGIN}\n{lines}{END}\n");
    }
    text
}

/// PAM takes one pair of quotes away and knows no escapes; a `#` ends the line wherever it stands.
fn login_line(name: &str, value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:@%+,=-".contains(c);
    if value.contains(['#', '\n']) {
        format!("# {name} is for services only: this file cannot hold its value\n")
    } else if value.chars().all(plain) {
        format!("{name}={value}\n")
    } else if value.contains('\'') && !value.contains(['"', '$', '`', '\\']) {
        format!("{name}=\"{value}\"\n")
    } else {
        format!("{name}='{value}'\n")
    }
}

fn drop_in_text(variables: &BTreeMap<String, String>) -> String {
    let assignments: Vec<String> = variables.iter().map(|(name, value)| assignment(name, value)).collect();
    format!("# Written by `env up`; do not edit.\n[Manager]\nDefaultEnvironment={}\n", assignments.join(" "))
}

/// One quoted word of systemd's, in which `%` begins a specifier.
fn assignment(name: &str, value: &str) -> String {
    let mut text = format!("\"{name}=");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text += "\\n",
            '\t' => text += "\\t",
            '%' => text += "%%",
            c => text.push(c),
        }
    }
    text + "\""
}

/// Has systemd read its configuration again, if it runs here.
fn reload() -> Result<(), Failure> {
    if !Path::new("/run/systemd/private").exists() {
        return Ok(());
    }
    let argv = ["systemctl", "daemon-reload"].map(str::to_owned);
    let problem = match command::run(&argv, None, RELOAD) {
        Ok((status, _)) if status.success() => return Ok(()),
        Ok((status, output)) => format!("{status}: {output}"),
        Err(detail) => detail,
    };
    Err(Failure::new(format!("systemd does not reload its configuration: {problem}"))
        .hint("restart the machine, and services get the new environment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn foreign_lines_stay_and_ours_are_replaced() {
        let first = login_text("PATH=/bin\nLANG=C", &variables(&[("A", "1"), ("B", "two words")]));
        assert_eq!(first, format!("PATH=/bin\nLANG=C\n{BEGIN}\nA=1\nB='two words'\n{END}\n"));
        let second = login_text(&format!("{first}LATER=1\n"), &variables(&[("A", "2")]));
        assert_eq!(second, format!("PATH=/bin\nLANG=C\nLATER=1\n{BEGIN}\nA=2\n{END}\n"));
        assert_eq!(login_text(&second, &variables(&[])), "PATH=/bin\nLANG=C\nLATER=1\n");
    }

    #[test]
    fn login_values_are_quoted_as_pam_reads_them() {
        assert_eq!(login_line("A", "it's"), "A=\"it's\"\n");
        assert_eq!(login_line("A", "$HOME \"x\""), "A='$HOME \"x\"'\n");
        assert_eq!(login_line("A", ""), "A=\n");
        assert!(login_line("A", "a#b").starts_with("# A is for services only"));
        assert!(login_line("A", "a\nB=1").starts_with("# A is for services only"));
    }

    #[test]
    fn service_values_survive_every_character() {
        let text = drop_in_text(&variables(&[("A", "100% \"q\" \\ it's\n$HOME"), ("B", "")]));
        assert!(
            text.ends_with("DefaultEnvironment=\"A=100%% \\\"q\\\" \\\\ it's\\n$HOME\" \"B=\"\n"),
            "{text}"
        );
    }

    #[test]
    fn what_would_be_misread_is_refused() {
        assert!(valid("A_1", "x\ty\n").is_ok());
        for (name, value) in [("1A", ""), ("", ""), ("A-B", ""), ("A B", ""), ("A", "\u{1b}[0m"), ("A", "\r")]
        {
            assert!(valid(name, value).is_err(), "{name:?} {value:?}");
        }
    }

    #[test]
    fn files_are_written_once_and_taken_away_again() {
        let root = std::env::temp_dir().join(format!("envup-agent-environment-{}", std::process::id()));
        fs::create_dir_all(root.join("etc/systemd")).unwrap();
        let some = variables(&[("A", "1")]);
        assert!(write_login(&root, &some).unwrap() && write_drop_in(&root, &some).unwrap());
        assert!(!write_login(&root, &some).unwrap() && !write_drop_in(&root, &some).unwrap());
        let none = variables(&[]);
        assert!(write_login(&root, &none).unwrap() && write_drop_in(&root, &none).unwrap());
        assert!(!root.join(DROP_IN).exists());
        assert_eq!(fs::read_to_string(root.join(LOGIN)).unwrap(), "");
        fs::remove_dir_all(root).unwrap();
    }
}
