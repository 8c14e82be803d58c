//! A checkout with a data directory of its own, whose VMs go away with it however the test ended.

#![allow(clippy::disallowed_methods)] // the environment of the tests is handed on to what they run

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a run of `env` gave.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Fails unless it exited so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// What the JSON lines of an `up` tell of the steps that ended in it.
pub fn steps_ended(json: &str) -> Vec<serde_json::Value> {
    let lines = json.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["event"] == "step" && line["status"] != "running").collect()
}

/// A checkout.
pub struct Stage {
    place: TempDir,
    layers: bool,
    /// The libvirt that is used, if not this host's.
    uri: Option<String>,
    /// Beside dev.
    environment: Option<&'static str>,
}

impl Stage {
    /// One with this Envfile.
    pub fn new(envfile: &str) -> Self {
        let stage = Self::empty();
        std::fs::write(stage.directory().join("Envfile"), envfile).unwrap();
        stage
    }

    /// One that is a copy of an example.
    pub fn example(name: &str) -> Self {
        let stage = Self::empty();
        stage.copy_example(name, ".");
        stage
    }

    /// The same with layers, which other tests neither use nor leave behind. `NONCE` in the Envfile becomes a word of its own,
    /// so that the layers are no other run's.
    pub fn layered(envfile: &str) -> Self {
        let mut stage = Self::empty();
        stage.layers = true;
        let nonce = stage.place.path().file_name().unwrap().to_string_lossy().into_owned();
        std::fs::write(stage.directory().join("Envfile"), envfile.replace("NONCE", &nonce)).unwrap();
        stage
    }

    /// The same with another libvirt than this host's.
    pub fn on(mut self, uri: &str) -> Self {
        self.uri = Some(uri.to_owned());
        self
    }

    /// From now on it is brought up in this environment too, which goes away with it.
    pub fn and_environment(mut self, environment: &'static str) -> Self {
        self.environment = Some(environment);
        self
    }

    fn empty() -> Self {
        let place = tempfile::Builder::new().prefix("envup-vm-").tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("project")).unwrap();
        std::fs::create_dir_all(place.path().join("data")).unwrap();
        // Boxes are costly: all tests share them, also those of containers.
        let boxes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boxes");
        std::fs::create_dir_all(&boxes).unwrap();
        std::os::unix::fs::symlink(boxes, place.path().join("data/boxes")).unwrap();
        Self { place, layers: false, uri: None, environment: None }
    }

    /// Where its Envfile is.
    pub fn directory(&self) -> PathBuf {
        self.place.path().canonicalize().unwrap().join("project")
    }

    /// Copies an example into a directory of it.
    pub fn copy_example(&self, name: &str, to: &str) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).join(".");
        let target = self.directory().join(to);
        std::fs::create_dir_all(&target).unwrap();
        assert!(Command::new("cp").arg("-r").arg(source).arg(target).status().unwrap().success());
    }

    /// Writes a file in it, with the directories above.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.directory().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Replaces a part of its Envfile that must be in it.
    pub fn change(&self, old: &str, new: &str) {
        self.change_in("Envfile", old, new);
    }

    /// The same in another of its files.
    pub fn change_in(&self, name: &str, old: &str, new: &str) {
        let path = self.directory().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "no {old:?} in\n{text}");
        std::fs::write(path, text.replace(old, new)).unwrap();
    }

    /// Adds to the end of its Envfile.
    pub fn append(&self, text: &str) {
        let path = self.directory().join("Envfile");
        let envfile = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, envfile + text).unwrap();
    }

    /// Runs `env WORDS`, split at spaces: the program that people type, which becomes the other one.
    pub fn env(&self, words: &str) -> Ran {
        self.run(&program("env"), words)
    }

    /// The same with another program.
    pub fn run(&self, program: &Path, words: &str) -> Ran {
        Self::finish(&mut self.command(program, words))
    }

    /// Runs a script of the shell in a machine.
    pub fn inside(&self, machine: &str, script: &str) -> Ran {
        let mut command = self.command(&program("env"), &format!("exec {machine} --"));
        Self::finish(command.args(["sh", "-c", script]))
    }

    /// Runs a command to its end.
    pub fn finish(command: &mut Command) -> Ran {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The same, still to be started.
    pub fn command(&self, program: &Path, words: &str) -> Command {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(self.directory());
        command.env("ENVUP_DATA_DIR", self.place.path().join("data"));
        if !self.layers {
            command.env("ENVUP_NO_LAYERS", "1");
        }
        if let Some(uri) = &self.uri {
            command.env("LIBVIRT_DEFAULT_URI", uri);
        }
        command
    }

    /// Keys of the layers that were made or used here and are still there.
    pub fn kept_layers(&self) -> Vec<String> {
        let listed = self.env("layer list --json").exits(0).stdout;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let ours = listed["layers"].as_array().unwrap().iter().filter(|layer| layer["used"].is_u64());
        ours.map(|layer| layer["key"].as_str().unwrap().to_owned()).collect()
    }

    /// The beginning of the names of its things in libvirt.
    pub fn prefix(&self, stack: &str) -> String {
        format!("{stack}-{}-", &self.id()[..6])
    }

    /// Where lies what belongs to the checkout and is not in it.
    pub fn private_directory(&self) -> PathBuf {
        self.place.path().join("data/projects").join(self.id())
    }

    fn id(&self) -> String {
        let record = std::fs::read_to_string(self.directory().join(".envup/id")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        record["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.directory().join(".envup/id").exists() {
            for environment in self.environment.into_iter().chain(["dev"]) {
                let gone = self.env(&format!("destroy --yes --volumes --env {environment}"));
                if gone.code != 0 && !std::thread::panicking() {
                    panic!("cannot clean up:\n{}", gone.stderr);
                }
            }
        }
        if self.layers {
            for key in self.kept_layers() {
                self.env(&format!("layer remove {key}"));
            }
        }
    }
}

/// A program of this build. `env-libvirt` is this package's; `env` is built with the workspace.
pub fn program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_env-libvirt")).with_file_name(name);
    assert!(program.is_file(), "{} is not built: `cargo build` makes it", program.display());
    program
}

/// What a page on loopback says.
pub fn page(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// What virsh says.
pub fn virsh(words: &str) -> String {
    let output =
        Command::new("virsh").args(["-q", "-c", "qemu:///system"]).args(words.split(' ')).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
