//! The process that looks after a step: independent of the caller, it holds the lock, waits and writes the ledger.
//!
//! The step writes into its log itself, so nothing is lost whoever dies. All descendants of the step are found again, even
//! those that left its session (as a package manager's do), because the supervisor adopts orphans.

use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use envup_agent::{
    ExitCodes, LedgerStatus, Reply, Run, Running, Script, StepEntry, StepReply, StepRequest, StepStatus,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, setsid, waitpid};

use super::account::Account;
use super::cancel;
use super::ending::{Ending, wait_for};
use super::failure::Failure;
use super::process::Identity;
use super::program::{NotStarted, Program, script_argv};
use super::store::{Lock, Record, Store, remove};
use super::sys::{self, Signals};
use super::turn::now;

/// The caller's end.
pub struct Supervisor {
    pid: Pid,
    result: PipeReader,
}

/// Starts the supervisor, which takes the lock along.
pub fn start(
    store: &Store,
    lock: Lock,
    request: &StepRequest,
    account: &Account,
    log: &File,
) -> Result<Supervisor, Failure> {
    let failed = |error: std::io::Error| Failure::io("cannot start the supervisor", error);
    let (result, mut end) = pipe().map_err(failed)?;
    if let Some(pid) = sys::fork().map_err(failed)? {
        return Ok(Supervisor { pid, result });
    }
    drop(result);
    let reply =
        Job { store, lock, request, account, log }.run().map_or_else(Failure::into_reply, Reply::Step);
    // Nobody may be listening; the ledger has it.
    let _ = serde_json::to_vec(&reply).map(|text| end.write_all(&text));
    sys::exit_now()
}

impl Supervisor {
    /// The result, if it comes in time.
    pub fn ended(&mut self, timeout: Duration) -> Result<Option<Reply>, Failure> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: timeout.subsec_nanos().into() };
        let ready = poll(&mut [PollFd::new(&self.result, PollFlags::IN)], Some(&timeout));
        if matches!(ready, Ok(0) | Err(rustix::io::Errno::INTR)) {
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = self.result.read_to_end(&mut text);
        // The lock is free for the next step once the supervisor is gone.
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
        match read.ok().and_then(|_| serde_json::from_slice(&text).ok()) {
            Some(reply) => Ok(Some(reply)),
            None => Err(Failure::new("the supervisor of the step was killed").hint("run the step again")),
        }
    }
}

/// One step in the hands of its supervisor.
struct Job<'a> {
    store: &'a Store,
    lock: Lock,
    request: &'a StepRequest,
    account: &'a Account,
    log: &'a File,
}

impl Job<'_> {
    fn run(&self) -> Result<StepReply, Failure> {
        self.detach().map_err(|error| Failure::io("cannot detach from the caller", error))?;
        let signals = Signals::block(&[libc::SIGCHLD, cancel::END.as_raw(), cancel::KILL.as_raw()]);
        let mut record = Record {
            running: Running {
                key: self.request.key.clone(),
                name: self.request.name.clone(),
                digest: self.request.digest.clone(),
                since: now(),
            },
            supervisor: Identity::of(getpid()),
            leader: None,
        };
        self.store.save_record(&self.lock, &record)?;
        let begin = Instant::now();
        let (ending, status) = self.carry_out(&signals, &mut record)?;
        let reply = StepReply {
            status,
            exit_code: ending.exit_code,
            signal: ending.signal,
            seconds: begin.elapsed().as_secs_f64(),
            attached: false,
        };
        self.write_down(&reply)?;
        Ok(reply)
    }

    /// Lets go of everything that ties us to the caller.
    fn detach(&self) -> std::io::Result<()> {
        setsid()?;
        set_child_subreaper(Some(getpid()))?;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(self.log)?;
        rustix::stdio::dup2_stderr(self.log)?;
        Ok(rustix::process::chdir("/")?)
    }

    fn carry_out(&self, signals: &Signals, record: &mut Record) -> Result<(Ending, StepStatus), Failure> {
        if let Some(check) = &self.request.check {
            let script = Script { content: check.clone(), ..Script::default() };
            let ending = self.execute("check.script", &Run::Script(script), None, signals, record)?;
            if ending.outcome(&ExitCodes::default()) == StepStatus::Changed {
                return Ok((ending, StepStatus::Unchanged));
            } else if ending.told {
                return Ok((ending, StepStatus::Failed));
            }
        }
        let ending = self.execute("step.script", &self.request.run, Some(self.log), signals, record)?;
        Ok((ending, ending.outcome(&self.request.codes)))
    }

    /// Runs a program to its end, with its output to `log`, and makes sure of its end when that is asked for.
    fn execute(
        &self,
        script_name: &str,
        run: &Run,
        log: Option<&File>,
        signals: &Signals,
        record: &mut Record,
    ) -> Result<Ending, Failure> {
        let mut script_path = None;
        let argv = match run {
            Run::Argv(argv) => argv.clone(),
            Run::Script(script) => {
                let Account { uid, gid, .. } = *self.account;
                let path = self.store.new_script(&self.lock, script_name, &script.content, uid, gid)?;
                script_argv(script_path.insert(path), &script.content, &script.interpreter, &script.args)
            }
        };
        let home = Some(self.account.home.as_str()).filter(|home| Path::new(home).is_dir());
        let cwd = self.request.cwd.as_deref().or(home).unwrap_or("/");
        let program = Program { argv, env: &self.request.env, cwd, account: self.account };
        let ending = match self.spawn(&program, log) {
            Ok(pid) => {
                record.leader = Some(Identity::of(pid));
                self.store.save_record(&self.lock, record)?;
                wait_for(pid, signals)
            }
            Err(NotStarted { message, exit_code }) => {
                let _ = writeln!(&mut &*self.log, "{message}");
                Ending { exit_code: Some(exit_code), signal: None, told: false }
            }
        };
        script_path.map_or(Ok(()), |path| remove(&path))?;
        Ok(ending)
    }

    fn spawn(&self, program: &Program<'_>, log: Option<&File>) -> Result<Pid, NotStarted> {
        let stream = || match log {
            Some(log) => log.try_clone().map(Stdio::from),
            None => Ok(Stdio::null()),
        };
        let mut command = program.command();
        let spawned =
            stream().and_then(|out| command.stdin(Stdio::null()).stdout(out).stderr(stream()?).spawn());
        // Not waited for by this handle: the supervisor reaps whatever ends.
        spawned.map(|child| Pid::from_child(&child)).map_err(|error| program.explain(&error))
    }

    fn write_down(&self, reply: &StepReply) -> Result<(), Failure> {
        let failed = reply.status == StepStatus::Failed;
        let mut ledger = self.store.ledger()?;
        ledger.put(StepEntry {
            key: self.request.key.clone(),
            name: self.request.name.clone(),
            digest: self.request.digest.clone(),
            status: if failed { LedgerStatus::Failed } else { LedgerStatus::Applied },
            changed: reply.status != StepStatus::Unchanged,
            exit_code: reply.exit_code,
            signal: reply.signal,
            finished: now(),
            seconds: reply.seconds,
        });
        self.store.save(&self.lock, &ledger)?;
        self.store.remove_record(&self.lock)
    }
}
