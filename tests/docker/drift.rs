//! `env drift` on real machines: in sync after `up`, and every change from outside is seen.

use super::stack::Stack;
use envup_agent::{Cache, Content};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STACK: &str = r#"
[machine.web]
box = "debian/12"
memory = "512MiB"
provision = [{ shell = "echo one > /etc/one" }]

[machine.app]
image = "IMAGE"
"#;

/// Section, key and kind of all that is shown of a machine.
fn shown(stack: &Stack, machine: &str) -> Vec<(String, String, String)> {
    let drift = stack.env("drift --json").json();
    let machines = drift["machines"].as_array().unwrap();
    let found = machines.iter().find(|entry| entry["machine"] == machine).unwrap();
    let text = |entry: &serde_json::Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let differences = found["differences"].as_array().unwrap().iter();
    differences
        .filter(|entry| entry["rule"].is_null())
        .map(|entry| (text(entry, "section"), text(entry, "key"), text(entry, "kind")))
        .collect()
}

fn difference(section: &str, key: &str, kind: &str) -> (String, String, String) {
    (section.into(), key.into(), kind.into())
}

#[test]
fn what_changes_after_up_is_found_once() {
    let stack = Stack::new(STACK);
    stack.up();
    stack.env("drift").succeeds().stdout_has("in sync");
    stack.env("restart web").succeeds();
    stack.env("drift").succeeds();

    stack.inside("web", "groupadd --gid 4711 testers");
    stack.inside("app", "echo 'x:x:4712:' >> /etc/group");
    stack.env("drift").exits(2).stdout_has("testers");
    assert_eq!(shown(&stack, "web"), [difference("groups", "testers", "extra")]);
    assert_eq!(shown(&stack, "app"), [difference("groups", "x", "extra")]);
    // To start a machine again is not to agree to it.
    stack.env("stop app").succeeds();
    stack.up();
    assert_eq!(shown(&stack, "app"), [difference("groups", "x", "extra")]);
    // Only what was asked for, and only when it is bad enough.
    stack.env("drift app --fail-on breaking").succeeds();

    stack.envfile(&STACK.replace("echo one", "echo other").replace("512MiB", "600MiB"));
    let web = shown(&stack, "web");
    assert!(web.contains(&difference("envfile", "memory", "changed")), "{web:?}");
    assert!(web.iter().any(|(section, ..)| section == "steps"), "{web:?}");
    stack.envfile(STACK);
    stack.env("accept --yes").succeeds().stdout_has("app, web");
    stack.env("drift").succeeds();
}

#[test]
fn a_machine_that_does_not_run_is_never_in_sync() {
    let stack = Stack::new("[machine.app]\nimage = \"IMAGE\"\n");
    stack.env("drift").exits(2);
    stack.up();
    stack.env("stop").succeeds();
    stack.env("drift").exits(3).stdout_has("stopped");
    let drift = stack.env("drift --json").exits(3).json();
    assert_eq!((&drift["complete"], &drift["in_sync"]), (&false.into(), &false.into()));
}

#[test]
fn what_a_project_knows_of_is_hidden_for_a_reason_and_until_a_day() {
    let envfile = |until: &str| {
        let rule = format!("{{ path = \"/srv/uploads/**\", reason = \"user data\", until = \"{until}\" }}");
        format!("[machine.app]\nimage = \"IMAGE\"\n[drift]\nignore = [{rule}]\n")
    };
    let stack = Stack::new(&envfile("2999-12-31"));
    stack.up();
    stack.inside("app", "mkdir -p /srv/uploads && echo x > /srv/uploads/picture");
    stack.env("drift --fail-on breaking").succeeds();
    let shown = stack.env("drift").exits(2).stdout_has("/srv (+1)");
    assert!(!shown.stdout.contains("picture"), "{shown}");
    stack.env("drift --strict").exits(2).stdout_has("picture").stdout_has("user data");
    stack.env("accept --yes").succeeds();
    stack.inside("app", "echo y > /srv/uploads/picture");
    stack.env("drift").succeeds().stdout_has("1 in noise rules");
    stack.envfile(&envfile("2020-01-01"));
    stack.env("drift").exits(2).stdout_has("picture").stderr_has("held until 2020-01-01");
}

/// Boxes that nobody else sees; where it is kept what the files of the only one are.
fn boxes_of_its_own(stack: &Stack) -> PathBuf {
    let kept = crate::support::debian_box();
    let boxes = stack.project.data().join("boxes");
    fs::remove_file(&boxes).unwrap();
    let place = boxes.join(kept.meta.name.replace('/', "-")).join(&kept.meta.version);
    fs::create_dir_all(&place).unwrap();
    let copied = Command::new("cp").arg("-r").arg(kept.path.parent().unwrap()).arg(&place).status().unwrap();
    assert!(copied.success());
    let file = place.join(&kept.meta.sha256).join("files.cache");
    let _ = fs::remove_file(&file);
    file
}

/// Changes all that is kept of files by their names.
fn change(kept: &Path, with: impl Fn(&mut envup_agent::CachedFile<'_>)) {
    let bytes = fs::read(kept).unwrap();
    let mut cache = Cache::from_bytes(&bytes).unwrap();
    cache.directories.iter_mut().flat_map(|directory| &mut directory.files).for_each(with);
    fs::write(kept, cache.to_bytes()).unwrap();
}

#[test]
fn what_one_container_told_of_its_boxs_files_holds_for_the_next_one() {
    let text = "[machine.web]\nbox = \"debian/12\"\n";
    let stack = Stack::new(text);
    let kept = boxes_of_its_own(&stack);
    stack.up();
    // A digest that no file has shows who told it.
    let made_up = Content::Sha256([7; 32]);
    let is_told = |name: &str| {
        let captured = stack.project.path(name).join("out/web.json");
        stack.env_in(&stack.project.path(name), "capture --out out").succeeds();
        fs::read_to_string(captured).unwrap().contains(&"07".repeat(32))
    };
    let up = |name: &str| {
        stack.project.write(&format!("{name}/Envfile"), &stack.project.read("Envfile"));
        stack.env_in(&stack.project.path(name), "up").succeeds();
    };
    change(&kept, |file| {
        if file.name == b"profile" {
            file.content = made_up
        }
    });
    up("second");
    assert!(is_told("second"));
    // As if another engine had unpacked the box: nothing that was known holds, and what holds here is kept instead.
    change(&kept, |file| file.inode += 1);
    up("third");
    assert!(!is_told("third"));
    let bytes = fs::read(&kept).unwrap();
    let cache = Cache::from_bytes(&bytes).unwrap();
    assert!(cache.files().count() > 1000 && cache.files().all(|(_, file)| file.content != made_up));
}
