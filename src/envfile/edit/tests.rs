//! Rules written into Envfiles of many layouts.

use super::*;
use std::fs;

const MACHINE: &str = "[machine.a]\nimage = \"x\" # the app\n";

/// The two rules of [`rules`] as tables.
const TABLES: &str = r#"
[[drift.ignore]]
path = "/srv/uploads/**"
reason = "user data"

[[drift.ignore]]
section = "packages"
key = "dpkg:libssl*"
field = "version"
reason = 'costs "$$5" to align'
until = "2027-01-31"
"#;

/// And on a line each.
const FIRST: &str = r#"{ path = "/srv/uploads/**", reason = "user data" }"#;
const SECOND: &str = r#"{ section = "packages", key = "dpkg:libssl*", field = "version", reason = 'costs "$$5" to align', until = "2027-01-31" }"#;

fn rules() -> Vec<IgnoreRule> {
    let rule =
        |section: &str, key: &str, field: Option<&str>, reason: &str, until: Option<&str>| IgnoreRule {
            section: Some(section.into()),
            key: Some(key.into()),
            field: field.map(str::to_owned),
            reason: reason.into(),
            until: until.map(str::to_owned),
        };
    let ssl = ("dpkg:libssl*", Some("version"), "costs \"$5\" to align");
    vec![
        rule("files", "/srv/uploads/**", None, "user data", None),
        rule("packages", ssl.0, ssl.1, ssl.2, Some("2027-01-31")),
    ]
}

/// The Envfile after both rules were added as in an environment; that they hold then is part of adding them.
fn edited_as(environment: Option<&str>, envfile: &str) -> Result<String> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("Envfile");
    fs::write(&file, envfile).unwrap();
    let options = LoadOptions { environment: environment.map(str::to_owned), ..LoadOptions::default() };
    let added = add_rules(&file, &options, &rules());
    let text = fs::read_to_string(&file).unwrap();
    if added.is_err() {
        assert_eq!(text, envfile, "what is refused is not written");
    }
    added.map(|()| text)
}

fn edited(envfile: &str) -> String {
    edited_as(None, envfile).unwrap()
}

#[test]
fn without_a_table_it_comes_last_whatever_the_file_ends_with() {
    assert_eq!(edited(MACHINE), format!("{MACHINE}{TABLES}"));
    assert_eq!(edited("[machine.a]\nimage = \"x\""), format!("[machine.a]\nimage = \"x\"\n{TABLES}"));
    let mixed = format!("{MACHINE}\n[network.n]\n[machine.b]\nimage = \"x\"\n");
    assert_eq!(edited(&format!("{mixed}\n# The end.\n\n")), format!("{mixed}\n# The end.\n{TABLES}"));
}

#[test]
fn tables_come_behind_their_like() {
    let drift = "# What counts.\n[drift] # so\nfail_on = \"breaking\"\n";
    let after = format!("\n# Machines.\n{MACHINE}");
    assert_eq!(edited(&format!("{drift}{after}")), format!("{drift}{TABLES}{after}"));
    let table = format!("{drift}\n# Known.\n[[drift.ignore]]\nkey = \"x\" # why\nreason = \"y\"\n");
    assert_eq!(edited(&format!("{table}{after}")), format!("{table}{TABLES}{after}"));
}

#[test]
fn lists_stay_lists_with_lines_and_comments_as_they_were() {
    let one = r#"{ key = "x", reason = "y" }"#;
    for (list, expected) in [
        (format!("[{one}]"), format!("[{one}, {FIRST}, {SECOND}]")),
        ("[]".to_owned(), format!("[{FIRST}, {SECOND}]")),
        (format!("[\n  {one},\n]"), format!("[\n  {one},\n  {FIRST},\n  {SECOND},\n]")),
        (format!("[\n  # a\n  {one}\n]"), format!("[\n  # a\n  {one},\n  {FIRST},\n  {SECOND},\n]")),
        (format!("[\n  {one}, # b\n]"), format!("[\n  {one}, # b\n  {FIRST},\n  {SECOND},\n]")),
        (format!("[\n  {one} # b\n]"), format!("[\n  {one}, # b\n  {FIRST},\n  {SECOND},\n]")),
    ] {
        let envfile = |list: &str| format!("[drift]\nignore = {list} # rules\n{MACHINE}");
        assert_eq!(edited(&envfile(&list)), envfile(&expected));
    }
    let inline = |more: &str| format!("drift = {{ level = \"full\"{more} }}\n{MACHINE}");
    assert_eq!(edited(&inline("")), inline(&format!(", ignore = [{FIRST}, {SECOND}]")));
    let dotted = |more: &str| format!("drift.level = \"full\"\n{more}{MACHINE}");
    assert_eq!(edited(&dotted("")), dotted(&format!("drift.ignore = [{FIRST}, {SECOND}]\n")));
}

#[test]
fn an_environment_with_rules_of_its_own_gets_them_and_others_share() {
    let shared = format!("{MACHINE}[environment.test]\nvariables = {{ A = \"1\" }}\n");
    assert_eq!(edited_as(Some("test"), &shared).unwrap(), format!("{shared}{TABLES}"));
    let own = |rules: &str| format!("{MACHINE}[environment.test.drift]\nignore = [{rules}]\n");
    assert_eq!(edited_as(Some("test"), &own("")).unwrap(), own(&format!("{FIRST}, {SECOND}")));
    assert!(edited(&own("")).ends_with(TABLES));
    let without = format!("{MACHINE}[environment.test]\ndrift = false\n");
    let refused = edited_as(Some("test"), &without).unwrap_err();
    assert!(refused.message.contains("does not hold in environment test"), "{refused:?}");
}

#[test]
fn lines_of_windows_stay_so() {
    let text = format!("{MACHINE}[drift]\nignore = [\n  {FIRST},\n]\n").replace('\n', "\r\n");
    let edited = edited(&text);
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count(), "{edited:?}");
    assert!(edited.starts_with(text.trim_end_matches("]\r\n")), "{edited:?}");
}

#[test]
fn what_would_not_load_is_refused_and_the_file_stays() {
    assert!(edited_as(None, &format!("{MACHINE}[drift]\nignore = 1\n")).is_err());
    assert!(edited_as(None, &format!("drift = 1\n{MACHINE}")).is_err());
    assert!(edited_as(None, &format!("{MACHINE}port = 1\n")).is_err());
    assert!(edited_as(None, "[machine").is_err());
}
