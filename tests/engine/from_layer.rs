//! Machines that start from a layer: what is not asked for any more, and what others go on without.

use super::{RECIPE, outcomes};
use crate::support::stage::Stage;
use envup::event::{Context, Outcome};
use envup::provider::{Provider as _, Scope};
use std::collections::BTreeMap;
use std::process::Command;

#[test]
fn a_step_that_is_in_a_layer_needs_no_tool_of_this_host() {
    let stage = Stage::with(
        "name = \"lab\"\n[machine.web]\nbox = \"debian/12\"\nprovision = [{ puppet = \"ops\" }]\n",
    );
    stage.provider.keep_layers();
    stage.write("boxes/debian-12/box.toml", RECIPE);
    stage.write("ops/manifests/site.pp", "include motd\n");
    stage.write("elsewhere/motd/manifests/init.pp", "class motd {}\n");
    let elsewhere = stage.checkout().join("elsewhere/motd");
    for words in ["init --quiet", "add .", "-c user.name=me -c user.email=me@example.org commit --quiet -m x"]
    {
        assert!(
            Command::new("git").args(words.split(' ')).current_dir(&elsewhere).status().unwrap().success()
        );
    }
    stage.write("ops/Puppetfile", &format!("mod 'motd', :git => '{}'\n", elsewhere.display()));
    let up = || stage.up(&Context::silent());
    assert!(up().unwrap().error().is_none());
    let kept = stage.checkout().join(".envup/puppet");
    assert!(kept.is_dir());

    let again = || {
        let _ = std::fs::remove_dir_all(&kept);
        stage.provider.change(|observed| observed.machines.clear());
        up()
    };
    assert!(again().unwrap().error().is_none());
    assert!(!kept.exists(), "nobody needs the modules of a step that is in the layer");
    // Too old a layer is none, so that the tool is asked before anything is made; it finds the repository gone.
    std::fs::remove_dir_all(&elsewhere).unwrap();
    stage.provider.age_layers(15 * 86_400);
    let error = again().unwrap_err();
    assert!(error.message.contains("r10k cannot fetch the modules of ops/Puppetfile"), "{error}");
    assert!(stage.provider.observe(Scope::Host).unwrap().machines.is_empty());
}

#[test]
fn a_machine_that_others_went_on_without_its_boot_fails_when_it_never_boots() {
    let machine = |name: &str, more: &str| format!("[machine.{name}]\nbox = \"debian/12\"\n{more}\n");
    let db = machine("db", "ready = { tcp = 5432 }\nprovision = [{ shell = \"install it\" }]");
    let stage = Stage::with(&format!("name = \"lab\"\n{db}{}", machine("app", "depends_on = [\"db\"]")));
    stage.write("boxes/debian-12/box.toml", RECIPE);
    stage.provider.keep_layers();
    assert!(stage.up(&Context::silent()).unwrap().error().is_none());
    stage.provider.change(|observed| observed.machines.clear());
    // It has answered by then, and does no more.
    let provider = stage.provider.clone();
    stage.provider.watch(move |operation| {
        if operation == "start machine app" {
            provider.set_ready("db", false);
        }
    });
    let report = stage.up(&Context::silent()).unwrap();
    assert_eq!(outcomes(&report), BTreeMap::from([("app", Outcome::Ready), ("db", Outcome::Failed)]));
    let error = report.error().unwrap().to_string();
    assert!(error.starts_with("db did not become ready within 1m30s: boot"), "{error}");
    let has_baseline = |name: &str| {
        let machine = report.view.observed.machine(name).unwrap();
        stage.world().unwrap().project.baselines().is_kept(&machine.engine_id)
    };
    assert_eq!(["app", "db"].map(has_baseline), [true, false]);
}
