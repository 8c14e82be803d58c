//! The engine as its own command line tool sees it: how tests look at it and change it from outside.

use super::engine::identity;
use std::path::Path;
use std::process::Command;

/// Runs `docker` and gives its standard output; fails loudly.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {}: {stderr}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Names of the containers of the checkout in this directory.
pub fn containers(directory: &Path) -> Vec<String> {
    labelled(&["ps", "--all", "--format", "{{.Names}}"], directory)
}

/// Names of its networks and volumes.
pub fn networks_and_volumes(directory: &Path) -> Vec<String> {
    let mut names = labelled(&["network", "ls", "--format", "{{.Name}}"], directory);
    names.extend(labelled(&["volume", "ls", "--format", "{{.Name}}"], directory));
    names
}

fn labelled(list: &[&str], directory: &Path) -> Vec<String> {
    let Some(id) = identity(directory) else { return Vec::new() };
    let filter = format!("label=envup.project.id={id}");
    docker(&[list, &["--filter", &filter]].concat()).lines().map(str::to_owned).collect()
}
