//! Describes a program to start: as whom, where, with which environment, and by which interpreter.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, chdir, setsid};

use super::account::Account;
use super::failure::plain;
use super::sys;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How programs of the machine reach other networks: some read these in capitals, some in small letters.
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
];

/// A program that runs in a session of its own, so that all of it can be ended together.
pub struct Program<'a> {
    pub argv: Vec<String>,
    pub env: &'a BTreeMap<String, String>,
    pub cwd: &'a str,
    pub account: &'a Account,
}

/// Why a program could not be started, with the exit code a shell would give.
pub struct NotStarted {
    pub message: String,
    pub exit_code: i32,
}

impl Program<'_> {
    /// The command, ready but for its standard streams.
    #[allow(unsafe_code)]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear().envs(base_environment(self.account)).envs(self.env);
        let (cwd, account) = (self.cwd.to_owned(), self.account.clone());
        let prepare = move || {
            sys::reset_signals();
            setsid()?;
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
            if let Some(groups) = &account.groups {
                sys::become_user(account.uid, account.gid, groups)?;
            }
            // As the user: it has to be allowed to be there.
            Ok(chdir(cwd.as_str())?)
        };
        // SAFETY: only system calls on values made before the fork.
        unsafe { command.pre_exec(prepare) };
        command
    }

    /// Says why starting failed. The error alone does not tell which of the files is missing.
    pub fn explain(&self, error: &io::Error) -> NotStarted {
        let program = &self.argv[0];
        let missing = error.kind() == ErrorKind::NotFound;
        let message = match () {
            () if !Path::new(self.cwd).is_dir() => format!("there is no directory {}", self.cwd),
            () if missing && program == "/bin/sh" => {
                "this machine has no /bin/sh: name the script's interpreter, or run a program instead"
                    .to_owned()
            }
            () if missing => format!("there is no program {program} in this machine"),
            () => format!("cannot run {program} as {}: {}", self.account.name, plain(error)),
        };
        NotStarted { message, exit_code: if missing { 127 } else { 126 } }
    }
}

/// Has the program killed when the thread that started it ends, however that comes about.
#[allow(unsafe_code)]
pub fn die_with_us(command: &mut Command) {
    let bind = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?);
    // SAFETY: one system call.
    unsafe { command.pre_exec(bind) };
}

/// The command line that runs the script at `path`: by `interpreter`, else by its `#!` line, else by `/bin/sh -e`.
///
/// The `#!` line is read here because the script may lie where the kernel refuses to execute files.
pub fn script_argv(path: &Path, content: &str, interpreter: &[String], args: &[String]) -> Vec<String> {
    let mut argv = match (interpreter, shebang(content)) {
        ([], Some(argv)) => argv,
        ([], None) => vec!["/bin/sh".to_owned(), "-e".to_owned()],
        (interpreter, _) => interpreter.to_vec(),
    };
    argv.push(path.display().to_string());
    argv.extend_from_slice(args);
    argv
}

/// As the kernel reads it: the program and at most one argument.
fn shebang(content: &str) -> Option<Vec<String>> {
    let line = content.strip_prefix("#!")?.lines().next()?.trim();
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let parts = [program, argument.trim()].into_iter().filter(|part| !part.is_empty());
    Some(parts.map(str::to_owned).collect()).filter(|parts: &Vec<String>| !parts.is_empty())
}

/// What every program gets: enough to find others, and nothing that depends on who called.
#[allow(clippy::disallowed_methods)] // the agent's own environment is the machine's
fn base_environment(account: &Account) -> BTreeMap<&'static str, String> {
    let kept = |name, default: Option<&str>| std::env::var(name).ok().or(default.map(str::to_owned));
    let mut environment = BTreeMap::from([
        ("HOME", account.home.clone()),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
    ]);
    environment.extend(kept("PATH", Some(PATH)).map(|value| ("PATH", value)));
    environment.extend(kept("LANG", None).map(|value| ("LANG", value)));
    environment.extend(PROXIES.iter().filter_map(|name| Some((*name, kept(name, None)?))));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(content: &str, interpreter: &[&str]) -> String {
        let interpreter: Vec<String> = interpreter.iter().map(|part| (*part).to_owned()).collect();
        script_argv(Path::new("/s"), content, &interpreter, &["a b".to_owned()]).join("|")
    }

    #[test]
    fn scripts_stop_at_the_first_failure_unless_they_say_otherwise() {
        assert_eq!(argv("echo", &[]), "/bin/sh|-e|/s|a b");
        assert_eq!(argv("#!/bin/bash\necho", &[]), "/bin/bash|/s|a b");
        assert_eq!(argv("#! /usr/bin/env  python3 -u\n", &[]), "/usr/bin/env|python3 -u|/s|a b");
        assert_eq!(argv("#!/bin/bash\n", &["ksh", "-x"]), "ksh|-x|/s|a b");
        assert_eq!(argv("#!\n", &[]), "/bin/sh|-e|/s|a b");
    }
}
