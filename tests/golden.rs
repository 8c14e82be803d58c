//! Digests that are stored in machines, labels and consents, as the first version made them.
//!
//! A rule that changes without a new version in its name would run every step again and replace machines after a mere upgrade of
//! the tool. Who means to change one gives it another version and keeps these values for the old one.

use crate::support::stage::Stage;
use envup::engine::{self, PlanOptions};
use envup::model::digest::Digester;
use envup::model::step::{FileCopy, RunPolicy, Script, Shell, Step, Tool};
use envup::provision::provisioner;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn step(tool: Tool, inputs: Vec<PathBuf>) -> Step {
    Step { index: 2, name: "a name".into(), tool, run: RunPolicy::Changed, layer: true, inputs }
}

fn digest(step: &Step) -> String {
    provisioner(&step.tool).inputs(step).unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn shell(script: Script) -> Shell {
    Shell { script, args: Vec::new(), env: BTreeMap::new(), user: None, working_dir: None, check: None }
}

#[test]
fn parts_with_their_lengths() {
    let mut digester = Digester::new("test/1");
    digester.part("one").part([0xff, 0x00]);
    assert_eq!(digester.finish(), "367beb996ce0b72bfe4fa3c1d4432ee5d39e083764ed219eb682c36fb4a5684f");
}

#[test]
fn shell_steps() {
    let plain = step(Tool::Shell(shell(Script::Inline("echo hello".into()))), Vec::new());
    let full = Shell {
        args: vec!["a".into(), "b c".into()],
        env: map(&[("LANG", "C.UTF-8"), ("A", "")]),
        user: Some("postgres".into()),
        working_dir: Some("/srv".into()),
        check: Some("test -e /done".into()),
        ..shell(Script::Inline("echo hello".into()))
    };
    let full = step(Tool::Shell(full), Vec::new());
    assert_eq!(
        [digest(&plain), digest(&full)],
        [
            "0dfddd20ee9d437e5cb7a97cd6407a1b7da141c4dd5e5942cefe627b5ca5051b",
            "7ea76f64a6bf9bc9a17179029796d6eff58dc31374214b0fe43578b125e098dc"
        ]
    );
}

/// Where a checkout lies, when it was made and what its user may do there must not count.
#[test]
fn steps_with_files() {
    let stage = Stage::new();
    stage.write("ops/base.sh", "echo hello");
    stage.write("ops/conf/site", "port ${port}");
    stage.write("ops/conf/deep/er", "");
    std::os::unix::fs::symlink("site", stage.checkout().join("ops/conf/link")).unwrap();
    let at = |path: &str| stage.checkout().join(path);
    let script = step(Tool::Shell(shell(Script::Path(at("ops/base.sh")))), Vec::new());
    let inline = step(Tool::Shell(shell(Script::Inline("echo hello".into()))), Vec::new());
    assert_eq!(digest(&script), digest(&inline), "a script counts by what it says");
    let inputs = step(script.tool.clone(), vec![at("ops/conf"), at("ops/base.sh")]);
    let copy = FileCopy {
        source: at("ops/conf"),
        to: "/etc/site".into(),
        owner: Some("www-data".into()),
        mode: Some(0o640),
        variables: Some(map(&[("port", "80")])),
    };
    let file =
        FileCopy { source: at("ops/conf/site"), owner: None, mode: None, variables: None, ..copy.clone() };
    let [copy, file] = [copy, file].map(|copy| step(Tool::File(copy), Vec::new()));
    assert_eq!(
        [digest(&inputs), digest(&copy), digest(&file)],
        [
            "5481caf2e732dd27ab04971f775b386b5d380e4f6df5516692fc3018cc115eb5",
            "db16fb357e99062a2fd45473c249b2a22fd31e033778d53196e4a1cc2576e265",
            "67d45d958e3ac5f41d83661511464b60d478b98d495c2bc0fb03695d7bff4952"
        ]
    );
}

#[test]
fn built_images() {
    let stage = Stage::with(
        r#"
        name = "shop"
        [machine.app]
        build = { context = "app", dockerfile = "Dockerfile", args = { VERSION = "1" }, target = "final" }
        "#,
    );
    stage.write("app/Dockerfile", "FROM scratch\n");
    stage.write("app/page", "hello\n");
    let world = stage.world().unwrap();
    let planned = engine::plan(&world, &PlanOptions::default()).unwrap();
    engine::up(&world, &planned, &Default::default(), &envup::event::Context::silent()).unwrap();
    let image = stage.provider.operations().into_iter().find(|name| name.starts_with("build")).unwrap();
    let id = &world.identity.id.0[..6];
    assert_eq!(image, format!("build image shop-{id}-app:7ec90b419a10"));
}
