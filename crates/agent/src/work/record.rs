//! Keeps the ledger: what the host did itself, and what became of a step that nobody finished.

use std::collections::BTreeMap;

use envup_agent::{Ledger, LedgerReply, LedgerStatus, RecordRequest, Reply, StepEntry};

use super::answers::Answers;
use super::cancel::kill_leftovers;
use super::failure::Failure;
use super::store::{Lock, Record, Store};
use super::turn::{now, wait};

/// Changes the ledger as asked, when no step is running any more.
pub fn record(
    state_dir: Option<&str>,
    request: &RecordRequest,
    answers: &mut Answers,
) -> Result<Reply, Failure> {
    let store = Store::writable(state_dir)?;
    let (lock, _) = wait(&store, answers)?;
    let mut ledger = settle(&store, &lock)?;
    ledger.steps.retain(|entry| !request.forget.contains(&entry.key));
    request.steps.iter().for_each(|entry| ledger.put(entry.clone()));
    patch(&mut ledger.files, &request.files);
    patch(&mut ledger.env, &request.env);
    patch(&mut ledger.marks, &request.marks);
    store.save(&lock, &ledger)?;
    Ok(Reply::Ledger(LedgerReply { ledger, running: None }))
}

/// Reads the ledger and leaves no trace.
pub fn read(state_dir: Option<&str>) -> Result<LedgerReply, Failure> {
    let Some(store) = Store::existing(state_dir) else {
        return Ok(LedgerReply { ledger: Ledger::default(), running: None });
    };
    // In this order: a step that ends in between is then shown as running, never as interrupted.
    let record = store.record()?;
    let busy = store.is_busy();
    let mut ledger = store.ledger()?;
    let running = match record {
        Some(record) if busy => Some(record.running),
        // Read again: it may have ended, well, after we had read its record.
        Some(record) if store.record()?.as_ref() == Some(&record) => {
            ledger.put(interrupted(&record));
            None
        }
        _ => None,
    };
    Ok(LedgerReply { ledger, running })
}

/// Reads the ledger. Writes down that a step was interrupted, if one was: its record is there, but nobody held the lock.
pub fn settle(store: &Store, lock: &Lock) -> Result<Ledger, Failure> {
    let mut ledger = store.ledger()?;
    if let Some(record) = store.record()? {
        kill_leftovers(&record);
        ledger.put(interrupted(&record));
        store.save(lock, &ledger)?;
        store.remove_record(lock)?;
    }
    Ok(ledger)
}

fn interrupted(record: &Record) -> StepEntry {
    StepEntry {
        key: record.running.key.clone(),
        name: record.running.name.clone(),
        digest: record.running.digest.clone(),
        status: LedgerStatus::Interrupted,
        changed: true,
        exit_code: None,
        signal: None,
        finished: now(),
        seconds: 0.0,
    }
}

fn patch(map: &mut BTreeMap<String, String>, changes: &BTreeMap<String, Option<String>>) {
    for (name, value) in changes {
        match value {
            Some(value) => map.insert(name.clone(), value.clone()),
            None => map.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_sets_removes_and_leaves_alone() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let mut files = map(&[("a", "1"), ("b", "2"), ("c", "3")]);
        patch(&mut files, &BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some("4".to_owned()))]));
        assert_eq!(files, map(&[("b", "4"), ("c", "3")]));
    }
}
