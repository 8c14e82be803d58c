//! What a machine may use and how it ends: sizes, times, processors, signals, restart, platform, logging.

use super::keys;
use super::table::Table;
use super::value::Value;
use crate::model::duration;
use crate::model::machine::{Logging, Restart};
use crate::model::size::Size;
use std::time::Duration;

pub(super) fn size(value: &Value) -> Option<Size> {
    if value.is_integer() {
        let size = value.integer()?;
        return match u64::try_from(size) {
            Ok(bytes) if bytes > 0 => Some(Size(bytes)),
            _ => {
                value.refuse(format!("{size} is not a possible number of bytes"));
                None
            }
        };
    }
    value.parse(str::parse)
}

/// The least memory that an engine gives a container. Bytes.
const LEAST_MEMORY: u64 = 6 << 20;

/// Memory for a machine: who writes a number alone mostly means MiB.
pub(super) fn memory(value: &Value) -> Option<Size> {
    let size = size(value)?;
    if size.0 < LEAST_MEMORY {
        value.refuse_with(
            format!("{size} of memory are too little to start with"),
            "`\"512MiB\"` and `\"2GiB\"` have a unit",
        );
        return None;
    }
    Some(size)
}

pub(super) fn length_of_time(value: &Value) -> Option<Duration> {
    value.parse(duration::parse)
}

/// A length of time above zero.
pub(super) fn positive_time(value: &Value) -> Option<Duration> {
    let time = length_of_time(value)?;
    if time.is_zero() {
        value.refuse("must be longer than nothing");
        return None;
    }
    Some(time)
}

pub(super) fn cpus(value: &Value) -> Option<f64> {
    let cpus = value.number()?;
    if cpus.is_finite() && cpus > 0.0 && cpus <= 4096.0 {
        return Some(cpus);
    }
    value.refuse(format!("{cpus} is not a possible number of processors"));
    None
}

pub(super) fn pids(value: &Value) -> Option<i64> {
    let pids = value.integer()?;
    if pids > 0 || pids == -1 {
        return Some(pids);
    }
    value.refuse_with(format!("{pids} is not a possible number of processes"), "-1 is no limit");
    None
}

static SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "CONT", "HUP", "INT", "IO", "KILL", "PIPE", "PWR", "QUIT", "STOP", "TERM", "TSTP",
    "USR1", "USR2", "WINCH",
];

/// A signal as `SIGTERM`, `SIGRTMIN+3`, or its number.
pub(super) fn signal(text: &str) -> Result<String, String> {
    if let Ok(number) = text.parse::<u8>() {
        let possible = (1..=64).contains(&number);
        return possible.then(|| number.to_string()).ok_or_else(|| format!("{text} is not a signal"));
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let real_time = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"));
    let real_time = real_time.is_some_and(|offset| offset.parse::<u8>().is_ok_and(|offset| offset <= 30));
    if real_time || SIGNALS.contains(&name) || ["RTMIN", "RTMAX"].contains(&name) {
        return Ok(format!("SIG{name}"));
    }
    Err(format!("`{text}` is not a signal (use SIGTERM, SIGINT, SIGQUIT, SIGRTMIN+3)"))
}

/// `no`, `always`, `on-failure[:N]`, `unless-stopped`.
pub(super) fn restart(text: &str) -> Result<Restart, String> {
    match text {
        "no" => Ok(Restart::No),
        "always" => Ok(Restart::Always),
        "unless-stopped" => Ok(Restart::UnlessStopped),
        "on-failure" => Ok(Restart::OnFailure(0)),
        _ => text
            .strip_prefix("on-failure:")
            .and_then(|times| times.parse().ok())
            .map(Restart::OnFailure)
            .ok_or_else(|| {
                format!("`{text}` is not possible, only no, always, on-failure[:N], unless-stopped")
            }),
    }
}

/// `os/architecture[/variant]`.
pub(super) fn platform(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if (2..=3).contains(&parts.len()) && parts.iter().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a platform such as linux/amd64"))
}

pub(super) fn logging(machine: &Table) -> Option<Logging> {
    let table = machine.get("logging")?.part(keys::LOGGING)?;
    let Some(driver) = table.get("driver") else {
        table.refuse(format!("{} needs `driver`", table.place), "such as `driver = \"json-file\"`");
        return None;
    };
    Some(Logging { driver: driver.string()?, options: table.texts("options") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_get_one_spelling() {
        for (text, expected) in
            [("TERM", "SIGTERM"), ("sigint", "SIGINT"), ("9", "9"), ("SIGRTMIN+3", "SIGRTMIN+3")]
        {
            assert_eq!(signal(text).as_deref(), Ok(expected));
        }
        for text in ["", "SIG", "0", "65", "SIGRTMIN+99", "TERMINATE"] {
            assert!(signal(text).is_err(), "{text}");
        }
    }

    #[test]
    fn restart_and_platform_are_checked() {
        assert_eq!(restart("on-failure:3"), Ok(Restart::OnFailure(3)));
        assert!(restart("sometimes").is_err() && restart("on-failure:x").is_err());
        assert!(platform("linux/arm64/v8").is_ok());
        assert!(platform("amd64").is_err() && platform("linux/").is_err());
    }
}
