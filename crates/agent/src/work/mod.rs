//! Reads the request and hands it to the module that does the work.
//!
//! `step` runs steps (`turn` waits for the lock, `supervise` outlives the caller, `tail` follows the output), `cancel` ends
//! them, `record` keeps the ledger in the `store`; `probe` waits for requirements; `environment` hands variables to logins
//! and services; `fingerprint` takes the inventory of the machine; `own` hands root's files to the owner of
//! a folder; `search` looks for secrets. The rest are tools: `program` starts processes as an `account`, `process` reads /proc, `caller` notices
//! that nobody waits any more, `memory` hands out memory, `sys` is all else that is unsafe.

use std::io::BufRead;
use std::process::ExitCode;

use envup_agent::{Call, PROTOCOL, Reply, Request};

use self::answers::Answers;
use self::failure::Failure;

mod account;
mod answers;
mod caller;
mod cancel;
mod ending;
mod environment;
mod failure;
mod fingerprint;
mod memory;
mod own;
mod probe;
mod process;
mod program;
mod record;
mod search;
mod step;
mod store;
mod supervise;
mod sys;
mod tail;
mod turn;

#[global_allocator]
static MEMORY: memory::Memory = memory::Memory;

/// One request, one answer. Succeeds if the answer was delivered, whatever it says.
pub fn main() -> ExitCode {
    let mut answers = Answers::default();
    let mut input = std::io::stdin().lock();
    let reply = read_call(&mut input)
        .and_then(|call| carry_out(&call, &mut input, &mut answers))
        .unwrap_or_else(Failure::into_reply);
    match answers.result(reply) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn read_call(input: &mut dyn BufRead) -> Result<Call, Failure> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| Failure::io("cannot read the request", error))?;
    // What serde has to say would quote from the request, and that may hold secrets.
    let call: Call =
        serde_json::from_str(&line).map_err(|_| unknown_request("is not one that this agent understands"))?;
    if call.version != PROTOCOL {
        return Err(unknown_request(&format!(
            "has protocol version {}, this agent speaks {PROTOCOL}",
            call.version
        )));
    }
    Ok(call)
}

fn unknown_request(problem: &str) -> Failure {
    Failure::new(format!("the request {problem}")).hint("use the agent that belongs to this version of env")
}

fn carry_out(call: &Call, input: &mut dyn BufRead, answers: &mut Answers) -> Result<Reply, Failure> {
    let state_dir = call.state_dir.as_deref();
    // Only once nothing is left to be read: what comes then is the end.
    let input_is_read = || {
        if call.ends_with_input {
            caller::end_with_it();
        }
    };
    match &call.request {
        Request::Step(request) => step::run(state_dir, request, answers),
        Request::Record(request) => record::record(state_dir, request, answers),
        Request::Ledger => record::read(state_dir).map(Reply::Ledger),
        Request::Cancel { grace_ms } => {
            cancel::cancel(state_dir, std::time::Duration::from_millis(*grace_ms))
        }
        Request::Probe(request) => {
            input_is_read();
            probe::probe(request, answers)
        }
        Request::Environment { variables } => environment::set(state_dir, variables, answers),
        Request::Own(request) => own::own(request),
        Request::Search(request) => search::search(request),
        Request::Fingerprint(request) => {
            fingerprint::take(state_dir, request, input, &input_is_read, answers)
        }
        Request::Version => {
            Ok(Reply::Version { version: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL })
        }
    }
}
