//! A command as one line for the shell of the machine.
//!
//! `ssh` joins its words with spaces and leaves the rest to a shell there, so every word is quoted here. Around the command
//! stands a shell of ours that turns death by a signal into 128 plus its number, as everywhere else, and marks the exit code
//! 255, which `ssh` would use for failures of its own.

use crate::model::{Error, Result};
use crate::transport::Command;
use shell_words::{join, quote};

/// Written to standard error after a command that itself ended with 255. It begins with a byte that nobody writes, so that
/// what is really written never has to be held back.
pub(super) const OWN_255: &[u8] = b"\x1eenvup:255\x1e";
/// The same as `printf` takes it.
const PRINT_OWN_255: &str = r"printf '\036envup:255\036' >&2";

/// The line for this command.
pub(super) fn of(command: &Command, sudo: bool) -> Result<String> {
    let words = command.argv.iter().chain(command.env.iter().flat_map(|(name, value)| [name, value]));
    if command.argv.is_empty() || words.chain(&command.working_dir).any(|word| word.contains('\0')) {
        return Err(Error::failed("a command must have words, and none of them a zero byte"));
    }
    let mut inner = String::new();
    for (name, value) in &command.env {
        inner += &format!("export {}; ", quote(&format!("{name}={value}")));
    }
    if let Some(directory) = &command.working_dir {
        inner += &format!("cd -- {} || exit 126; ", quote(directory));
    }
    inner += &format!("exec {}", join(&command.argv));
    let inner = as_user(&inner, command.user.as_deref(), sudo)?;
    let outer = format!("({inner}); code=$?; [ $code -ne 255 ] || {PRINT_OWN_255}; exit $code");
    // The user's login shell may be anything; what it sees is one quoted word.
    Ok(format!("exec sh -c {}", quote(&outer)))
}

fn as_user(inner: &str, user: Option<&str>, sudo: bool) -> Result<String> {
    let script = quote(inner);
    if sudo {
        let (user, group) = user.map_or(("root", None), |user| match user.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (user, None),
        });
        let group = group.map_or_else(String::new, |group| format!("-g {} ", quote(group)));
        return Ok(format!("exec sudo -n -u {} {group}-- sh -c {script}", quote(user)));
    }
    match user {
        None => Ok(inner.to_owned()),
        Some(user) if user.contains(':') => Err(Error::failed(format!("cannot become {user} over ssh"))
            .hint("with `sudo = true` a group can be given")),
        Some(user) => {
            let user = quote(user);
            Ok(format!(
                "if [ \"$(id -un)\" = {user} ] || [ \"$(id -u)\" = {user} ]; then exec sh -c {script}; fi; \
                 [ \"$(id -u)\" = 0 ] || {{ echo 'only root, or who may use sudo, can become' {user} >&2; exit 126; }}; \
                 exec su -s /bin/sh {user} -c {script}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    /// What a shell of this host makes of the line.
    fn run(command: &Command) -> (i32, String, String) {
        let line = of(command, false).unwrap();
        let output = process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn words_arrive_as_they_were() {
        let words = ["a b", "", "$HOME", "it's", "\"", "\\", "--help", "*", "new\nline", "~", "é;|&<>`!"];
        let mut command = Command::new(["printf", "%s|"].iter().chain(&words).copied());
        command.env.insert("HOME".into(), "x".into());
        assert_eq!(run(&command), (0, words.join("|") + "|", String::new()));
    }

    #[test]
    fn directory_variables_and_codes() {
        let mut command = Command::new(["sh", "-c", "pwd; echo \"$A\"; exit 7"]);
        command.env.insert("A".into(), "it's \"b\" $c".into());
        command.working_dir = Some("/usr/bin".into());
        assert_eq!(run(&command), (7, "/usr/bin\nit's \"b\" $c\n".to_owned(), String::new()));
        assert_eq!(run(&Command::new(["sh", "-c", "kill -9 $$"])).0, 137);
        assert_eq!(run(&Command::new(["no-such-program"])).0, 127);
        let nowhere = Command { working_dir: Some("/no/such".into()), ..Command::new(["true"]) };
        assert_eq!(run(&nowhere).0, 126);
    }

    #[test]
    fn only_the_commands_own_255_is_marked() {
        let marked = String::from_utf8(OWN_255.to_vec()).unwrap();
        assert_eq!(run(&Command::new(["sh", "-c", "exit 255"])), (255, String::new(), marked));
        assert_eq!(run(&Command::new(["sh", "-c", "exit 254"])), (254, String::new(), String::new()));
    }

    #[test]
    fn sudo_is_used_only_when_asked_for() {
        let mut command = Command::new(["id"]);
        assert!(!of(&command, false).unwrap().contains("sudo"));
        assert!(of(&command, true).unwrap().contains("sudo -n -u root -- sh -c"));
        command.user = Some("app:app".into());
        assert!(of(&command, true).unwrap().contains("sudo -n -u app -g app -- sh -c"));
        assert!(of(&command, false).is_err());
    }
}
