//! Secrets of a machine never leave it, however they are written; that one was changed is told all the same.

use super::engine::docker;
use super::stack::Stack;
use crate::support::Outcome;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const STACK: &str = r#"
[drift]
environment = ["DB_URL", "SHOP_*"]

[machine.server]
box = "debian/12"
env = { API_KEY = "@@+variable", DB_URL = "postgres://app:@@+url@db/shop", SHOP_PASSWORD = "@@+pattern" }
secrets = ["token"]

[machine.app]
image = "IMAGE"
env = { API_KEY = "@@+variable", DB_URL = "postgres://app:@@+url@db/shop", SHOP_PASSWORD = "@@+pattern" }
secrets = ["token"]

[secret.token]
file = "token"
"#;

/// What every secret of these tests has in it, and what it is changed to.
const WORDS: [&str; 2] = ["kana+rie", "koli+bri"];

/// Puts secrets where people put them.
const PLANT: &str = r#"
set -e
umask 022
sed -i '/^canary:/d' /etc/passwd /etc/shadow
echo 'canary:x:4711:4711::/root:/bin/sh' >> /etc/passwd
echo 'canary:@@+shadow:19000::::::' >> /etc/shadow
mkdir -p /srv/shop /root/.ssh /etc/shop/private /etc/systemd/system/cron.service.d /var/spool/cron/crontabs
echo 'PASSWORD=@@+dotenv' > /srv/shop/.env
echo '@@+key' > /root/.ssh/id_ed25519
echo '@@+tls' > /etc/shop/private/server.pem
echo 'db:5432:shop:app:@@+pgpass' > /root/.pgpass
echo 'machine db login app password @@+netrc' > /root/.netrc
echo '4 4 * * * root /srv/shop/backup --password @@+cron' > /etc/cron.d/shop
echo '4 4 * * * PASSWORD=@@+nouser /srv/shop/backup' > /etc/cron.d/wrong
(umask 077; echo '4 4 * * * /srv/shop/backup @@+crontab' > /var/spool/cron/crontabs/root)
printf '[Service]\nEnvironment=PASSWORD=@@+unit\n' > /etc/systemd/system/cron.service.d/shop.conf
printf 'LANG=C.UTF-8\nGREETING=@@+login\n' > /etc/environment
printf 'LANG=C.UTF-8\nPASSWORD=@@+locale\n' > /etc/default/locale
"#;

/// What must be found when all of them change: section and key.
const CHANGED: &[(&str, &str)] = &[
    ("users", "canary"),
    ("files", "/srv/shop/.env"),
    ("files", "/root/.ssh/id_ed25519"),
    ("files", "/etc/shop/private/server.pem"),
    ("files", "/root/.pgpass"),
    ("files", "/root/.netrc"),
    ("schedules", "/etc/cron.d/shop: /srv/shop/backup"),
    ("schedules", "/var/spool/cron/crontabs/root: /srv/shop/backup"),
    ("services", "cron.service"),
    ("environment", "GREETING"),
    ("locale", "PASSWORD"),
];

/// A secret in every form in which it may be found again: as it is, percent-encoded, hexadecimal, base64 in any place.
fn spellings(word: &str) -> Vec<String> {
    let hex = word.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let mut spellings = vec![word.to_owned(), word.replace('+', "%2B"), hex];
    for shift in 0..3 {
        let bytes = [vec![0; shift], word.as_bytes().to_vec()].concat();
        // Only letters that come of the word alone.
        let (begin, end) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        spellings
            .extend([STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|way| way.encode(&bytes)[begin..end].to_owned()));
    }
    spellings
}

/// Fails when a text has one of the secrets in it.
#[track_caller]
fn has_none(place: &str, text: &str) {
    for word in WORDS {
        for spelling in spellings(word) {
            let found = text.find(&spelling);
            let around = found.map(|at| text[at.saturating_sub(60)..].chars().take(160).collect::<String>());
            assert_eq!(around, None, "{spelling} in {place}");
        }
    }
}

/// Fails when a file below a directory has one of the secrets in it; these files are where they come from.
fn none_below(directory: &Path, sources: &[&str]) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if path.ends_with(".envup/ledgers") {
            // What `env` of a box machine was set to, for plans that ask no machine: the owner's alone.
            for copy in fs::read_dir(&path).unwrap().flatten() {
                assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        } else if kind.is_dir() {
            none_below(&path, sources);
        } else if kind.is_file() && !sources.iter().any(|source| path.ends_with(source)) {
            has_none(&path.display().to_string(), &String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
}

#[track_caller]
fn silent_of_secrets(outcome: Outcome) -> Outcome {
    has_none("what was said", &outcome.to_string());
    outcome
}

#[test]
fn secrets_are_nowhere_and_their_changes_are_seen() {
    let stack = Stack::new("");
    let write = |word: &str| {
        stack.envfile(&STACK.replace("@@", word));
        stack.project.write("token", &format!("{word}+declared"));
    };
    let plant = |word: &str| {
        stack.inside("server", &PLANT.replace("@@", word));
    };
    let run = |words: &str, code| silent_of_secrets(stack.env(words)).exits(code);
    write(WORDS[0]);
    run("up", 0);
    plant(WORDS[0]);
    let listen = format!("exec -d {} /bin/httpd -f -p 9090 -r {}+argument", stack.container("app"), WORDS[0]);
    docker(&listen);
    run("accept --yes", 0);
    run("drift --strict", 0);
    run("capture", 0);

    plant(WORDS[1]);
    let drift = run("drift server --json --strict", 2).json();
    let found = drift["machines"][0]["differences"].as_array().unwrap();
    for (section, key) in CHANGED {
        let is_it = |entry: &&serde_json::Value| entry["section"] == *section && entry["key"] == *key;
        assert_eq!(found.iter().filter(is_it).count(), 1, "{section} {key} in {drift:#}");
    }
    run("drift", 2);
    run("drift --explain", 2);
    for (_, key) in CHANGED.iter().filter(|(_, key)| !key.contains(char::is_whitespace)) {
        run(&format!("drift --explain {key}"), 2);
        run(&format!("drift --against fingerprints/dev --explain {key}"), 2);
    }
    run("drift --level full --json", 2);
    run("drift --against fingerprints/dev", 2);
    // What the Envfile says now is another secret than what the machines have.
    write(WORDS[1]);
    for verb in ["plan", "plan --json", "drift", "drift --json --strict"] {
        assert!(run(verb, 2).stdout.contains("env.API_KEY"), "{verb}");
    }
    write(WORDS[0]);
    run("accept --yes", 0);
    run("status --json", 0);

    none_below(&stack.project.data(), &[]);
    none_below(stack.project.directory(), &["Envfile", "token"]);
}

#[test]
fn what_other_keys_made_is_not_compared() {
    let stack = Stack::new("[machine.app]\nimage = \"IMAGE\"\n");
    stack.up();
    stack.inside("app", "umask 077; echo secret > /root/.pgpass");
    stack.env("accept --yes").succeeds();
    stack.env("capture").succeeds();
    for project in fs::read_dir(stack.project.data().join("projects")).unwrap().flatten() {
        let _ = fs::remove_file(project.path().join("key"));
    }
    for words in ["drift --json", "drift --against fingerprints/dev --json"] {
        let drift = stack.env(words);
        assert!(drift.stdout.contains("different keys") && drift.stdout.contains("/root/.pgpass"), "{drift}");
        assert_eq!(drift.json()["machines"][0]["differences"].as_array().unwrap().len(), 0, "{drift}");
    }
}

#[test]
fn spellings_are_found_in_every_place() {
    for shift in 0..3 {
        let text = format!("{}kana+rie-more", "x".repeat(shift));
        let encoded = STANDARD_NO_PAD.encode(text);
        assert!(spellings("kana+rie").iter().any(|spelling| encoded.contains(spelling)), "{encoded}");
    }
}
