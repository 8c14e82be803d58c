//! `ready`: the requirements that must hold before a machine counts as ready.

use super::keys;
use super::limits::positive_time;
use super::paths::in_machine;
use super::ports::number;
use super::table::Table;
use super::value::Value;
use crate::model::ready::{DEFAULT_TIMEOUT, Ready, Requirement};

pub(super) fn ready(machine: &Table) -> Option<Ready> {
    let table = machine.get("ready")?.part(keys::READY)?;
    let mut requirements = Vec::new();
    let mut asked = false;
    let mut add = |key: &str, read: &dyn Fn(&Value) -> Vec<Requirement>| {
        if let Some(value) = table.get(key) {
            asked = true;
            requirements.extend(read(&value));
        }
    };
    add("tcp", &ports);
    add("http", &|value| value.parse(http).map(Requirement::Http).into_iter().collect());
    add("cmd", &|value| command(value).map(Requirement::Command).into_iter().collect());
    add("file", &|value| value.parse(in_machine).map(Requirement::File).into_iter().collect());
    add("log", &|value| value.parse(pattern).map(Requirement::Log).into_iter().collect());
    if !asked {
        table.refuse(format!("{} awaits nothing", table.place), "it needs one of tcp, http, cmd, file, log");
    }
    let interval = table.get("interval").and_then(|value| positive_time(&value));
    let timeout = table.get("timeout").map_or(Some(DEFAULT_TIMEOUT), |value| positive_time(&value));
    Some(Ready { requirements, interval, timeout: timeout? })
}

fn ports(value: &Value) -> Vec<Requirement> {
    let items = if value.is_list() { value.items() } else { vec![value.clone()] };
    let port = |item: &Value| {
        let given = item.integer()?;
        number(&given.to_string()).map_err(|why| item.refuse(why)).ok().map(Requirement::Tcp)
    };
    items.iter().filter_map(port).collect()
}

fn http(text: &str) -> Result<String, String> {
    if text.starts_with("https://") {
        return Err(
            "only http:// is probed; for https use `cmd`, such as [\"curl\", \"-fsk\", URL]".to_owned()
        );
    }
    let wrong = || format!("`{text}` is not an address such as http://localhost/health");
    let rest = text.strip_prefix("http://").ok_or_else(wrong)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty()
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
        || authority.contains('@')
    {
        return Err(wrong());
    }
    let after_address = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
    if let Some((_, port)) = after_address.rsplit_once(':') {
        number(port)?;
    }
    Ok(text.to_owned())
}

/// A list is run as it is, a string by the shell.
fn command(value: &Value) -> Option<Vec<String>> {
    let argv = if value.is_string() {
        let script = value.string()?;
        if script.trim().is_empty() { vec![] } else { vec!["/bin/sh".into(), "-c".into(), script] }
    } else if value.is_list() {
        value.strings()
    } else {
        return value.wrong_type("a string or a list");
    };
    if argv.is_empty() {
        value.refuse("the command is empty");
        return None;
    }
    Some(argv)
}

fn pattern(text: &str) -> Result<String, String> {
    match regex::Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(format!("not a regular expression: {last}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for text in
            ["http://localhost", "http://localhost:8080/health?x=1", "http://[::1]:80/", "http://[::1]/"]
        {
            assert!(http(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "localhost",
            "http://",
            "http:///x",
            "http://a b",
            "http://x:99999",
            "http://u@x/",
            "ftp://x",
        ] {
            assert!(http(text).is_err(), "{text}");
        }
        assert!(http("https://x").unwrap_err().contains("use `cmd`"));
        assert!(pattern("(").unwrap_err().contains("unclosed group"));
    }
}
