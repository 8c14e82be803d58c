//! Runs the program as people do: a project in a directory of its own, a command line, and what came out of it.
//!
//! ```text
//! let project = Project::new("[machine.web]\nimage = \"app\"\n");
//! project.env("plan --json").exits(2).stdout_has("\"create\"");
//! ```
//! Every project has its own home and data directory. What it made in an engine is removed when it is dropped, however
//! the test ended.

#![allow(dead_code)] // tests come and go; what they share stays whole
#![allow(clippy::disallowed_methods)] // the environment of the tests is handed on to what they run

pub mod docker;
mod engine;
pub mod host;
mod outcome;
pub mod recorder;
pub mod stage;
pub mod terminal;
mod waiting;

pub use engine::identity;
pub use outcome::Outcome;
pub use waiting::{PATIENCE, pause, wait_until};

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_env");

/// The box of all tests of this build; the first that asks builds it.
pub fn debian_box() -> envup::boxes::BoxFile {
    let directories = envup::state::Directories::under(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let wanted = envup::model::machine::BoxSource::Named("debian/12".into());
    let store = envup::boxes::Store::open(&directories, None);
    store.ensure(&wanted, &envup::event::Context::silent()).unwrap()
}

/// A project directory, with a home and a data directory of its own.
pub struct Project {
    place: TempDir,
    directory: PathBuf,
    layers: bool,
}

impl Project {
    /// A project with this Envfile.
    pub fn new(envfile: &str) -> Self {
        let project = Self::empty();
        project.write("Envfile", envfile);
        project
    }

    /// A project without an Envfile.
    pub fn empty() -> Self {
        let place = tempfile::Builder::new().prefix("envup-test-").tempdir().unwrap();
        // Without links, as the program shows paths.
        let directory = place.path().canonicalize().unwrap().join("project");
        fs::create_dir(&directory).unwrap();
        for other in ["home", "data", "tmp"] {
            fs::create_dir(place.path().join(other)).unwrap();
        }
        // Boxes are costly: all tests share them.
        let boxes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boxes");
        fs::create_dir_all(&boxes).unwrap();
        std::os::unix::fs::symlink(boxes, place.path().join("data/boxes")).unwrap();
        Self { place, directory, layers: false }
    }

    /// A project that is a copy of a directory of this repository, such as `examples/shop`.
    pub fn copy_of(directory: &str) -> Self {
        let project = Self::empty();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        copy(&source, &project.directory);
        project
    }

    /// The same with layers, which other tests neither use nor leave behind: they would start from what another run made.
    #[must_use]
    pub fn with_layers(mut self) -> Self {
        self.layers = true;
        self
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Our data directory for it.
    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// Writes a file in it, with the directories above.
    pub fn write(&self, name: &str, content: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Reads a file in it.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a part of a file that must be in it.
    pub fn change(&self, name: &str, old: &str, new: &str) -> &Self {
        let content = self.read(name);
        assert!(content.contains(old), "{name} has no {old:?}");
        self.write(name, &content.replace(old, new))
    }

    /// Moves it to another directory beside this one; machines should go along.
    pub fn move_to(&mut self, name: &str) {
        let to = self.directory.with_file_name(name);
        fs::rename(&self.directory, &to).unwrap();
        self.directory = to;
    }

    /// Runs `env WORDS`, split at spaces, to its end.
    pub fn env(&self, words: &str) -> Outcome {
        self.env_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs `env` with exactly these words to its end.
    pub fn env_words(&self, words: &[&str]) -> Outcome {
        self.command(words).run()
    }

    /// A run that is still to be furnished.
    pub fn command(&self, words: &[&str]) -> Run {
        self.program(PROGRAM, words)
    }

    /// The same with another program, such as a link called `envup`.
    pub fn program(&self, program: impl AsRef<Path>, words: &[&str]) -> Run {
        let mut command = Command::new(program.as_ref());
        command.args(words).current_dir(&self.directory).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, place) in [("HOME", "home"), ("ENVUP_DATA_DIR", "data"), ("TMPDIR", "tmp")] {
            command.env(name, self.place.path().join(place));
        }
        if !self.layers {
            command.env("ENVUP_NO_LAYERS", "1");
        }
        // How to reach the engine, the registry and the mirror is this host's business.
        let passed = |name: &str| name.starts_with("DOCKER_") || name.to_lowercase().ends_with("_proxy");
        command.envs(std::env::vars().filter(|(name, _)| passed(name)));
        let scrubbed = self.place.path().canonicalize().unwrap();
        Run { command, input: None, scrubbed }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        engine::remove_all_of(&self.directory);
        if self.layers {
            engine::remove_layers(&self.data());
        }
    }
}

/// One run of the program.
pub struct Run {
    command: Command,
    input: Option<Vec<u8>>,
    scrubbed: PathBuf,
}

impl Run {
    /// With a variable.
    #[must_use]
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In another directory.
    #[must_use]
    pub fn within(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// With this to read; nothing otherwise.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let input = self.input.take();
        let scrubbed = self.scrubbed.clone();
        let mut child = self.start_with(input.is_some());
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // On its own thread: a program that writes before it has read all must not wait for us.
            std::thread::spawn(move || {
                let _ = stdin.write_all(&input);
            });
        }
        Outcome::new(child.wait_with_output().unwrap(), &scrubbed)
    }

    /// Starts it and lets it run: for interruptions.
    pub fn start(mut self) -> Child {
        self.start_with(false)
    }

    /// Starts it on a terminal of its own, as people do.
    pub fn on_terminal(self) -> terminal::Terminal {
        terminal::Terminal::start(self.command)
    }

    fn start_with(&mut self, reads: bool) -> Child {
        let stdin = if reads { Stdio::piped() } else { Stdio::null() };
        let command = self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
