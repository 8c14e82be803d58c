//! Runs one step and reports on it, for as long as somebody listens.

use envup_agent::{Reply, Run, StepRequest};

use super::account::Account;
use super::answers::Answers;
use super::failure::Failure;
use super::record::settle;
use super::store::Store;
use super::supervise;
use super::tail::Tail;
use super::turn::{self, Turn};

/// Waits for the lock, has the step carried out by a process of its own, and passes the output on.
pub fn run(state_dir: Option<&str>, request: &StepRequest, answers: &mut Answers) -> Result<Reply, Failure> {
    if matches!(&request.run, Run::Argv(argv) if argv.is_empty()) {
        return Err(Failure::new(format!("the step {} names no program", request.name)));
    }
    let account = Account::find(request.user.as_deref())?;
    let store = Store::writable(state_dir)?;
    let lock = match turn::take(&store, request, answers)? {
        Turn::Ours(lock) => lock,
        Turn::Shared(reply) => return Ok(Reply::Step(reply)),
    };
    let mut ledger = settle(&store, &lock)?;
    if ledger.steps.iter().any(|entry| request.forget.contains(&entry.key)) {
        ledger.steps.retain(|entry| !request.forget.contains(&entry.key));
        store.save(&lock, &ledger)?;
    }
    let log = store.new_log(&lock, &request.key)?;
    let mut tail = Tail::open(&store.log(&request.key));
    let mut supervisor = supervise::start(&store, lock, request, &account, &log)?;
    loop {
        let quiet = tail.pump(answers)?;
        if let Some(reply) = supervisor.ended(quiet)? {
            tail.finish(answers)?;
            return Ok(reply);
        }
    }
}
