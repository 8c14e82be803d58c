//! `env layer prune --all` takes what every stack of an engine would start from, so that it is tested on an engine of its own.

use crate::support::{PROGRAM, Project, wait_until};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// An engine that has nothing but what a test puts there; it ends with the test.
struct Engine {
    place: tempfile::TempDir,
    process: Child,
}

impl Engine {
    fn start() -> Self {
        let place = tempfile::Builder::new().prefix("envup-engine-").tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let log = fs::File::create(at("log")).unwrap();
        // With networks of its own: an engine without a bridge would take the bridge of the other one away.
        let process = Command::new("unshare")
            .args(["--net", "dockerd", "--bridge", "none", "--iptables=false", "--ip-masq=false", "--host"])
            .arg(format!("unix://{}", at("socket").display()))
            .args([PathBuf::from("--data-root"), at("data"), "--exec-root".into(), at("run")])
            .args([PathBuf::from("--pidfile"), at("pid")])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let engine = Self { place, process };
        wait_until("an engine of the test's own answers", || {
            engine.command("version").output().unwrap().status.success()
        });
        engine
    }

    fn host(&self) -> String {
        format!("unix://{}", self.place.path().join("socket").display())
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new("docker");
        command.args(["--host", &self.host()]).args(shell_words::split(words).unwrap());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Something that says of itself that it is the layer of this key.
    fn layer(&self, key: &str) {
        let import = format!("import --change 'LABEL envup.layer={key}' - envup-layer:{}", &key[..12]);
        let mut docker = self.command(&import).stdin(Stdio::piped()).spawn().unwrap();
        let empty = tar::Builder::new(Vec::new()).into_inner().unwrap();
        docker.stdin.take().unwrap().write_all(&empty).unwrap();
        assert!(docker.wait().unwrap().success());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

#[test]
fn prune_all_takes_every_layer_that_no_machine_needs() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can start an engine
    }
    let engine = Engine::start();
    let keys = ["a", "b"].map(|digit| digit.repeat(64));
    keys.iter().for_each(|key| engine.layer(key));
    assert!(
        engine.command(&format!("create envup-layer:{} /sh", &keys[1][..12])).status().unwrap().success()
    );

    // Without the program for VMs beside it: libvirt's layers are those of all tests. Copied by a process of its own: a child of
    // another test could hold our copy open for writing, and then nobody may run it.
    let project = Project::empty();
    let program = project.path("env");
    assert!(Command::new("cp").args([PROGRAM.as_ref(), program.as_os_str()]).status().unwrap().success());
    let env = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        project.program(&program, &words).var("DOCKER_HOST", &engine.host()).run()
    };
    let listed = || {
        let layers = env("layer list --json").succeeds().json();
        let keys = layers["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| layer["key"].as_str().unwrap().to_owned());
        keys.collect::<std::collections::BTreeSet<_>>()
    };
    env("layer prune --all").exits(64).stderr_has("--yes");
    assert_eq!(listed(), keys.clone().into());
    env("layer prune").succeeds().stdout_has("no layer gone");
    env("layer prune --all --yes").succeeds().stdout_has("1 layer gone · 1 still in use");
    assert_eq!(listed(), [keys[1].clone()].into());
}
