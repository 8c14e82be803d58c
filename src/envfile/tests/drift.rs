//! `[drift]`.

use super::{refused, stack_of};
use crate::model::drift::{DriftSettings, IgnoreRule, Level, Severity};

const MACHINE: &str = "[machine.a]\nimage = \"x\"\n";

#[test]
fn settings_and_rules() {
    assert_eq!(stack_of(MACHINE, &[]).drift, DriftSettings::default());
    let drift = r#"
[drift]
fail_on = "breaking"
level = "full"
environment = ["APP_*", "LANG"]
ignore = [
    { path = "/srv/**", reason = "user data", until = "2027-01-31" },
    { section = "packages", key = "dpkg:${TAG}", field = "version", reason = "patched", until = 2028-02-29 },
    { section = "ports", reason = "they come and go" },
]
"#;
    let rule =
        |section: Option<&str>, key: Option<&str>, field: Option<&str>, reason: &str, until: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let (section, key, field, until) = (owned(section), owned(key), owned(field), owned(until));
            IgnoreRule { section, key, field, reason: reason.to_owned(), until }
        };
    let expected = DriftSettings {
        fail_on: Severity::Breaking,
        level: Level::Full,
        environment: vec!["APP_*".into(), "LANG".into()],
        ignore: vec![
            rule(Some("files"), Some("/srv/**"), None, "user data", Some("2027-01-31")),
            rule(Some("packages"), Some("dpkg:16"), Some("version"), "patched", Some("2028-02-29")),
            rule(Some("ports"), None, None, "they come and go", None),
        ],
    };
    assert_eq!(stack_of(&format!("{MACHINE}{drift}"), &[]).drift, expected);
}

#[test]
fn rules_without_reason_or_object_are_refused() {
    let drift = r#"[drift]
fail_on = "notabel"
environment = ["A-B"]
[[drift.ignore]]
path = "/srv"
[[drift.ignore]]
reason = " "
until = "31.01.2027"
[[drift.ignore]]
path = "srv"
section = "file"
field = ""
reason = "x"
because = "y"
until = 2027-01-31T10:00:00
"#;
    insta::assert_snapshot!(refused(&format!("{MACHINE}{drift}"), &[]), @r#"
    Envfile:4:11: `fail_on` in drift: `notabel` is not possible, only `cosmetic`, `notable`, `breaking`
        4 | fail_on = "notabel"
          |           ^^^^^^^^^ did you mean `notable`?

    Envfile:5:16: `environment` in drift: `A-B` is not the name of a variable or a pattern such as APP_*
        5 | environment = ["A-B"]
          |                ^^^^^

    Envfile:6:1: rule 1 of drift has no `reason`
        6 | [[drift.ignore]]
          | ^^^^^^^^^^^^^^^^ say why it is no drift

    Envfile:8:1: rule 2 of drift does not say what it is about
        8 | [[drift.ignore]]
          | ^^^^^^^^^^^^^^^^ it needs `path`, `section` or `key`

    Envfile:9:10: `reason` in rule 2 of drift: is empty
        9 | reason = " "
          |          ^^^

    Envfile:10:9: `until` in rule 2 of drift: `31.01.2027` is not a day such as 2027-01-31
       10 | until = "31.01.2027"
          |         ^^^^^^^^^^^^

    Envfile:12:8: `path` in rule 3 of drift: `srv` is not absolute
       12 | path = "srv"
          |        ^^^^^

    Envfile:13:11: `section` in rule 3 of drift: `file` is not possible, only `os`, `packages`, `runtimes`, `libraries`, `files`, `users`, `groups`, `services`, `ports`, `environment`, `locale`, `sysctls`, `limits`, `certificates`, `mounts`, `schedules`, `resolution`
       13 | section = "file"
          |           ^^^^^^ did you mean `files`?

    Envfile:13:11: `section` in rule 3 of drift: `path` is there already
       13 | section = "file"
          |           ^^^^^^ it means section `files` and this key

    Envfile:14:9: `field` in rule 3 of drift: is empty
       14 | field = ""
          |         ^^

    Envfile:16:1: unknown key `because` in rule 3 of drift
       16 | because = "y"
          | ^^^^^^^

    Envfile:17:9: `until` in rule 3 of drift: `2027-01-31T10:00:00` is not a day such as 2027-01-31
       17 | until = 2027-01-31T10:00:00
          |         ^^^^^^^^^^^^^^^^^^^
    hint: `env help envfile` lists all keys.
    "#);
}
