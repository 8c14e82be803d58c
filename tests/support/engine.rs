//! Removes from the engine what a project made there, by its labels and not by the program under test, which may be what
//! failed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Removes containers, networks, volumes and images of the checkout in this directory. Does nothing when it never had
/// an identity, which is so for tests that need no engine.
pub fn remove_all_of(directory: &Path) {
    let Some(id) = identity(directory) else { return };
    let filter = format!("label=envup.project.id={id}");
    remove(&["ps", "--all", "--quiet", "--filter", &filter], &["rm", "--force", "--volumes"]);
    remove(&["network", "ls", "--quiet", "--filter", &filter], &["network", "rm"]);
    remove(&["volume", "ls", "--quiet", "--filter", &filter], &["volume", "rm", "--force"]);
    remove(&["images", "--quiet", "--filter", &filter], &["rmi", "--force"]);
}

/// The id in `.envup/id`.
pub fn identity(directory: &Path) -> Option<String> {
    let record = fs::read_to_string(directory.join(".envup/id")).ok()?;
    let record: serde_json::Value = serde_json::from_str(&record).ok()?;
    Some(record.get("id")?.as_str()?.to_owned())
}

fn remove(list: &[&str], remove: &[&str]) {
    let Ok(listed) = Command::new("docker").args(list).stderr(Stdio::null()).output() else { return };
    let listed = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<&str> = listed.split_whitespace().collect();
    if !names.is_empty() {
        let mut command = Command::new("docker");
        let _ = command.args(remove).args(names).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Removes the layers that this data directory knows, unless a machine of somebody else was made from them.
pub fn remove_layers(data: &Path) {
    let Ok(known) = fs::read_to_string(data.join("layers.json")) else { return };
    let known: serde_json::Value = serde_json::from_str(&known).unwrap_or_default();
    for key in known["layers"].as_object().into_iter().flat_map(|layers| layers.keys()) {
        let name = format!("envup-layer:{}", &key[..12]);
        let mut command = Command::new("docker");
        let _ = command.args(["rmi", &name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
