//! A state directory that stands for a machine, and the agent at work in it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use envup_agent::{
    Call, Ledger, LedgerReply, Line, Reply, Request, Run, Script, StepReply, StepRequest, StepStatus,
};

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A machine as far as the agent is concerned.
pub struct Machine {
    pub dir: PathBuf,
}

impl Machine {
    pub fn new() -> Machine {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("m{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Machine { dir }
    }

    /// A path inside the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Starts the agent with a request.
    pub fn start(&self, request: Request) -> Session {
        let state_dir = Some(self.path("state").display().to_string());
        Session::start(&serde_json::to_string(&Call { state_dir, ..Call::new(request) }).unwrap())
    }

    pub fn run(&self, request: Request) -> Reply {
        self.start(request).reply()
    }

    pub fn step(&self, request: StepRequest) -> StepReply {
        self.start(Request::Step(request)).step()
    }

    pub fn ledger(&self) -> LedgerReply {
        match self.run(Request::Ledger) {
            Reply::Ledger(reply) => reply,
            other => panic!("no ledger but {other:?}"),
        }
    }

    pub fn stored_ledger(&self) -> Ledger {
        serde_json::from_slice(&fs::read(self.path("state/ledger.json")).unwrap()).unwrap()
    }

    /// Waits until a file is there, and returns what is in it.
    pub fn await_file(&self, name: &str) -> String {
        await_that(name, || fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n')))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// An agent at work.
pub struct Session {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Session {
    pub fn start(line: &str) -> Session {
        Session::start_with(line, &[])
    }

    /// The same for a request that bytes follow.
    pub fn start_with(line: &str, body: &[u8]) -> Session {
        Session::start_command(Command::new(env!("CARGO_BIN_EXE_envup-agent")), line, body)
    }

    /// The same for an agent that is started in another way.
    pub fn start_command(mut command: Command, line: &str, body: &[u8]) -> Session {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Dropping the pipe afterwards also shows that the end of input cancels nothing.
        let mut input = child.stdin.take().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        input.write_all(body).unwrap();
        drop(input);
        let lines = BufReader::new(child.stdout.take().unwrap());
        Session { child, lines }
    }

    pub fn line(&mut self) -> Option<Line> {
        let mut line = String::new();
        match self.lines.read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
        }
    }

    /// Everything up to the result.
    pub fn finish(mut self) -> (Vec<Line>, Reply) {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            if let Line::Result(reply) = line {
                assert_eq!(self.line(), None, "the result is the last line");
                assert!(self.child.wait().unwrap().success());
                return (lines, reply);
            }
            lines.push(line);
        }
        panic!("no result after {lines:?}");
    }

    pub fn reply(self) -> Reply {
        self.finish().1
    }

    pub fn step(self) -> StepReply {
        match self.reply() {
            Reply::Step(reply) => reply,
            other => panic!("no step but {other:?}"),
        }
    }

    /// As when the machine of the caller loses power.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A step with a script.
pub fn script(key: &str, content: &str) -> StepRequest {
    StepRequest {
        key: key.to_owned(),
        name: format!("step {key}"),
        digest: "d1".to_owned(),
        run: Run::Script(Script { content: content.to_owned(), ..Script::default() }),
        env: Default::default(),
        cwd: None,
        user: None,
        check: None,
        codes: Default::default(),
        forget: Vec::new(),
        on_busy: Default::default(),
    }
}

/// All output in one piece.
pub fn output(lines: &[Line]) -> String {
    lines
        .iter()
        .filter_map(|line| if let Line::Output(text) = line { Some(text.as_str()) } else { None })
        .collect()
}

pub fn status(reply: &StepReply) -> (StepStatus, Option<i32>) {
    (reply.status, reply.exit_code)
}

/// Asks again and again until there is an answer.
pub fn await_that<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "{what} did not come");
        pause();
    }
}

#[allow(clippy::disallowed_methods)] // a short poll
pub fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
