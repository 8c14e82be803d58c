//! Environment variables that programs of the machine begin with: those of logins (/etc/environment), of services (systemd's
//! DefaultEnvironment) and of process 1. Of variables that not everybody may know only a keyed digest is told.
//!
//! What shells add by themselves (/etc/profile and below) is told by the section `files`.

use std::collections::BTreeMap;

use envup_agent::{is_like, is_public_variable, looks_secret, names_secret_variable};

use super::process;
use super::unit_file::{self, UnitFile};
use super::view::{Found, View};

/// What is another one at each start, or tells of the caller alone.
const VOLATILE: &[&str] = &[
    "BOOT_IMAGE",
    "HOSTNAME",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_*",
    "MANAGERPID",
    "NOTIFY_SOCKET",
    "OLDPWD",
    "PWD",
    "SHLVL",
    "SYSTEMD_EXEC_PID",
    "TERM",
    "WATCHDOG_*",
    "_",
    "container_uuid",
];

/// The name of its process.
const SYSTEMD: &str = "systemd";

/// Where systemd's settings for all services stand; later ones take precedence.
const MANAGER: &[&str] = &[
    "/usr/lib/systemd/system.conf",
    "/etc/systemd/system.conf",
    "/usr/lib/systemd/system.conf.d/",
    "/etc/systemd/system.conf.d/",
];

/// The section `environment`. A variable that differs between its sources has an item for each value, the second one under
/// `NAME (login)` or `NAME (services)`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    let login = view.text("/etc/environment", found);
    let sources = [
        ("process", first_process(view, found)),
        ("services", services(view, found)),
        ("login", pam(&login.unwrap_or_default())),
    ];
    let mut told: BTreeMap<String, (String, Vec<&str>)> = BTreeMap::new();
    for (from, variables) in &sources {
        for (name, value) in variables.iter().filter(|(name, _)| !is_one_of(VOLATILE, name)) {
            let (first, sources) = told.entry(name.clone()).or_insert_with(|| (value.clone(), vec![]));
            match first == value {
                true => sources.push(from),
                false => tell(view, &format!("{name} ({from})"), name, value, from, found),
            }
        }
    }
    for (name, (value, sources)) in &told {
        tell(view, name, name, value, &sources.join(","), found);
    }
}

fn tell(view: &View<'_>, key: &str, name: &str, value: &str, from: &str, found: &mut Found) {
    // Who allows `APP_*` did not think of APP_PASSWORD.
    let is_allowed =
        |pattern: &String| pattern == name || is_like(pattern, name) && !names_secret_variable(name);
    let is_public = is_public_variable(name) || view.environment().iter().any(is_allowed);
    if is_public && !looks_secret(value) {
        found.item(key, [("value", Some(value)), ("from", Some(from))]);
    } else {
        let keyed = view.keyed(&format!("variable {name}"), value.as_bytes());
        found.item(key, [("keyed", Some(keyed.as_str())), ("from", Some(from))]);
    }
}

/// The search path of logins, or that of process 1 where logins have none of their own.
pub fn search_path(view: &View<'_>, found: &mut Found) -> Option<String> {
    let login = pam(&view.text("/etc/environment", found).unwrap_or_default());
    login.get("PATH").cloned().or_else(|| first_process(view, found).get("PATH").cloned())
}

/// What process 1 began with. Of systemd nobody inherits that: a kernel, or an engine, gave it for systemd alone.
fn first_process(view: &View<'_>, found: &mut Found) -> BTreeMap<String, String> {
    let is_systemd =
        || view.text("/proc/1/comm", &mut Found::default()).is_some_and(|name| name.trim_end() == SYSTEMD);
    if !view.is_live() || is_systemd() {
        return BTreeMap::new();
    }
    let text = process::as_itself(1, || view.text("/proc/1/environ", found));
    assignments(text.unwrap_or_default().split('\0'))
}

fn assignments<'t>(words: impl Iterator<Item = &'t str>) -> BTreeMap<String, String> {
    let valid = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let pair = words.filter_map(|word| word.split_once('=')).filter(|(name, _)| valid(name));
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// /etc/environment as PAM reads it: one pair of quotes goes away, a `#` ends the line.
fn pam(text: &str) -> BTreeMap<String, String> {
    let mut variables = assignments(text.lines().map(|line| {
        let line = line.split('#').next().unwrap_or_default().trim();
        line.strip_prefix("export ").unwrap_or(line).trim_start()
    }));
    for value in variables.values_mut() {
        let unquoted =
            value.strip_prefix(['"', '\'']).map(|rest| rest.strip_suffix(['"', '\'']).unwrap_or(rest));
        if let Some(unquoted) = unquoted {
            *value = unquoted.to_owned();
        }
    }
    variables
}

/// What systemd hands to all services.
fn services(view: &View<'_>, found: &mut Found) -> BTreeMap<String, String> {
    let mut files = Vec::new();
    for place in MANAGER {
        match place.ends_with('/') {
            true => {
                let names = view.names(place, found).into_iter().filter(|name| name.ends_with(".conf"));
                files.extend(names.map(|name| format!("{place}{name}")));
            }
            false => files.push((*place).to_owned()),
        }
    }
    let mut settings = UnitFile::default();
    for file in files {
        let text = view.text(&file, found).unwrap_or_default();
        settings.read(&text);
    }
    let words: Vec<String> =
        settings.all("Manager", "DefaultEnvironment").into_iter().flat_map(unit_file::words).collect();
    assignments(words.iter().map(String::as_str))
}

fn is_one_of(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| is_like(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, live, odd};
    use super::*;

    const LOGIN: &str =
        "# all\nLANG=\"C.UTF-8\"\nPATH=/usr/bin # x\nexport API=CANARY\nSHOP_MODE='a b'\nTZ=UTC\n";
    const SERVICES: &str = "[Manager]\n#DefaultEnvironment=NO=1\nDefaultEnvironment=\"LANG=C.UTF-8\" 'NODE_ENV=100%% a' TZ=CET\n";

    fn tree(login: &str) -> Tree {
        let tree = Tree::new();
        tree.file("/etc/environment", login).file("/etc/systemd/system.conf.d/zz-envup.conf", SERVICES);
        tree
    }

    #[test]
    fn values_are_told_only_where_everybody_may_know_them() {
        let items = tree(LOGIN).items(collect);
        let names: Vec<&str> = items.keys().map(String::as_str).collect();
        assert_eq!(names, ["API", "LANG", "NODE_ENV", "PATH", "SHOP_MODE", "TZ", "TZ (login)"]);
        assert_eq!(field(&items, "LANG", "from"), Some("services,login"));
        assert_eq!(field(&items, "NODE_ENV", "value"), Some("100% a"));
        assert_eq!((field(&items, "PATH", "value"), field(&items, "API", "value")), (Some("/usr/bin"), None));
        assert!(!format!("{items:?}").contains("CANARY"));
    }

    #[test]
    fn a_project_may_name_more_but_not_secrets() {
        let items = |login: &str| {
            let fingerprint = tree(login).fingerprint(collect, &["SHOP_*"]);
            fingerprint.sections.into_values().next().unwrap()
        };
        assert_eq!(field(&items(LOGIN), "SHOP_MODE", "value"), Some("a b"));
        let secret = items("SHOP_MODE=postgres://app:CANARY@db/x\nLANG=0123456789abcdef0123456789abcdef\n");
        assert_eq!(
            (field(&secret, "SHOP_MODE", "value"), field(&secret, "LANG", "value")),
            (None, Some("C.UTF-8"))
        );
        assert!(
            !format!("{secret:?}").contains("CANARY")
                && !format!("{secret:?}").contains("abcdef0123456789abcdef\"")
        );
        assert_ne!(secret["SHOP_MODE"], items(LOGIN)["SHOP_MODE"]);
    }

    #[test]
    fn odd_lines_and_a_running_machine_do_no_harm() {
        for bytes in odd(LOGIN.as_bytes()) {
            pam(&String::from_utf8_lossy(&bytes));
        }
        let items = live(collect).sections.into_values().next().unwrap();
        assert!(!items.contains_key("HOSTNAME") && !items.contains_key("PWD"));
    }
}
