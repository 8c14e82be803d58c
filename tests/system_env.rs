//! The name `env`: whatever is not ours behaves as if only the system's `env` were there, to the byte, the signal and the descriptor.
//!
//! A situation is a line of shell. It runs twice in the same world at the same path, where `env` is once the system's and once ours;
//! all that can be seen from outside must be the same. What our own verbs do is tested elsewhere.

mod situations;

use envup::passthrough::VERBS;
use situations::SITUATIONS;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OURS: &str = env!("CARGO_BIN_EXE_env");
const SYSTEM: &str = "/usr/bin/env";

/// A folder in which a situation takes place; it has the same path whichever `env` is in it.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the world") }
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// Makes the world anew around this `env`.
    fn with(&self, env: &str) -> &Self {
        for name in ["bin", "here"] {
            let folder = self.folder.path().join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).expect("create a folder");
        }
        symlink(env, self.bin().join("env")).expect("link env");
        script(
            &self.bin().join("signals"),
            "exec grep -E '^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt)' /proc/self/status",
        );
        script(
            &self.bin().join("descriptors"),
            "open=\nfor number in 0 1 2 3 4 5 6 7 8 9; do\n\
             [ -e /proc/$$/fd/$number ] && open=\"$open $number\"\ndone\necho \"open:$open\" >report",
        );
        for verb in VERBS {
            script(&self.bin().join(verb), "echo through");
        }
        fs::write(self.folder.path().join("here/report.in"), "").expect("write");
        self
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.run_as(program, program, arguments)
    }

    fn run_as(&self, name: &str, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .arg0(name)
            .args(arguments)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.bin().display()))
            .env("BIN", self.bin())
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .current_dir(self.folder.path().join("here"))
            .output()
            .expect("run")
    }
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("write a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("make it executable");
}

fn show(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        output.stdout.escape_ascii(),
        output.stderr.escape_ascii()
    )
}

#[test]
fn every_situation_is_the_same_with_the_system_env_and_ours() {
    let world = World::new();
    let differences: Vec<String> = SITUATIONS
        .iter()
        .filter_map(|line| {
            let expected = world.with(SYSTEM).run("/bin/sh", &["-c", line]);
            let found = world.with(OURS).run("/bin/sh", &["-c", line]);
            (expected != found)
                .then(|| format!("{line}\n=== system: {}\n=== ours: {}", show(&expected), show(&found)))
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n\n{}",
        differences.len(),
        SITUATIONS.len(),
        differences.join("\n\n")
    );
}

#[test]
fn every_verb_is_ours_even_where_a_program_has_its_name() {
    let world = World::new();
    for verb in VERBS {
        let line = format!("env {verb} --help");
        assert_eq!(world.with(SYSTEM).run("/bin/sh", &["-c", &line]).stdout, b"through\n", "{line}");
        assert_ne!(world.with(OURS).run("/bin/sh", &["-c", &line]).stdout, b"through\n", "{line}");
    }
}

#[test]
fn under_another_name_nothing_is_passed_through() {
    let world = World::new();
    for name in ["envup", "/opt/envup/bin/envup", ""] {
        let output = world.with(OURS).run_as(name, OURS, &["A=1", "printf", "through"]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{name:?}: {}", show(&output));
    }
}

/// Both names in one folder, as installed, by either kind of link.
#[test]
fn an_install_that_comes_first_on_path_finds_the_system_env() {
    let world = World::new();
    world.with(OURS);
    let (env, envup) = (world.bin().join("env"), world.bin().join("envup"));
    fs::remove_file(&env).expect("make room");
    fs::copy(OURS, &envup).expect("install");
    for link in [|from: &Path, to: &Path| fs::hard_link(from, to), |from: &Path, to: &Path| symlink(from, to)]
    {
        link(&envup, &env).expect("link");
        let output = world.run("/bin/sh", &["-c", "env A=1 env A=2 env printenv A; envup A=1 printenv A"]);
        assert_eq!(output.stdout, b"2\n", "{}", show(&output));
        fs::remove_file(&env).expect("make room");
    }
}

/// Somebody put us, a copy of us or something broken over the system's env: an error that says so, not an endless chain of execs.
#[test]
fn without_a_system_env_we_say_so() {
    let world = World::new();
    world.with(OURS);
    if !world.run("unshare", &["--map-root-user", "--mount", "true"]).status.success() {
        eprintln!("skipped: no mount namespace may be made here");
        return;
    }
    fs::copy(OURS, world.bin().join("copy")).expect("copy");
    fs::copy("/dev/null", world.bin().join("broken")).expect("create");
    let broken = world.bin().join("broken");
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).expect("make it executable");
    let missing = "env: the system's env is neither /usr/bin/env nor /bin/env\nhint: ";
    let cases = [
        ("env", 127, missing),
        ("copy", 127, missing),
        ("broken", 126, "env: cannot run the system's env, /usr/bin/env: Exec format error"),
    ];
    for (name, code, message) in cases {
        let line = format!(
            "mount --bind $BIN/{name} /usr/bin/env && {{ [ /bin -ef /usr/bin ] || mount --bind $BIN/env /bin/env; }} &&\n\
             exec timeout 10 env A=1 true"
        );
        let output = world.run("unshare", &["--map-root-user", "--mount", "sh", "-c", &line]);
        assert_eq!(output.status.code(), Some(code), "{}", show(&output));
        assert!(output.stderr.starts_with(message.as_bytes()), "{}", show(&output));
    }
}
