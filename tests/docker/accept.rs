//! `env accept`: new baselines, rules by flag, and answers on a terminal.

use super::stack::Stack;

const STACK: &str = "# Our shop.\n[machine.app]\nimage = \"IMAGE\"\n[machine.db]\nimage = \"IMAGE\"\n";

fn stack() -> Stack {
    let stack = Stack::new(STACK);
    stack.up();
    stack
}

#[test]
fn a_rule_is_written_when_it_hides_something() {
    let stack = stack();
    let before = stack.project.read("Envfile");
    let rule = |more: &[&str]| {
        let words = ["accept", "--rule", "/srv/uploads/**", "--reason", "user data"];
        stack.project.env_words(&[&words, more].concat())
    };
    rule(&[]).exits(1).stderr_has("hide nothing").stderr_has("--yes");
    stack.inside("app", "mkdir -p /srv/uploads");
    stack.env("accept").exits(64).stderr_has("no terminal to ask on").stderr_has("--yes");
    stack.env("accept --yes").succeeds().stdout_has("new baseline: app, db");
    stack.inside("app", "echo x > /srv/uploads/picture; echo testers:x:4711: >> /etc/group");
    rule(&["--field", "mode"]).exits(1).stderr_has("hide nothing");
    rule(&["db"]).exits(1).stderr_has("hide nothing");
    assert_eq!(stack.project.read("Envfile"), before);

    let shown = rule(&["--until", "2999-12-31"]).succeeds().stdout_has("/srv/uploads/picture");
    assert!(shown.stdout.contains("hides 1 difference") && !shown.stdout.contains("testers"), "{shown}");
    let table =
        "\n[[drift.ignore]]\npath = \"/srv/uploads/**\"\nreason = \"user data\"\nuntil = \"2999-12-31\"\n";
    assert_eq!(stack.project.read("Envfile"), before + table);
    let drift = stack.env("drift").exits(2).stdout_has("testers").stdout_has("1 in noise rules");
    assert!(!drift.stdout.contains("picture"), "{drift}");
    rule(&[]).exits(1);
    let document = rule(&["--yes", "--json"]).succeeds().json();
    assert_eq!(document["hides"], serde_json::json!([]));
    stack.env("validate").succeeds();
}

#[test]
fn on_a_terminal_each_difference_is_asked_about() {
    let stack = stack();
    stack.inside("app", "echo testers:x:4711: >> /etc/group; echo x > /picture");
    stack.inside("db", "echo 'x:x:4712:' >> /etc/group");
    // Nobody agreed to anything: all is as it was.
    let mut terminal = stack.project.command(&["accept"]).on_terminal();
    terminal.sees("[q]uit? ").types("q");
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("db keeps its baseline: 1 difference skipped"), "{screen}");
    stack.env("drift").exits(2).stdout_has("testers").stdout_has("picture").stdout_has("4712");

    let mut terminal = stack.project.command(&["accept"]).on_terminal();
    for _ in 0..3 {
        terminal.sees("[q]uit? ");
        let screen = terminal.screen();
        let asked = screen.rsplit("now").next().unwrap_or_default();
        if asked.contains("testers") {
            terminal.types("b");
        } else if asked.contains("/picture") {
            terminal.types("r").sees("about which keys [/picture]: ").types("");
            terminal.sees("why is it no drift: ").types("").sees("why is it no drift: ").types("user data");
        } else {
            terminal.types("s");
        }
    }
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("1 new rule in") && screen.contains("new baseline: app"), "{screen}");
    assert!(stack.project.read("Envfile").ends_with("path = \"/picture\"\nreason = \"user data\"\n"));
    stack.env("drift app").succeeds();
    stack.env("drift db").exits(2).stdout_has("4712");
    // Without questions.
    let (code, screen) = stack.project.command(&["accept", "--yes"]).on_terminal().ends();
    assert!(code == Some(0) && screen.contains("new baseline: app, db"), "{screen}");
    stack.env("drift").succeeds();
}
