//! The name `env`: whatever is not ours behaves as if only the system's `env` were there, to the byte, the signal and the descriptor.
//!
//! A situation is a line of shell. It runs twice in the same world at the same path, where `env` is once the system's and once ours;
//! all that can be seen from outside must be the same. What our own verbs do is tested elsewhere.

mod situations;

use envup::passthrough::VERBS;
use situations::SITUATIONS;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

const OURS: &str = env!("CARGO_BIN_EXE_env");
const SYSTEM: &str = "/usr/bin/env";

/// A folder in which a situation takes place; it has the same path whichever `env` is in it.
struct World {
    folder: tempfile::TempDir,
}

/// Makes the programs of a world. A shell does it, because a program that *this* process has just written cannot be run while
/// another test's fork still holds the descriptor ("text file busy").
const PROGRAMS: &str = r#"
mkdir "$BIN" && cd "$BIN" || exit
cat >signals <<'END'
#!/bin/sh
exec grep -E '^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt)' /proc/self/status
END
cat >descriptors <<'END'
#!/bin/sh
open=
for number in 0 1 2 3 4 5 6 7 8 9; do
    [ -e /proc/$$/fd/$number ] && open="$open $number"
done
echo "open:$open" >report
END
for verb; do printf '#!/bin/sh\necho through\n' >"$verb"; done
chmod +x *
"#;

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a folder for the world") };
        world.empty_here();
        let made = world.run("/bin/sh", &[&["-c", PROGRAMS, "sh"], VERBS].concat());
        assert!(made.status.success(), "{}", show(&made));
        world
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// The same world with this `env`, and without what the last situation left behind.
    fn with(&self, env: &str) -> &Self {
        self.empty_here();
        let _ = fs::remove_file(self.bin().join("env"));
        symlink(env, self.bin().join("env")).expect("link env");
        self
    }

    fn empty_here(&self) {
        let folder = self.folder.path().join("here");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("create a folder");
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
            .env("OURS", OURS)
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .current_dir(self.folder.path().join("here"))
            .output()
            .expect("run")
    }
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
    for link in ["ln", "ln -s"] {
        let line = format!(
            "cp \"$OURS\" \"$BIN/envup\" && {link} -f \"$BIN/envup\" \"$BIN/env\" &&\n\
             env A=1 env A=2 env printenv A; envup A=1 printenv A"
        );
        let output = world.run("/bin/sh", &["-c", &line]);
        assert_eq!(output.stdout, b"2\n", "{}", show(&output));
    }
}

/// Somebody put us, a copy of us or something broken over the system's env: an error that says so, not an endless chain of execs.
#[test]
fn without_a_system_env_we_say_so() {
    let world = World::new();
    world.with(OURS);
    let in_namespace =
        |line: &str| world.run("unshare", &["--map-root-user", "--mount", "/bin/sh", "-c", line]);
    if !in_namespace("mount --bind /usr/bin/env /usr/bin/env").status.success() {
        eprintln!("skipped: no mount namespace may be made here");
        return;
    }
    let missing = "env: the system's env is neither /usr/bin/env nor /bin/env\nhint: ";
    let broken = "env: cannot run the system's env, /usr/bin/env: Exec format error";
    let cases = [
        ("ln -s \"$OURS\" usurper", 127, missing),
        ("cp \"$OURS\" usurper", 127, missing),
        ("echo no program >usurper; chmod +x usurper", 126, broken),
    ];
    for (make, code, message) in cases {
        let line = format!(
            "rm -f usurper; {make}; mount --bind usurper /usr/bin/env &&\n\
             {{ [ /bin -ef /usr/bin ] || mount --bind \"$OURS\" /bin/env; }} && exec timeout 10 env A=1 true"
        );
        let output = in_namespace(&line);
        assert_eq!(output.status.code(), Some(code), "{make}: {}", show(&output));
        assert!(output.stderr.starts_with(message.as_bytes()), "{make}: {}", show(&output));
    }
}
