//! Builds a box from its recipe with mmdebstrap: as root, or without it in a user namespace.
//!
//! mmdebstrap mounts things and does not take them down when it is killed. So as root it runs in namespaces of its own, which end
//! with us however we end, and keeps its temporary files in our scratch directory. The archive comes over a pipe.

use super::apt;
use super::incoming::pump;
use super::recipe::Recipe;
use crate::event::{Context, Event};
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use crate::state::find_program;
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How many of mmdebstrap's last lines are shown when it fails.
const TAIL: usize = 20;

/// How often a build looks whether it was cancelled.
const INTERVAL: Duration = Duration::from_millis(100);

/// Carries the recipe's script: as an argument it would be in every message.
const CUSTOMIZE_VARIABLE: &str = "ENVUP_CUSTOMIZE";

/// Makes the root file system of a box.
pub trait Builder: Send + Sync {
    /// Writes the root file system of the recipe's box into `sink` as a tar archive, perhaps compressed. `scratch` is a directory for
    /// what is needed meanwhile; it is removed afterwards.
    fn build(&self, recipe: &Recipe, scratch: &Path, sink: &mut dyn Write, context: &Context) -> Result<()>;

    /// Makes the disk of a VM from the archive of the recipe's box; `disk.qcow2`, `kernel` and `initrd` are left in the directory
    /// `envup-disk` below `scratch`. Builders that cannot say so.
    fn build_disk(&self, recipe: &Recipe, _: &Path, _scratch: &Path, _: &Context) -> Result<()> {
        Err(Error::new(
            Kind::Unavailable,
            format!("cannot make a VM's disk of box {} this way", recipe.name()),
        )
        .hint("without `--base` it is made by mmdebstrap: `apt install mmdebstrap`"))
    }
}

/// Builds with mmdebstrap.
#[derive(Debug, Clone)]
pub struct Mmdebstrap {
    /// The program; looked for on PATH when it is a bare name.
    pub program: PathBuf,
    /// Archives to install from, as addresses or whole lines of a sources.list, instead of those of the host's apt.
    pub mirrors: Vec<String>,
    /// The host's apt, asked for mirrors.
    pub apt_get: PathBuf,
}

impl Default for Mmdebstrap {
    fn default() -> Self {
        Self { program: "mmdebstrap".into(), mirrors: Vec::new(), apt_get: "apt-get".into() }
    }
}

impl Builder for Mmdebstrap {
    fn build(&self, recipe: &Recipe, scratch: &Path, sink: &mut dyn Write, context: &Context) -> Result<()> {
        let what = format!("building box {}", recipe.name());
        context.emit(Event::Doing { machine: None, what: what.clone() });
        let root = geteuid().is_root();
        let mut command = self.command(recipe, scratch, root)?;
        command.args(arguments(recipe, &self.sources(recipe), root));
        command.env(CUSTOMIZE_VARIABLE, recipe.customize().unwrap_or_default());
        run(&mut command, recipe, sink, &what, context)
    }

    fn build_disk(&self, recipe: &Recipe, archive: &Path, scratch: &Path, context: &Context) -> Result<()> {
        self.make_disk(recipe, archive, scratch, context)
    }
}

impl Mmdebstrap {
    /// Lines of a sources.list; none where mmdebstrap has to know by itself.
    pub(super) fn sources(&self, recipe: &Recipe) -> Vec<String> {
        let bootstrap = &recipe.definition.bootstrap;
        let (suite, components) = (&bootstrap.suite, &bootstrap.components);
        let distribution = recipe.name().split('/').next().unwrap_or_default();
        if self.mirrors.is_empty() {
            return apt::lines(&self.apt_get, distribution, suite, components);
        }
        let line = |mirror: &String| match mirror.starts_with("deb ") {
            true => mirror.clone(),
            false => apt::line(distribution, mirror, suite, &components.join(" ")),
        };
        self.mirrors.iter().map(line).collect()
    }

    /// The program, with all that its arguments do not say.
    pub(super) fn command(&self, recipe: &Recipe, scratch: &Path, root: bool) -> Result<Command> {
        let program = self.find(recipe)?;
        let mut command = if root { contained(&program, scratch) } else { Command::new(&program) };
        command.env("LC_ALL", "C.UTF-8");
        if let Some(epoch) = recipe.definition.epoch {
            command.env("SOURCE_DATE_EPOCH", epoch.to_string());
        }
        Ok(command)
    }

    /// The program's path. It is looked for before the start: as root it is not we who start it.
    fn find(&self, recipe: &Recipe) -> Result<PathBuf> {
        find_program(&self.program).ok_or_else(|| {
            let what = format!("cannot build box {}: there is no {}", recipe.name(), self.program.display());
            let missing = Error::new(Kind::Unavailable, what).hint("install it: `apt install mmdebstrap`");
            let Some(image) = &recipe.definition.image else { return missing };
            let (name, base) = (recipe.name(), &image.base);
            missing.hint(format!("or build it from an image: `env box build {name} --base {base}`"))
        })
    }
}

/// The program with mounts and processes of its own, all of which end when the thread that starts it does. It sees `scratch` as
/// /mnt, because apt downloads as a user who cannot enter our directories.
fn contained(program: &Path, scratch: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--"]);
    command.args(["sh", "-c", "mount --bind \"$0\" /mnt && exec \"$@\""]).arg(scratch).arg(program);
    command.env("TMPDIR", "/mnt");
    command
}

fn arguments(recipe: &Recipe, sources: &[String], root: bool) -> Vec<String> {
    let bootstrap = &recipe.definition.bootstrap;
    let mut arguments = vec![
        format!("--mode={}", if root { "root" } else { "unshare" }),
        "--format=tar".to_owned(),
        format!("--variant={}", bootstrap.variant),
        format!("--components={}", bootstrap.components.join(",")),
    ];
    if !bootstrap.include.is_empty() {
        arguments.push(format!("--include={}", bootstrap.include.join(",")));
    }
    arguments.extend(bootstrap.exclude_paths.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    arguments.extend(bootstrap.keep_paths.iter().map(|path| format!("--dpkgopt=path-include={path}")));
    arguments
        .extend(bootstrap.hooks.iter().map(|hook| format!("--hook-dir=/usr/share/mmdebstrap/hooks/{hook}")));
    if recipe.definition.customize.is_some() {
        arguments.push(format!("--customize-hook=eval \"${CUSTOMIZE_VARIABLE}\""));
    }
    arguments.extend([bootstrap.suite.clone(), "-".to_owned()]);
    arguments.extend(sources.iter().cloned());
    arguments
}

/// Starts the build and hands on what it writes and says, until it ends or is cancelled.
pub(super) fn run(
    command: &mut Command,
    recipe: &Recipe,
    sink: &mut dyn Write,
    what: &str,
    context: &Context,
) -> Result<()> {
    // A group of its own: Ctrl-C reaches us alone, and we end it as a whole.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child =
        command.spawn().attempt(|| format!("cannot start {}", command.get_program().display()))?;
    let ending = if geteuid().is_root() { Signal::KILL } else { Signal::TERM };
    let (Some(mut output), Some(messages)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::failed(format!("no pipe to the program {what}")));
    };
    let group = Pid::from_child(&child);
    // Contained processes are killed; others are asked, because nobody else can clean up after them.
    let end = || {
        let _ = kill_process_group(group, ending);
    };
    let (written, said, ended) = thread::scope(|scope| {
        let said = scope.spawn(|| relay(messages, recipe, what, context));
        let (running, over) = mpsc::channel::<()>();
        let watch = scope.spawn(move || {
            while over.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if context.check(what).is_err() {
                    end();
                    return;
                }
            }
        });
        let written = pump(&mut output, sink, None, &format!("writing box {}", recipe.name()), context);
        drop(output);
        if written.is_err() {
            end();
        }
        let said = said.join().unwrap_or_default();
        drop(running);
        let _ = watch.join();
        (written, said, child.wait())
    });
    context.check(what)?;
    written?;
    let status = ended.attempt(|| format!("lost the program {what}"))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(recipe, &format!("mmdebstrap ended with {status}"), &said))
}

fn failed(recipe: &Recipe, cause: &str, said: &VecDeque<String>) -> Error {
    let text = said.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let error = Error::failed(format!("cannot build box {}", recipe.name()));
    let error = error.because(std::io::Error::other(cause.to_owned()));
    let error = if text.contains("No space left on device") {
        error.hint("make room in the directory for temporary files, or set TMPDIR to one that has it")
    } else if text.contains("unshare") || text.contains("subuid") {
        error.hint("without root it needs user namespaces and a range of ids in /etc/subuid: `apt install uidmap`, or run it as root")
    } else {
        error.hint("if the mirror could not be reached, name another: `--mirror URL`")
    };
    error.detail(text)
}

/// Turns messages into events, and keeps the last ones.
fn relay(messages: impl Read, recipe: &Recipe, what: &str, context: &Context) -> VecDeque<String> {
    let mut last = VecDeque::with_capacity(TAIL);
    let mut lines = BufReader::new(messages);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line);
        // What dpkg drew over itself is not shown again.
        let text = text.trim_end().rsplit('\r').next().unwrap_or_default().to_owned();
        line.clear();
        // `I: ` begins what mmdebstrap itself is doing; its hooks are its own affair.
        let stage =
            text.strip_prefix("I: ").filter(|stage| stage.ends_with("...") && !stage.contains(['/', '(']));
        if let Some(stage) = stage {
            let stage = stage.trim_end_matches('.');
            context.emit(Event::Doing { machine: None, what: format!("{what}: {stage}") });
        }
        context.emit(Event::Output {
            machine: None,
            source: format!("box {}", recipe.name()),
            text: text.clone(),
        });
        if last.len() == TAIL {
            last.pop_front();
        }
        last.push_back(text);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::super::recipe::tests::{MINIMAL, recipe};
    use super::*;

    /// A program that stands in for mmdebstrap.
    fn fake(place: &Path, script: &str) -> Mmdebstrap {
        use std::os::unix::fs::PermissionsExt;
        let program = place.join("fake");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Mmdebstrap { program, mirrors: vec!["http://a.example/debian".into()], ..Mmdebstrap::default() }
    }

    #[test]
    fn everything_in_the_recipe_is_asked_for() {
        let toml = format!(
            "{MINIMAL}include = [\"a\", \"b\"]\nhooks = [\"merged-usr\"]\nexclude_paths = [\"/x/*\"]\n"
        );
        let made = arguments(&recipe(&toml).unwrap(), &["deb http://a.example x main".to_owned()], false);
        assert_eq!(
            made,
            [
                "--mode=unshare",
                "--format=tar",
                "--variant=minbase",
                "--components=main",
                "--include=a,b",
                "--dpkgopt=path-exclude=/x/*",
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                "--customize-hook=eval \"$ENVUP_CUSTOMIZE\"",
                "bookworm",
                "-",
                "deb http://a.example x main",
            ]
        );
    }

    fn build(builder: &Mmdebstrap, context: &Context) -> Error {
        let scratch = tempfile::tempdir().unwrap();
        builder.build(&recipe(MINIMAL).unwrap(), scratch.path(), &mut Vec::new(), context).unwrap_err()
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let builder = Mmdebstrap { program: "/nonexistent/mmdebstrap".into(), ..Mmdebstrap::default() };
        let builder = Mmdebstrap { mirrors: vec!["http://a.example".into()], ..builder };
        let error = build(&builder, &Context::silent());
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.hints[0].contains("apt install mmdebstrap"));
    }

    #[test]
    fn a_failed_build_shows_the_last_lines() {
        let place = tempfile::tempdir().unwrap();
        let builder = fake(place.path(), "seq 100 >&2; echo 'E: cannot reach it' >&2; exit 7");
        let error = build(&builder, &Context::silent());
        assert!(error.causes[0].contains("exit status: 7"), "{error:?}");
        let detail = error.detail.unwrap();
        assert!(detail.starts_with("82\n") && detail.ends_with("E: cannot reach it"), "{detail}");
    }

    #[test]
    fn a_cancelled_build_is_ended_with_all_its_processes() {
        let place = tempfile::tempdir().unwrap();
        let builder =
            fake(place.path(), "exec 3>$0.alive; flock 3; echo 'I: working...' >&2; sleep 600 & sleep 600");
        let alive = || {
            std::fs::File::open(place.path().join("fake.alive")).is_ok_and(|file| file.try_lock().is_err())
        };
        let context = Context::silent();
        thread::scope(|scope| {
            let building = scope.spawn(|| build(&builder, &context));
            while !alive() {
                thread::yield_now();
            }
            context.cancel.request();
            assert_eq!(building.join().unwrap().kind, Kind::Interrupted);
        });
        assert!(!alive(), "a process of the build still runs");
    }
}
