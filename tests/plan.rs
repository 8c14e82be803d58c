//! Plans as text scripts against the fake provider: `plan/NAME.script` beside the snapshot of all it shows.
//!
//! Each line of a script is a command, see [`actor`]; `<<END` begins a text that ends with a line `END`. What a command shows
//! stands below it in the snapshot. `INSTA_UPDATE=always` writes the snapshots anew.

mod actor;
mod edit;
mod outside;

use actor::Actor;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan")
}

/// Runs a script and compares all it shows with the snapshot.
fn play(name: &str) {
    let script = fs::read_to_string(folder().join(format!("{name}.script"))).unwrap();
    let mut actor = Actor::new();
    let mut shown = String::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            shown += &format!("{line}\n");
            continue;
        }
        shown += &format!("> {line}\n");
        let (command, text) = match line.split_once("<<") {
            Some((command, end)) => {
                let text: Vec<&str> = lines.by_ref().take_while(|line| *line != end.trim()).collect();
                (command, text.join("\n") + "\n")
            }
            None => (line, String::new()),
        };
        for answer in actor.act(command.trim(), &text).lines() {
            shown += format!("  {answer}").trim_end();
            shown += "\n";
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("plan");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// One test for each script, and one that no script is forgotten.
macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                play(stringify!($name));
            }
        )*

        #[test]
        fn every_script_is_played() {
            let known = [$(stringify!($name)),*];
            for entry in fs::read_dir(folder()).unwrap().flatten() {
                let file = entry.file_name().into_string().unwrap();
                if let Some(name) = file.strip_suffix(".script") {
                    assert!(known.contains(&name), "tests/plan/{file} is missing in tests/plan.rs");
                }
            }
        }
    };
}

scripts! {
    box_contents
    create_and_keep
    dependency_fails
    destroy
    interrupted
    layers
    layers_refused
    ledger_out_of_reach
    lost_state
    network_replaced
    one_shot
    one_shot_steps
    orphans
    outside_changes
    partial_up
    provider_fails
    refused
    replace_box
    replace_image
    run_policies
    secret_of_steps
    step_interrupted
    steps_cascade_interrupted
    steps_change
    steps_fail
    steps_together
    update_in_place
    volume_differs
    whole_checkout
}
