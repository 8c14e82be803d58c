//! What the machine does by the clock: lines of crontabs, scripts below /etc/cron.daily and its like, timers of systemd.
//!
//! Of a crontab that only its owner may read, and of a line that looks like it holds a secret, the program is told and the rest
//! is a keyed digest.

use envup_agent::looks_secret;
use sha2::{Digest as _, Sha256};

use super::systemd::{Unit, units};
use super::view::{Found, View, hex};

/// Crontabs of the system: their lines name a user.
const SYSTEM: &[&str] = &["/etc/crontab", "/etc/cron.d/"];
/// Directories of crontabs that are called after their user.
const USERS: &[&str] = &["/var/spool/cron/crontabs/", "/var/spool/cron/", "/etc/crontabs/"];
/// Directories of scripts, and how often they run.
const SCRIPTS: &[(&str, &str)] = &[
    ("/etc/cron.hourly", "hourly"),
    ("/etc/cron.daily", "daily"),
    ("/etc/cron.weekly", "weekly"),
    ("/etc/cron.monthly", "monthly"),
    ("/etc/periodic/15min", "every 15 minutes"),
    ("/etc/periodic/hourly", "hourly"),
    ("/etc/periodic/daily", "daily"),
    ("/etc/periodic/weekly", "weekly"),
    ("/etc/periodic/monthly", "monthly"),
];
/// Variables of crontabs that everybody may know.
const PUBLIC: &[&str] =
    &["CRON_TZ", "HOME", "LANG", "LOGNAME", "MAILFROM", "MAILTO", "PATH", "RANDOM_DELAY", "SHELL"];

/// The section `schedules`.
pub fn collect(view: &View<'_>, found: &mut Found) {
    for path in files(view, SYSTEM, found) {
        crontab(view, &path, None, found);
    }
    for path in files(view, USERS, found) {
        crontab(view, &path, path.rsplit('/').next(), found);
    }
    for line in lines(&view.text("/etc/anacrontab", found).unwrap_or_default()) {
        let Some((when, command)) = split(line, 3).filter(|_| variable(line).is_none()) else { continue };
        tell(view, "/etc/anacrontab", &Line { when, user: "root", command }, found);
    }
    for (directory, when) in SCRIPTS {
        scripts(view, directory, when, found);
    }
    for unit in &units(view, &|name| name.ends_with(".timer"), found) {
        if unit.is_own || unit.is_installable() {
            timer(view, unit, found);
        }
    }
}

/// What one line says.
struct Line<'t> {
    when: String,
    user: &'t str,
    command: &'t str,
}

/// The files themselves, and those in the directories among them.
fn files(view: &View<'_>, places: &[&str], found: &mut Found) -> Vec<String> {
    let mut files = Vec::new();
    for place in places {
        match place.ends_with('/') {
            true => files.extend(view.names(place, found).iter().map(|name| format!("{place}{name}"))),
            false => files.push((*place).to_owned()),
        }
    }
    files
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A crontab whose lines name the user, or that belongs to one.
fn crontab(view: &View<'_>, path: &str, owner: Option<&str>, found: &mut Found) {
    let text = view.text(path, found).unwrap_or_default();
    for line in lines(&text) {
        if let Some((name, value)) = variable(line) {
            let key = format!("{path}: {name}=");
            let is_public = PUBLIC.contains(&name) && !looks_secret(value);
            let keyed = view.keyed(&key, value.as_bytes());
            let field = if is_public { ("command", Some(value)) } else { ("keyed", Some(keyed.as_str())) };
            found.item(key, [field]);
            continue;
        }
        let Some((when, rest)) = split(line, if line.starts_with('@') { 1 } else { 5 }) else { continue };
        let (user, command) = match owner {
            Some(owner) => (owner, rest),
            // Without a user the line is wrong, and what stands in its place may be anything.
            None => {
                rest.split_once(char::is_whitespace).filter(|(user, _)| is_name(user)).unwrap_or(("", rest))
            }
        };
        tell(view, path, &Line { when, user, command: command.trim() }, found);
    }
}

/// `NAME=value`, where a line of times cannot be meant.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then(|| (name, value.trim().trim_matches(['"', '\''])))
}

/// So many words with single spaces between them, and the rest.
fn split(line: &str, count: usize) -> Option<(String, &str)> {
    let (mut words, mut rest) = (Vec::new(), line);
    for _ in 0..count {
        let (word, left) = rest.split_once(char::is_whitespace)?;
        words.push(word);
        rest = left.trim_start();
    }
    Some((words.join(" "), rest))
}

fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || "._-$".contains(c))
}

fn tell(view: &View<'_>, path: &str, line: &Line<'_>, found: &mut Found) {
    let is_public = view.is_public(path) && !looks_secret(line.command);
    let key = format!("{path}: {}", if is_public { line.command } else { program(line.command) });
    let key = found.free(key);
    let keyed = view.keyed(&format!("line of {path}"), line.command.as_bytes());
    let command = if is_public { ("command", Some(line.command)) } else { ("keyed", Some(keyed.as_str())) };
    let package = view.owners().of(path).map(|package| package.key.as_str());
    found.item(
        key,
        [("when", Some(line.when.as_str())), ("user", Some(line.user)), command, ("package", package)],
    );
}

/// The first word, if it is a program's name or path and nothing else.
fn program(command: &str) -> &str {
    let word = command.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if plain && !looks_secret(word) { word } else { "…" }
}

/// Scripts that run-parts starts; the digest says what is in them.
fn scripts(view: &View<'_>, directory: &str, when: &str, found: &mut Found) {
    for name in view.names(directory, found).iter().filter(|name| !name.starts_with('.')) {
        let path = format!("{directory}/{name}");
        let Some(bytes) = view.bytes(&path, found) else { continue };
        let digest = match view.is_public(&path) {
            true => ("sha256", hex(&Sha256::digest(&bytes))),
            false => ("keyed", view.keyed(&path, &bytes)),
        };
        let package = view.owners().of(&path).map(|package| package.key.as_str());
        let digest = (digest.0, Some(digest.1.as_str()));
        found.item(&path, [("when", Some(when)), ("user", Some("root")), ("package", package), digest]);
    }
}

/// A timer: all its settings say when, but for the unit that it starts.
fn timer(view: &View<'_>, unit: &Unit, found: &mut Found) {
    let mut settings = Vec::new();
    for name in unit.settings.names("Timer").into_iter().filter(|name| *name != "Unit") {
        settings.extend(unit.settings.all("Timer", name).iter().map(|value| format!("{name}={value}")));
    }
    let starts = unit.settings.last("Timer", "Unit").map(str::to_owned);
    let starts = starts.unwrap_or_else(|| unit.name.replace(".timer", ".service"));
    let when = settings.join(", ");
    unit.tell(view, &[("when", Some(when.as_str())), ("command", Some(starts.as_str()))], found);
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Tree, field, odd};
    use super::*;

    const CRONTAB: &str = "# all\nPATH=/bin\nAPI=CANARY1\n17 *\t* * *   root  cd / && run-parts /etc/cron.hourly\n\
        @reboot app /srv/start --token CANARY2\n@daily root x\n@daily root x\n@daily PASSWORD=CANARY4 /srv/x\n";

    #[test]
    fn lines_of_crontabs_are_told_without_secrets() {
        let tree = Tree::new();
        tree.file("/etc/crontab", CRONTAB)
            .file("/var/spool/cron/crontabs/app", "0 4 * * 1 PW=CANARY3 /srv/backup\n");
        tree.mode("/var/spool/cron/crontabs/app", 0o600);
        let items = tree.items(collect);
        let line = "/etc/crontab: cd / && run-parts /etc/cron.hourly";
        assert_eq!(
            (field(&items, line, "when"), field(&items, line, "user")),
            (Some("17 * * * *"), Some("root"))
        );
        assert_eq!(field(&items, "/etc/crontab: /srv/start", "when"), Some("@reboot"));
        assert_eq!(field(&items, "/etc/crontab: PATH=", "command"), Some("/bin"));
        assert!(items.contains_key("/etc/crontab: x (2)"));
        assert_eq!(field(&items, "/var/spool/cron/crontabs/app: …", "user"), Some("app"));
        assert!(!format!("{items:?}").contains("CANARY"));
    }

    #[test]
    fn a_changed_script_or_timer_is_seen() {
        let tree = Tree::new();
        tree.file("/etc/cron.daily/backup", "#!/bin/sh\n").file("/etc/cron.daily/.placeholder", "");
        tree.file(
            "/usr/lib/systemd/system/b.timer",
            "[Timer]\nOnCalendar=daily\nPersistent=true\n[Install]\n",
        );
        let before = tree.items(collect);
        assert_eq!(before.keys().collect::<Vec<_>>(), ["/etc/cron.daily/backup", "b.timer"]);
        assert_eq!(field(&before, "b.timer", "command"), Some("b.service"));
        tree.file("/etc/cron.daily/backup", "#!/bin/bash\n");
        tree.file("/etc/systemd/system/b.timer.d/x.conf", "[Timer]\nOnCalendar=\nOnCalendar=hourly\n");
        let after = tree.items(collect);
        assert_ne!(before["/etc/cron.daily/backup"], after["/etc/cron.daily/backup"]);
        assert_eq!(field(&after, "b.timer", "when"), Some("OnCalendar=hourly, Persistent=true"));
    }

    #[test]
    fn odd_crontabs_do_no_harm() {
        for bytes in odd(CRONTAB.as_bytes()) {
            Tree::new().file("/etc/crontab", &bytes).file("/etc/anacrontab", &bytes).items(collect);
        }
    }
}
