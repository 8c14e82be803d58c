//! Has the machine finished booting?

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Found;
use super::command;

/// Where systemd listens once it can answer.
const SOCKET: &str = "/run/systemd/private";

/// As a systemctl says that is older than the option to wait.
const UNKNOWN: &str = "unrecognized option";

/// Asks systemd, which answers once it knows. Where it is not the first process, there is nothing to wait for.
pub fn finished(limit: Duration) -> Found {
    match Init::of_this_machine() {
        Init::Other => Ok(()),
        Init::Unknown => Err("not started yet".to_owned()),
        Init::Systemd if !Path::new(SOCKET).exists() => Err("systemd is starting".to_owned()),
        Init::Systemd => {
            let asked = ask(&["systemctl", "is-system-running", "--wait"], limit);
            let is_too_old = matches!(&asked, Ok(said) if said.contains(UNKNOWN));
            // Not heard within the limit: it is asked again.
            let said = if is_too_old { ask(&["systemctl", "is-system-running"], limit) } else { asked };
            // It exits with a failure for every state but "running", and writes the state.
            match said.map_err(|_| "systemd is starting".to_owned())?.as_str() {
                "running" | "degraded" => Ok(()),
                state => Err(format!("systemd is {state}")),
            }
        }
    }
}

fn ask(argv: &[&str], limit: Duration) -> Result<String, String> {
    let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
    command::run(&argv, None, limit).map(|(_, last_line)| last_line)
}

/// What the first process of the machine is.
#[derive(Debug, PartialEq)]
pub enum Init {
    Systemd,
    Other,
    /// A container's runtime, just before it becomes the real one.
    Unknown,
}

impl Init {
    pub fn of_this_machine() -> Init {
        let program = fs::read_link("/proc/1/exe").ok();
        let program =
            program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        // Only root may read the link.
        let name = program.or_else(|| fs::read_to_string("/proc/1/comm").ok());
        Init::from(name.as_deref().map(str::trim), Path::new("/run/systemd/system").is_dir())
    }

    fn from(name: Option<&str>, systemd_is_up: bool) -> Init {
        match name {
            Some("systemd") => Init::Systemd,
            Some(name) if name.starts_with("runc") || name.starts_with("crun") => Init::Unknown,
            Some(_) => Init::Other,
            None if systemd_is_up => Init::Systemd,
            None => Init::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_decides() {
        assert_eq!(Init::from(Some("systemd"), false), Init::Systemd);
        assert_eq!(Init::from(Some("runc:[2:INIT]"), false), Init::Unknown);
        assert_eq!(Init::from(Some("sleep"), false), Init::Other);
        assert_eq!(Init::from(None, true), Init::Systemd);
        assert_eq!(Init::from(None, false), Init::Other);
    }
}
