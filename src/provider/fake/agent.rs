//! The way into a machine of the fake engine, with an agent that keeps ledgers and only pretends to run steps.
//!
//! A script fails when its last line is `exit N` with another code than 0, and goes on until it is cancelled when it says
//! `forever`; the same holds for checks. Requirements hold unless the test says otherwise.

use super::FakeProvider;
use crate::event::Context;
use crate::model::digest::sha256;
use crate::model::error::Attempt;
use crate::model::observed::State;
use crate::model::{Error, Kind, Result};
use crate::transport::agent::AGENT_PATH;
use crate::transport::{Command, Exit, Output, Stdin, Transport};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envup_agent::{
    Call, Fingerprint, FingerprintReply, FingerprintRequest, LedgerReply, LedgerStatus, Line, OwnReply,
    OwnRequest, Part, ProbeReply, ProbeRequest, RecordRequest, Reply, Request, Run, Running, SearchReply,
    SearchRequest, Section, StepEntry, StepReply, StepRequest, StepStatus, Unmet,
};
use std::io::{Read, Write};
use std::time::Duration;

/// The way into one machine.
pub struct AgentTransport {
    provider: FakeProvider,
    machine: String,
}

impl AgentTransport {
    /// The way into the machine of this name.
    pub fn new(provider: FakeProvider, machine: &str) -> Self {
        Self { provider, machine: machine.to_owned() }
    }

    fn answer(&self, request: Request, lines: &mut Vec<Line>, context: &Context) -> Result<Reply> {
        Ok(match request {
            Request::Step(step) => Reply::Step(self.step(&step, lines, context)?),
            Request::Record(changes) => self.record(changes)?,
            Request::Ledger => self.ledger()?,
            Request::Cancel { .. } => self.cancel(context)?,
            Request::Probe(probe) => self.probe(&probe, lines),
            Request::Environment { variables } => {
                self.provider.begin(&format!("set environment of {}", self.machine), context)?;
                let mut world = self.provider.world();
                let ledger = &mut world.disk(&self.machine)?.ledger;
                let changed = ledger.env != variables;
                ledger.env = variables;
                Reply::Environment { changed }
            }
            Request::Own(OwnRequest { folder, .. }) => {
                self.provider.begin(&format!("hand over {folder} of {}", self.machine), context)?;
                Reply::Own(OwnReply::default())
            }
            Request::Search(request) => self.search(&request)?,
            Request::Fingerprint(request) => self.fingerprint(&request, lines)?,
            Request::Version => {
                Reply::Version { version: "0.0.0".to_owned(), protocol: envup_agent::PROTOCOL }
            }
        })
    }

    fn still_runs(&self) -> Result<()> {
        match self.provider.world().existing(&self.machine)?.state {
            State::Running => Ok(()),
            state => Err(Error::failed(format!("machine {} does not run: it is {state}", self.machine))),
        }
    }

    /// The fingerprint of a machine that has nothing but the ledger's files.
    fn fingerprint(&self, request: &FingerprintRequest, lines: &mut Vec<Line>) -> Result<Reply> {
        self.provider.tell(&format!("take fingerprint of {}", self.machine));
        self.still_runs()?;
        let Reply::Ledger(ledger) = self.ledger()? else {
            return Err(Error::failed("the fake has no ledger"));
        };
        let item = |(path, digest): (&String, &String)| {
            (path.clone(), [("sha256".to_owned(), digest.clone())].into())
        };
        let files = ledger.ledger.files.iter().map(item).collect();
        let fingerprint = Fingerprint {
            level: request.level,
            sections: [(Section::Files, files)].into(),
            ..Fingerprint::default()
        };
        let text = fingerprint.to_text();
        let bytes = STANDARD.encode(lz4_flex::compress_prepend_size(text.as_bytes()));
        lines.push(Line::Data { part: Part::Fingerprint, bytes });
        let sha256 = sha256(text.as_bytes());
        Ok(Reply::Fingerprint(FingerprintReply { sha256, has_cache: false, ledger }))
    }

    fn step(&self, step: &StepRequest, lines: &mut Vec<Line>, context: &Context) -> Result<StepReply> {
        let text = match &step.run {
            Run::Script(script) => script.content.clone(),
            Run::Argv(argv) => argv.join(" "),
        };
        let earlier = self.provider.world().disk(&self.machine)?.running.take();
        let attached =
            earlier.is_some_and(|running| running.digest == step.digest && running.key == step.key);
        self.provider.begin(&format!("run step {} in {}", step.key, self.machine), context)?;
        let forgotten = |entry: &StepEntry| step.forget.contains(&entry.key);
        self.provider.world().disk(&self.machine)?.ledger.steps.retain(|entry| !forgotten(entry));
        if text.contains("forever") && !attached {
            self.provider.world().disk(&self.machine)?.running = Some(Running {
                key: step.key.clone(),
                name: step.name.clone(),
                digest: step.digest.clone(),
                since: 0,
            });
            context.sleep(Duration::from_secs(600), &format!("running {}", step.name))?;
        }
        let unchanged = step.check.as_deref().is_some_and(|check| exit_code(check) == 0);
        let code = if unchanged { 0 } else { exit_code(&text) };
        self.provider.world().disk(&self.machine)?.written += &text;
        let outcome = if unchanged { StepStatus::Unchanged } else { step.codes.outcome(code) };
        if !unchanged {
            lines.push(Line::Output(format!("{} ran\n", step.name)));
        }
        let failed = outcome == StepStatus::Failed;
        let status = if failed { LedgerStatus::Failed } else { LedgerStatus::Applied };
        self.provider.world().disk(&self.machine)?.ledger.put(StepEntry {
            key: step.key.clone(),
            name: step.name.clone(),
            digest: step.digest.clone(),
            status,
            changed: outcome != StepStatus::Unchanged,
            exit_code: Some(code),
            signal: None,
            finished: 0,
            seconds: 0.0,
        });
        Ok(StepReply { status: outcome, exit_code: Some(code), signal: None, seconds: 0.0, attached })
    }

    fn search(&self, request: &SearchRequest) -> Result<Reply> {
        let written = self.provider.world().disk(&self.machine)?.written.clone();
        let decoded =
            |value: &String| STANDARD.decode(value).ok().and_then(|value| String::from_utf8(value).ok());
        let is_there = |value: &String| decoded(value).is_some_and(|value| written.contains(&value));
        let found = request.values.iter().position(is_there).map(|which| ("/etc/app.conf".to_owned(), which));
        Ok(Reply::Search(SearchReply { found }))
    }

    fn record(&self, changes: RecordRequest) -> Result<Reply> {
        let mut world = self.provider.world();
        let ledger = &mut world.disk(&self.machine)?.ledger;
        ledger.steps.retain(|entry| !changes.forget.contains(&entry.key));
        changes.steps.into_iter().for_each(|entry| ledger.put(entry));
        for (map, changes) in [
            (&mut ledger.files, changes.files),
            (&mut ledger.env, changes.env),
            (&mut ledger.marks, changes.marks),
        ] {
            for (name, value) in changes {
                match value {
                    Some(value) => map.insert(name, value),
                    None => map.remove(&name),
                };
            }
        }
        drop(world);
        self.ledger()
    }

    fn ledger(&self) -> Result<Reply> {
        let mut world = self.provider.world();
        let disk = world.disk(&self.machine)?;
        Ok(Reply::Ledger(LedgerReply { ledger: disk.ledger.clone(), running: disk.running.clone() }))
    }

    fn cancel(&self, context: &Context) -> Result<Reply> {
        let ended = self.provider.world().disk(&self.machine)?.running.take();
        let Some(ended) = ended else { return Ok(Reply::Cancelled { step: None }) };
        self.provider.begin(&format!("cancel step {} in {}", ended.key, self.machine), context)?;
        self.provider.world().disk(&self.machine)?.ledger.put(StepEntry {
            key: ended.key,
            name: ended.name.clone(),
            digest: ended.digest,
            status: LedgerStatus::Failed,
            changed: true,
            exit_code: None,
            signal: Some(15),
            finished: 0,
            seconds: 0.0,
        });
        Ok(Reply::Cancelled { step: Some(ended.name) })
    }

    fn probe(&self, probe: &ProbeRequest, lines: &mut Vec<Line>) -> Reply {
        let ready = !self.provider.world().unready.contains(&self.machine);
        let unmet = |requirement: &envup_agent::Requirement| Unmet {
            requirement: requirement.to_string(),
            detail: "connection refused".to_owned(),
        };
        let failed: Vec<Unmet> =
            if ready { Vec::new() } else { probe.requirements.iter().map(unmet).collect() };
        lines.extend(failed.iter().cloned().map(Line::Probe));
        Reply::Probe(ProbeReply { ready, seconds: 0.0, failed })
    }
}

impl Transport for AgentTransport {
    fn exec(&self, command: Command, output: &mut dyn Output, context: &Context) -> Result<Exit> {
        self.still_runs()?;
        if command.argv.first().is_none_or(|program| program != AGENT_PATH) {
            output.stdout(format!("{}\n", command.argv.join(" ")).as_bytes())?;
            return Ok(Exit { code: exit_code(&command.argv.join(" ")) });
        }
        let mut text = Vec::new();
        match command.stdin {
            Stdin::Empty => {}
            Stdin::Bytes(bytes) => text = bytes,
            Stdin::Held(pieces) => text = pieces().concat(),
            Stdin::Stream(mut stream) => {
                stream.read_to_end(&mut text).attempt(|| "reading what the agent is asked")?;
            }
        }
        let call: Call = serde_json::from_slice(&text).attempt(|| "reading what the agent is asked")?;
        let mut lines = Vec::new();
        let reply = self.answer(call.request, &mut lines, context)?;
        lines.push(Line::Result(reply));
        for line in lines {
            let mut bytes = serde_json::to_vec(&line).attempt(|| "writing the agent's answer")?;
            bytes.push(b'\n');
            output.stdout(&bytes)?;
        }
        Ok(Exit { code: 0 })
    }

    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, _context: &Context) -> Result<()> {
        self.provider.world().existing(&self.machine)?;
        std::io::copy(archive, &mut std::io::sink()).attempt(|| format!("unpacking below {directory}"))?;
        Ok(())
    }

    fn get(&self, path: &str, archive: &mut dyn Write, _context: &Context) -> Result<()> {
        let mut world = self.provider.world();
        let is_off = world.existing(&self.machine)?.state != State::Running;
        let fails = |operation: &str| world.failing.contains(&format!("{operation} {}", self.machine));
        if fails("reach machine") || is_off && fails("reach stopped machine") {
            return Err(Error::new(Kind::Incomplete, format!("{} does not answer", self.machine)));
        }
        let ledger = &world.disk(&self.machine)?.ledger;
        let is_ledger = path == format!("{}/ledger.json", envup_agent::STATE_DIRS[0]);
        if !is_ledger || *ledger == envup_agent::Ledger::default() {
            return Err(Error::failed(format!("no such file in {}: {path}", self.machine)));
        }
        let packing = || format!("packing {path}");
        let text = serde_json::to_vec(ledger).attempt(packing)?;
        let mut builder = tar::Builder::new(archive);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, "ledger.json", text.as_slice()).attempt(packing)?;
        builder.finish().attempt(packing)
    }
}

/// The code of a last line `exit N`; 0 when there is none.
fn exit_code(text: &str) -> i32 {
    let last = text.trim_end().lines().last().unwrap_or_default();
    last.strip_prefix("exit ").and_then(|code| code.trim().parse().ok()).unwrap_or(0)
}
