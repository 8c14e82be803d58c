//! One run of rsync.

use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::machine::{Folder, Machine};
use crate::model::{Error, Kind, Result};
use crate::provision::{HostRun, Workshop};
use crate::state::find_program;
use std::ffi::OsString;
use std::path::Path;

const PROGRAM: &str = "rsync";

/// How many lines of what it said are shown when it fails.
const SHOWN_LINES: usize = 12;

/// Copies one folder into a machine that runs.
pub fn run(machine: &Machine, folder: &Folder, workshop: &Workshop<'_>, context: &Context) -> Result<()> {
    let cannot = || format!("cannot copy {} to {} in {}", folder.host.display(), folder.guest, machine.name);
    if find_program(Path::new(PROGRAM)).is_none() {
        return Err(Error::new(Kind::Unavailable, format!("{}: there is no rsync on this host", cannot()))
            .hint("sudo apt install rsync"));
    }
    let directory = tempfile::tempdir_in(workshop.runtime).attempt(|| "cannot make a temporary directory")?;
    let run = HostRun {
        program: PROGRAM,
        arguments: arguments(folder, &machine.name, &workshop.exec(), folder.host.is_dir()),
        environment: Vec::new(),
        working_dir: &workshop.stack.directory,
        directory: directory.path(),
        output: None,
    };
    let ended = run.heard(&|_| {}, &cannot(), context)?;
    if ended.code == 0 {
        return Ok(());
    }
    let said: Vec<&str> = ended.said.lines().collect();
    let error = Error::failed(cannot()).detail(said[said.len().saturating_sub(SHOWN_LINES)..].join("\n"));
    let is_missing =
        |line: &&str| line.contains("not found") || line.contains("No such file or directory (2)");
    Err(match said.iter().any(is_missing) {
        true => error.hint(format!(
            "the machine needs rsync: `env exec {} -- apt-get install -y rsync`",
            machine.name
        )),
        false => error,
    })
}

/// Owners go by number: a file of yours is your number's there. What is left out here is left alone there.
fn arguments(folder: &Folder, machine: &str, exec: &[String], is_directory: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["--archive", "--numeric-ids", "--delete", "--mkpath"].map(OsString::from).into();
    arguments
        .push(format!("--rsh={}", exec.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")).into());
    for pattern in &folder.exclude {
        arguments.push(format!("--exclude={pattern}").into());
    }
    if folder.gitignore {
        arguments.push("--filter=:- .gitignore".into());
        arguments.push("--exclude=/.git".into());
    }
    arguments.push("--".into());
    // With a slash at its end a directory stands for what is in it.
    let slash = if is_directory { "/" } else { "" };
    let mut from = folder.host.clone().into_os_string();
    from.push(slash);
    arguments.push(from);
    arguments.push(format!("{machine}:{}{slash}", folder.guest).into());
    arguments
}

/// As rsync itself takes the words of its shell apart: a quote is doubled within quotes.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@%,".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("\"{}\"", word.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_one_run_of_rsync() {
        let folder = Folder {
            host: "/home/me/my shop".into(),
            guest: "/srv/shop".into(),
            read_only: false,
            exclude: vec!["target".into()],
            gitignore: true,
        };
        let exec = ["/bin/envup", "exec", "--file", "/home/me/my \"shop\"/Envfile"].map(str::to_owned);
        let arguments = arguments(&folder, "web", &exec, true);
        let text: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(
            text[4..],
            [
                "--rsh=/bin/envup exec --file \"/home/me/my \"\"shop\"\"/Envfile\"",
                "--exclude=target",
                "--filter=:- .gitignore",
                "--exclude=/.git",
                "--",
                "/home/me/my shop/",
                "web:/srv/shop/",
            ]
        );
    }
}
