//! The name `env`: whose words these are, and becoming the system's `env` when they are not ours.
//!
//! Before the exec nothing of this process is changed: no signal, no descriptor, no variable, no argument. It does not parse our
//! own command line; it only looks at the first two words.

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Every verb of ours; the command line is tested against this list. None is the name of a program people run through `env`.
pub const VERBS: &[&str] = &[
    "new",
    "validate",
    "plan",
    "up",
    "status",
    "drift",
    "accept",
    "capture",
    "matrix",
    "shell",
    "exec",
    "copy",
    "logs",
    "provision",
    "port",
    "stop",
    "restart",
    "rebuild",
    "snapshot",
    "destroy",
    "list",
    "prune",
    "allow",
    "ssh-config",
    "inventory",
    "box",
    "layer",
    "folder",
    "completions",
    "help",
    "version",
];

/// Where the system's `env` lives. Never PATH: there `env` is us, or whatever the current directory holds.
const PLACES: &[&CStr] = &[c"/usr/bin/env", c"/bin/env"];

/// There is no system's `env`, as `env` says of a command it does not find.
const NOT_FOUND: u8 = 127;
/// There is one and it cannot be run, as `env` says of a command it cannot run.
const NOT_RUNNABLE: u8 = 126;

/// The words this process was started with, as the kernel handed them over.
#[derive(Clone, Copy)]
pub struct CommandLine {
    // The null pointer at the end included.
    words: &'static [*const c_char],
}

impl CommandLine {
    /// Takes over what a C `main` received.
    ///
    /// # Safety
    /// `argv` must hold `argc` C strings and then a null pointer, unchanged for the life of the process.
    #[allow(unsafe_code)]
    pub unsafe fn new(argc: c_int, argv: *const *const c_char) -> Self {
        // SAFETY: the caller vouches for argc words and the null behind them.
        Self { words: unsafe { std::slice::from_raw_parts(argv, argc.max(0) as usize + 1) } }
    }

    #[allow(unsafe_code)]
    fn words(&self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: `new` was promised that every word before the null is a C string that lives as long as the process.
        self.words.iter().take_while(|word| !word.is_null()).map(|word| unsafe { CStr::from_ptr(*word) })
    }

    /// Is this start ours? Under the name `env` only when the first argument *is* a verb: options, assignments and no arguments at
    /// all belong to the system's `env`. Under any other name everything is ours.
    pub fn is_ours(&self) -> bool {
        let mut words = self.words().map(CStr::to_bytes);
        let program = words.next().unwrap_or_default();
        file_name(program) != b"env" || words.next().is_some_and(is_verb)
    }

    /// The words as Rust likes them. A program started without even a name is called `envup`.
    pub fn to_args(self) -> Vec<OsString> {
        let mut args: Vec<_> =
            self.words().map(|word| OsString::from_vec(word.to_bytes().to_vec())).collect();
        if args.is_empty() {
            args.push("envup".into());
        }
        args
    }

    /// Becomes the system's `env`. Returns only if that fails, with the exit code, after saying why.
    pub fn become_system_env(&self) -> u8 {
        let Some(place) = system_env(PLACES, own_file().as_ref()) else {
            complain(format_args!(
                "env: the system's env is neither {}\n\
                 hint: only `env VERB` is envup's, everything else needs the system's env: install coreutils, or see `env help`",
                PLACES.iter().map(|place| place.to_string_lossy()).collect::<Vec<_>>().join(" nor "),
            ));
            return NOT_FOUND;
        };
        let cause = self.exec(place);
        complain(format_args!("env: cannot run the system's env, {}: {cause}", place.to_string_lossy()));
        NOT_RUNNABLE
    }

    /// Replaces this process; an answer is the reason why not.
    #[allow(unsafe_code)]
    fn exec(&self, program: &CStr) -> io::Error {
        // SAFETY: `program` is a C string, and the words end in the null that execv looks for. No `Command` here: it would reset
        // SIGPIPE and the signal mask.
        unsafe { libc::execv(program.as_ptr(), self.words.as_ptr()) };
        io::Error::last_os_error()
    }
}

fn is_verb(word: &[u8]) -> bool {
    VERBS.iter().any(|verb| verb.as_bytes() == word)
}

fn file_name(program: &[u8]) -> &[u8] {
    program.rsplit(|byte| *byte == b'/').next().unwrap_or(program)
}

/// The first of `places` that is a program and not us.
fn system_env<'a>(places: &[&'a CStr], own: Option<&Metadata>) -> Option<&'a CStr> {
    places.iter().copied().find(|place| {
        let Ok(found) = fs::metadata(path(place)) else { return false };
        found.is_file()
            && found.permissions().mode() & 0o111 != 0
            && !own.is_some_and(|own| is_same(own, &found))
    })
}

/// The same file, or a copy of it: two copies of us in two of the places would send each other round in circles for ever. A copy is
/// told by its size, for no system's env has ours to the byte.
fn is_same(own: &Metadata, found: &Metadata) -> bool {
    (own.dev(), own.ino()) == (found.dev(), found.ino()) || own.len() == found.len()
}

/// The file this process runs. Without /proc the kernel's note of what it started will do; it errs only for `#!` lines, where it
/// names the script, and then not on the next hop.
fn own_file() -> Option<Metadata> {
    fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(path(started_file()))).ok()
}

#[allow(unsafe_code)]
fn started_file() -> &'static CStr {
    // SAFETY: the kernel's answer is zero or the address of a C string that lives as long as the process.
    unsafe {
        let name = libc::getauxval(libc::AT_EXECFN) as *const c_char;
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    }
}

fn path(name: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(name.to_bytes()))
}

/// To stderr as it is. That it may be closed is the caller's business, so a failure to write is not ours to report.
fn complain(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::fs::symlink;

    fn command_line(words: &[&str]) -> CommandLine {
        let words =
            words.iter().map(|word| CString::new(*word).expect("no zero byte").into_raw().cast_const());
        let argv = words.chain([std::ptr::null()]).collect::<Vec<_>>().leak();
        CommandLine { words: argv }
    }

    #[test]
    fn only_a_verb_in_first_place_is_ours() {
        for verb in VERBS {
            assert!(command_line(&["env", verb]).is_ours(), "{verb}");
            assert!(command_line(&["/opt/envup/bin/env", verb, "--help"]).is_ours(), "{verb}");
            assert!(!command_line(&["env", "A=1", verb]).is_ours(), "{verb}");
        }
        for through in
            ["", "-", "--", "--help", "--version", "-i", "-Sup", "A=1", "up=1", "Up", "upx", "./up", "sh"]
        {
            assert!(!command_line(&["env", through]).is_ours(), "{through:?}");
        }
        assert!(!command_line(&["env"]).is_ours());
    }

    #[test]
    fn under_another_name_everything_is_ours() {
        for program in ["envup", "/usr/bin/envup", "env/envup", "", "-env"] {
            assert!(command_line(&[program, "A=1", "sh"]).is_ours(), "{program:?}");
            assert!(command_line(&[program]).is_ours(), "{program:?}");
        }
        assert!(command_line(&[]).is_ours());
    }

    #[test]
    fn the_words_arrive_whole() {
        assert_eq!(command_line(&["env", "up", ""]).to_args(), ["env", "up", ""]);
        assert_eq!(command_line(&[]).to_args(), ["envup"]);
    }

    /// A verb takes a word away from whoever runs a program of that name through `env`.
    #[test]
    fn no_verb_is_the_name_of_a_common_program() {
        let common = "ssh halt init ps diff sync trust watch test cp install pack bundle compare open \
                      sh bash python python3 perl ruby node make printf sleep nohup nice";
        assert!(common.split(' ').all(|program| !VERBS.contains(&program)));
    }

    #[test]
    fn the_system_env_is_the_first_program_that_is_not_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &str, mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
            path
        };
        let own = file("own", "this is us", 0o755);
        fs::hard_link(&own, folder.path().join("hard link")).expect("link");
        symlink(&own, folder.path().join("symbolic link")).expect("link");
        file("copy", "this is us", 0o755);
        file("not executable", "no program", 0o644);
        fs::create_dir(folder.path().join("folder")).expect("folder");
        symlink(file("system", "the system's env", 0o755), folder.path().join("link to system"))
            .expect("link");

        let own = fs::metadata(own).expect("own");
        let place = |name: &str| {
            CString::new(folder.path().join(name).into_os_string().into_vec()).expect("no zero byte")
        };
        let skipped =
            ["own", "hard link", "symbolic link", "copy", "not executable", "folder", "missing"].map(place);
        let skipped = skipped.each_ref().map(CString::as_c_str);
        assert_eq!(system_env(&skipped, Some(&own)), None);
        for found in ["system", "link to system"].map(place) {
            assert_eq!(system_env(&[&skipped[..], &[&found]].concat(), Some(&own)), Some(found.as_c_str()));
        }
    }

    #[test]
    fn we_know_our_own_file_with_and_without_proc() {
        let started = fs::metadata(path(started_file())).expect("started file");
        assert!(own_file().is_some_and(|own| is_same(&own, &started)));
    }
}
