//! One run of a tool on this host: its output line by line, and that nothing of it outlives us.
//!
//! Beside the tool, in its process group, a shell waits on a pipe of ours. It hands on that the user interrupts; when the
//! pipe ends unasked, because we were killed, it ends the group and removes the directory with what was only for this run.

use super::running::KEPT_OUTPUT;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// `$1` is the directory of the run, the rest the tool and its arguments.
const BESIDE: &str = r#"
directory=$1
shift
exec 3<&0
(
  trap '' INT TERM HUP
  while read -r word <&3; do
    case $word in
      interrupt) kill -INT 0 ;;
      done) exit ;;
    esac
  done
  kill -TERM 0
  sleep 2
  rm -rf -- "$directory"
  kill -KILL 0
) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
"#;

/// How often a quiet tool is left for a look whether the user interrupts.
const GLANCE: Duration = Duration::from_millis(100);

/// How long a tool may take to end when the user interrupts.
const GRACE: Duration = Duration::from_secs(8);

/// How many lines may wait to be handed on.
const AHEAD: usize = 256;

/// A tool to run on this host.
pub struct HostRun<'a> {
    /// The tool; looked for on PATH.
    pub program: &'a str,
    /// Its arguments: never a secret, because everybody on this host can see them.
    pub arguments: Vec<OsString>,
    /// Variables beside ours.
    pub environment: Vec<(&'static str, OsString)>,
    /// Where it runs.
    pub working_dir: &'a Path,
    /// The directory that is only for this run.
    pub directory: &'a Path,
    /// Where its standard output goes, when not among the lines.
    pub output: Option<PathBuf>,
}

/// How a tool ended, and the end of what it said.
pub struct Ended {
    pub code: i32,
    pub said: String,
}

/// Nobody can answer what is asked on a terminal: there a tool of ours is in the background, and would wait for ever.
const NO_QUESTIONS: [(&str, &str); 2] = [("GIT_TERMINAL_PROMPT", "0"), ("SSH_ASKPASS_REQUIRE", "force")];

impl HostRun<'_> {
    /// Runs it to its end; each line is handed on as it comes.
    pub fn heard(&self, emit: &(dyn Fn(String) + Sync), what: &str, context: &Context) -> Result<Ended> {
        let mut said = String::new();
        let mut on_line = |line: String| {
            said += &line;
            said.push('\n');
            if said.len() > 2 * KEPT_OUTPUT {
                said.drain(..said.floor_char_boundary(said.len() - KEPT_OUTPUT));
            }
            emit(line);
        };
        let code = self.run(&mut on_line, what, context)?;
        Ok(Ended { code, said })
    }

    /// Runs it to its end and gives its code, 128 plus the number of the signal that ended it; `what` says what is being done.
    pub fn run(&self, on_line: &mut dyn FnMut(String), what: &str, context: &Context) -> Result<i32> {
        let (mut tool, lines) = self.start().attempt(|| format!("cannot run {}", self.program))?;
        let mut interrupted: Option<(Instant, Error)> = None;
        loop {
            match (context.check(what), &interrupted) {
                (Err(error), None) => {
                    tool.say("interrupt");
                    interrupted = Some((Instant::now(), error));
                }
                (_, Some((since, error))) if since.elapsed() > GRACE => return Err(error.clone()),
                _ => {}
            }
            match lines.recv_timeout(GLANCE) {
                Ok(line) => on_line(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = tool.child.wait().attempt(|| format!("cannot see the end of {}", self.program))?;
        tool.say("done");
        tool.ended = true;
        match interrupted {
            Some((_, error)) if error.kind == Kind::Interrupted || !status.success() => Err(error),
            _ => Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)),
        }
    }

    fn start(&self) -> io::Result<(Tool, Receiver<String>)> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BESIDE, "sh"]).arg(self.directory).arg(self.program).args(&self.arguments);
        command.envs(NO_QUESTIONS).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let (reader, writer) = io::pipe()?;
        let stdout = match &self.output {
            Some(path) => Stdio::from(File::create(path)?),
            None => Stdio::from(writer.try_clone()?),
        };
        command.stdin(Stdio::piped()).stdout(stdout).stderr(writer);
        // Ctrl-C is for us, and what we start is ended as one group.
        let mut child = command.current_dir(self.working_dir).process_group(0).spawn()?;
        let line = child.stdin.take();
        Ok((Tool { child, line, ended: false }, listen(reader)))
    }
}

/// The running tool; ended when it is dropped.
struct Tool {
    child: Child,
    line: Option<ChildStdin>,
    ended: bool,
}

impl Tool {
    fn say(&mut self, word: &str) {
        // Nobody listens when the group was killed from outside: then there is nothing left to tell.
        let _ = self.line.as_mut().map(|line| writeln!(line, "{word}"));
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if !self.ended {
            // The shell beside it takes the end of its pipe for ours.
            self.line = None;
            let _ = self.child.wait();
        }
    }
}

fn listen(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while let Ok(count) = reader.read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            if count == 0 || sender.send(text).is_err() {
                break;
            }
            line.clear();
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn run(script: &str, context: &Context) -> (Result<i32>, Vec<String>) {
        let mut lines = Vec::new();
        let result = heard(script, context, &mut |line| lines.push(line));
        (result, lines)
    }

    fn heard(script: &str, context: &Context, on_line: &mut dyn FnMut(String)) -> Result<i32> {
        let place = tempfile::tempdir().unwrap();
        let run = HostRun {
            program: "sh",
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("WORD", "yes".into())],
            working_dir: Path::new("/"),
            directory: place.path(),
            output: None,
        };
        run.run(on_line, "testing", context)
    }

    #[test]
    fn lines_of_both_streams_and_the_code_are_told() {
        let (code, lines) = run("echo $WORD; pwd >&2; printf rest; exit 3", &Context::silent());
        assert_eq!((code.unwrap(), lines), (3, vec!["yes".into(), "/".into(), "rest".into()]));
    }

    #[test]
    fn who_interrupts_reaches_the_tool() {
        // As `env` does. Who ignores it, as what runs in the background may, hands that on to all that he starts.
        signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default()).unwrap();
        let context = Context::silent();
        let script = "trap 'echo ended; exit 4' INT; echo ready; while :; do sleep 0.1; done";
        let begin = Instant::now();
        let mut lines = Vec::new();
        let result = heard(script, &context, &mut |line| {
            if line == "ready" {
                context.cancel.request();
            }
            lines.push(line);
        });
        assert_eq!(result.unwrap_err().kind, Kind::Interrupted);
        assert_eq!(lines, ["ready", "ended"]);
        assert!(begin.elapsed() < GRACE);
    }

    #[test]
    fn a_tool_that_is_not_there_is_told_by_its_code() {
        let place = tempfile::tempdir().unwrap();
        let run = HostRun {
            program: "no-such-tool",
            arguments: Vec::new(),
            environment: Vec::new(),
            working_dir: Path::new("/"),
            directory: place.path(),
            output: None,
        };
        assert_eq!(run.run(&mut |_| {}, "testing", &Context::silent()).unwrap(), 127);
    }
}
