//! The command line without an engine: help, usage errors, exit codes, documents, colour, completion.

use crate::support::Project;
use insta::assert_snapshot;
use std::io::Read;

const SHOP: &str = r#"
name = "shop"
[machine.db]
image = "postgres:16"
[machine.web-1]
image = "app"
[machine.web-2]
image = "app"
depends_on = ["db"]
"#;

/// A Docker host that is not there.
const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

#[test]
fn help_lists_every_verb() {
    let help = Project::empty().env("help").succeeds().silent();
    for verb in envup::passthrough::VERBS {
        assert!(help.stdout.contains(&format!("\n  {verb} ")), "{verb} in\n{help}");
    }
}

#[test]
fn help_on_a_verb_is_the_same_in_both_ways() {
    let project = Project::empty();
    for verb in envup::passthrough::VERBS {
        let words = project.env(&format!("help {verb}")).succeeds().silent();
        project.env(&format!("{verb} --help")).succeeds().stdout_is(&words.stdout);
        assert!(words.stdout.contains("Example"), "{words}");
        let widest = words.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{words}");
    }
}

#[test]
fn help_on_the_envfile_and_on_nothing_we_know() {
    let project = Project::empty();
    project.env("help envfile").succeeds().stdout_has("depends_on");
    assert_snapshot!(project.env("help statsu").shown(), @r"
    --- stderr
    error: there is no help on `statsu`
    hint: did you mean `status`?
    --- exit 64
    ");
}

#[test]
fn a_wrong_verb_under_our_own_name_is_a_usage_error() {
    let project = Project::empty();
    let envup = project.path("envup");
    std::os::unix::fs::symlink(crate::support::PROGRAM, &envup).unwrap();
    project.program(&envup, &["upp"]).run().exits(64).stderr_has("'up'").stderr_has("hint:");
    project.program(&envup, &[]).run().exits(64).stderr_has("Usage: envup <VERB>");
    project.program(&envup, &["version"]).run().succeeds().stdout_has("envup 0.");
}

#[test]
fn wrong_options_are_usage_errors() {
    let project = Project::new(SHOP);
    let rule = "accept --rule /srv/**";
    for words in [
        "up --bogus",
        "logs --since yesterday",
        "exec web-1",
        "copy a b",
        "plan nosuch",
        "up -q -v",
        rule,
        "accept --reason data",
        &format!("{rule} --reason data --until 2027-02-30"),
        &format!("{rule} --reason data --until 2020-01-01"),
        &format!("{rule} --reason data --section nosuch"),
    ] {
        let outcome = project.env(words).exits(64);
        assert!(outcome.stdout.is_empty() && outcome.stderr.starts_with("error: "), "{words}\n{outcome}");
    }
}

#[test]
fn without_an_envfile_we_say_where_we_looked() {
    assert_snapshot!(Project::empty().env("up").shown(), @r"
    --- stderr
    error: there is no Envfile in [PLACE]/project or above it
    hint: `env new` writes one to begin with, `--file` names one elsewhere
    --- exit 64
    ");
}

#[test]
fn the_envfile_is_found_upwards_by_option_and_by_variable() {
    let project = Project::new(SHOP);
    project
        .write("deep/down/.keep", "")
        .write("other/Envfile", "name = \"other\"\n[machine.a]\nimage = \"b\"\n");
    let deep = project.path("deep/down");
    project.command(&["validate"]).within(&deep).run().succeeds().stdout_has("shop · dev");
    project.env("validate --file other/Envfile").succeeds().stdout_has("other · dev");
    let other = project.path("other/Envfile");
    let named = project.command(&["validate"]).var("ENVUP_FILE", other.to_str().unwrap());
    named.run().succeeds().stdout_has("other · dev");
}

#[test]
fn what_is_wrong_with_an_envfile_is_shown_in_place() {
    let project = Project::new("name = \"shop\"\n[machine.web]\nimage = \"app\"\nport = [\"80:80\"]\n");
    assert_snapshot!(project.env("validate").shown(), @r#"
    --- stderr
    Envfile:4:1: unknown key `port` in machine web
        4 | port = ["80:80"]
          | ^^^^ did you mean `ports`?
    hint: `env help envfile` lists all keys.
    --- exit 64
    "#);
}

#[test]
fn what_is_wrong_with_an_envfile_is_a_document_for_programs() {
    let project = Project::new("name = \"shop\"\n[machine.web]\nimage = \"app\"\nport = [\"80:80\"]\n");
    let outcome = project.env("validate --json").exits(64);
    assert_eq!(outcome.stderr, "");
    let finding = &outcome.json()["findings"][0];
    assert_eq!((&finding["line"], &finding["column"]), (&4.into(), &1.into()));
    assert_eq!(finding["message"], "unknown key `port` in machine web");
    let hints = ["did you mean `ports`?", "`env help envfile` lists all keys."];
    assert_eq!((&finding["file"], &finding["hints"]), (&"Envfile".into(), &serde_json::json!(hints)));
    project
        .change("Envfile", "port =", "ports =")
        .env("validate --json")
        .succeeds()
        .stdout_has("\"findings\":[]");
}

#[test]
fn validate_says_what_is_declared() {
    let project = Project::new(SHOP);
    assert_snapshot!(project.env("validate").shown(), @r"
    --- stdout
    shop · dev: 3 machines, valid
    --- exit 0
    ");
    project.env("validate --quiet").succeeds().stdout_is("").silent();
    assert_snapshot!(project.env("validate --json --env test").shown(), @r#"
    --- stdout
    {"version":1,"file":"[PLACE]/project/Envfile","project":"shop","environment":"test","machines":["db","web-1","web-2"],"environments":[{"name":"test","machines":["db","web-1","web-2"]}],"warnings":[],"findings":[]}
    --- exit 0
    "#);
}

#[test]
fn validate_checks_every_environment_and_other_verbs_know_their_names() {
    let project = Project::new(&format!("{SHOP}[environment.test]\nmachine.web-2 = false\n"));
    assert_snapshot!(project.env("validate").shown(), @r"
    --- stdout
    shop · dev: 3 machines, valid
    shop · test: 2 machines, valid
    --- exit 0
    ");
    project.env("validate --env test").succeeds().stdout_is("shop · test: 2 machines, valid\n");
    project.env("plan --env tset").exits(64).stderr_has("did you mean `--env test`?");
    project.write("Envfile", &format!("{SHOP}[environment.test]\nmachine.web-3 = false\n"));
    project.env("validate").exits(64).stderr_has("environment test takes away `machine.web-3`");
    project.env("validate --env dev").succeeds();
}

#[test]
fn new_writes_an_envfile_that_is_valid_and_never_overwrites() {
    let project = Project::empty();
    project.env("new --name shop").succeeds().stdout_has("wrote [PLACE]/project/Envfile");
    project.env("validate").succeeds().stdout_has("shop · dev: 1 machine");
    project.env("new").exits(64).stderr_has("is there already");
    project.env("new --image nginx:1.27 --directory sub").succeeds();
    project.env("validate --file sub/Envfile").succeeds().stdout_has("sub · dev");
    project.env("help halt").exits(64).stderr_has("did you mean `stop`?");
    for name in ["", "de\"b", "a b"] {
        let words = ["new", "--directory", "none", "--image", name];
        project.env_words(&words).exits(64).stderr_has(&format!("`{name}` is the name of no box or image"));
    }
}

#[test]
fn an_engine_that_is_not_there_is_not_available() {
    let project = Project::new(SHOP);
    for words in [&["plan"][..], &["up"], &["status"], &["list"], &["destroy", "--yes"]] {
        let outcome = project.command(words).var("DOCKER_HOST", NO_ENGINE).run().exits(69);
        assert!(outcome.stderr.contains("hint:"), "{outcome}");
    }
    let words = ["exec", "db", "--", "true"];
    project.command(&words).var("DOCKER_HOST", NO_ENGINE).run().exits(125).stderr_has("error:");
}

#[test]
fn a_stream_of_events_ends_with_the_outcome_even_without_an_engine() {
    let run = Project::new(SHOP).command(&["up", "--json"]).var("DOCKER_HOST", NO_ENGINE).run().exits(69);
    let lines = run.json_lines();
    let last = lines.last().unwrap_or_else(|| panic!("{run}"));
    assert_eq!((&last["event"], &last["result"]), (&"outcome".into(), &"failed".into()), "{run}");
}

#[test]
fn there_is_no_colour_off_a_terminal_unless_forced() {
    let project = Project::new(SHOP);
    for words in ["help", "help up", "validate", "help statsu"] {
        let outcome = project.env(words);
        assert!(!outcome.shown().contains('\u{1b}'), "{words}\n{outcome}");
    }
    let words: Vec<&str> = "help statsu".split(' ').collect();
    project.command(&words).var("CLICOLOR_FORCE", "1").run().stderr_has("\u{1b}[31merror:");
    let both = project.command(&words).var("CLICOLOR_FORCE", "1").var("NO_COLOR", "1").run();
    assert!(!both.stderr.contains('\u{1b}'), "{both}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let project = Project::empty();
    let mut child = project.command(&["help", "envfile"]).start();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!((child.wait().unwrap().code(), complaint.as_str()), (Some(0), ""));
}

#[test]
fn what_touches_the_host_needs_consent() {
    let project =
        Project::new("[machine.web]\nimage = \"app\"\nprivileged = true\nports = [\"0.0.0.0:8080:80\"]\n");
    // A checkout that is known already, so that no engine is asked whose it is.
    let directory = project.directory().to_string_lossy().into_owned();
    let id = serde_json::json!({"version": 1, "id": "0123456789ab", "directory": directory});
    project.write(".envup/id", &id.to_string());
    let up = project.command(&["up"]).var("DOCKER_HOST", NO_ENGINE).run().exits(1);
    assert_snapshot!(up.stderr.lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    error: the Envfile touches this host, and nobody agreed to that
      - web listens on 0.0.0.0:8080/tcp, which others can reach
      - web is privileged: it can do anything to this host
    hint: look at it, then `env allow` records that you agree
    ");
    let shown = project.command(&["allow", "--show", "--json"]).run().succeeds().json();
    assert_eq!(shown["allowed"], false);
    let allow = format!("--allow={}", shown["hash"].as_str().unwrap());
    // The next obstacle is the engine that is not there.
    project.command(&["up", &allow]).var("DOCKER_HOST", NO_ENGINE).run().exits(69);
    project.command(&["up", "--allow=000000"]).var("DOCKER_HOST", NO_ENGINE).run().exits(64);
    project.command(&["allow"]).var("DOCKER_HOST", NO_ENGINE).run().succeeds().stdout_has("allowed · hash");
    project.command(&["up"]).var("DOCKER_HOST", NO_ENGINE).run().exits(69);
    project.change("Envfile", "8080", "8081");
    project.command(&["up"]).var("DOCKER_HOST", NO_ENGINE).run().exits(1);
}

#[test]
fn shells_complete_verbs_options_and_machines() {
    let project = Project::new(SHOP);
    let complete = |words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let words = [&["completions", "bash", &index][..], words].concat();
        project.env_words(&words).succeeds().silent().stdout
    };
    assert_eq!(complete(&["envup", "va"]), "validate\n");
    assert_eq!(complete(&["envup", "exec", "we"]), "web-1\nweb-2\n");
    assert_eq!(complete(&["envup", "up", "--repl"]), "--replace\n");
    project.write("weights", "");
    assert_eq!(complete(&["envup", "copy", "we"]), "web-1:\nweb-2:\nweights\n");
    assert_eq!(complete(&["envup", "help", "envf"]), "envfile\n");
    assert_eq!(complete(&["envup", "drift", "--against", "d"]), "dev\n");
    assert!(complete(&["envup", "box", "build", ""]).lines().any(|name| name == "debian/12"));
    let kept = ["completions", "bash", "3", "envup", "box", "show", "d"];
    let nothing = project.path("nothing");
    assert_eq!(
        project.command(&kept).var("ENVUP_DATA_DIR", nothing.to_str().unwrap()).run().succeeds().stdout,
        ""
    );
    for shell in ["bash", "zsh", "fish"] {
        project.env(&format!("completions {shell}")).succeeds().stdout_has("envup completions");
    }
    let project = Project::new(&format!("{SHOP}[environment.test]\n[environment.production]\n"));
    let names = project.env_words(&["completions", "bash", "3", "envup", "plan", "--env", ""]).succeeds();
    assert_eq!(names.stdout, "dev\ntest\nproduction\n");
    let broken = Project::new("name = [");
    broken.env("completions bash 2 envup exec we").succeeds().silent();
}
