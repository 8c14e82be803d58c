//! One process at a time: a kernel lock on a file of its own, which goes with the process however it ends.
//!
//! Whoever waits is told for whom. The file says who holds the lock and stays behind, empty: removing it would let two
//! processes hold a lock on two files of one name. Reading verbs take no lock.

use super::{Access, Directories, create_directory, now};
use crate::event::{Context, Event};
use crate::model::error::Attempt;
use crate::model::id::Identity;
use crate::model::{Error, Kind, Result, duration};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a waiting process tries again.
const INTERVAL: Duration = Duration::from_millis(50);

/// What to do when another process holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Wait for it.
    Yes,
    /// Fail with [`Kind::Locked`].
    No,
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Who holds a lock, as its file says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    command: String,
    since: u64,
}

impl Lock {
    /// The lock of one stack, for verbs that change it; `command` is what others are told: `env up`.
    pub fn stack(
        directories: &Directories,
        identity: &Identity,
        command: &str,
        wait: Wait,
        context: &Context,
    ) -> Result<Self> {
        let path = lock_path(directories, &format!("{}-{}", identity.id, identity.name));
        Self::acquire(&path, command, wait, context)
    }

    /// Any lock, by its file.
    pub fn acquire(path: &Path, command: &str, wait: Wait, context: &Context) -> Result<Self> {
        if let Some(directory) = path.parent() {
            create_directory(directory, Access::Private)?;
        }
        let attempt = || format!("cannot lock {}", path.display());
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .attempt(attempt)?;
        let mut told = None;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(error).attempt(attempt),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = Holder::read(path);
            let whom = holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::describe);
            if wait == Wait::No {
                return Err(Error::new(Kind::Locked, format!("locked by {whom}"))
                    .hint("wait until it has ended, or leave out --no-wait"));
            }
            // The file is empty for a moment when a holder comes or goes: that is no news to who was told already.
            let pid = holder.map(|holder| holder.pid);
            if told.is_none_or(|known| pid.is_some() && known != pid) {
                context.emit(Event::Note { text: format!("waiting for {whom}") });
                told = Some(pid);
            }
            context.sleep(INTERVAL, &format!("waiting for {whom}"))?;
        }
        let mut lock = Self { file };
        // Who cannot be told for whom it waits still waits: a full disk is no reason to fail here.
        let _ = lock.tell(&Holder { pid: std::process::id(), command: command.to_owned(), since: now() });
        Ok(lock)
    }

    fn tell(&mut self, holder: &Holder) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(serde_json::to_string(holder)?.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// Where the lock of this name lies.
pub(super) fn lock_path(directories: &Directories, name: &str) -> PathBuf {
    directories.data.join("locks").join(format!("{name}.lock"))
}

impl Holder {
    /// Whoever wrote the file last; it may be being written at this moment.
    fn read(path: &Path) -> Option<Self> {
        let mut text = String::new();
        File::open(path).ok()?.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    fn describe(&self) -> String {
        let time = duration::human(Duration::from_secs(now().saturating_sub(self.since)));
        format!("`{}` (pid {}, since {time})", self.command, self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cancel, Notes};
    use std::sync::Arc;

    #[test]
    fn the_second_waits_and_says_once_for_whom() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("locks/a.lock");
        let first = Lock::acquire(&path, "env up", Wait::Yes, &Context::silent()).unwrap();
        let notes = Arc::new(Notes::default());
        let context = Context::new(Cancel::default(), notes.clone());
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Lock::acquire(&path, "env destroy", Wait::Yes, &context));
            while notes.texts().is_empty() {
                std::thread::yield_now();
            }
            first.file.set_len(0).unwrap();
            context.sleep(INTERVAL * 3, "testing").unwrap();
            drop(first);
            second.join().unwrap().unwrap();
        });
        let told = notes.texts().join("\n");
        let expected = format!("waiting for `env up` (pid {}, since ", std::process::id());
        assert!(told.starts_with(&expected) && !told.contains('\n'), "{told}");
        assert_eq!(Holder::read(&path), None, "whoever lets go takes the name away");
    }

    #[test]
    fn without_waiting_it_is_an_error_that_names_the_holder() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.lock");
        let _first = Lock::acquire(&path, "env up", Wait::No, &Context::silent()).unwrap();
        let error = Lock::acquire(&path, "env up", Wait::No, &Context::silent()).unwrap_err();
        assert_eq!(error.kind, Kind::Locked);
        assert!(error.message.starts_with("locked by `env up` (pid "), "{error}");
    }

    #[test]
    fn a_waiting_process_can_be_interrupted() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.lock");
        let _first = Lock::acquire(&path, "env up", Wait::Yes, &Context::silent()).unwrap();
        let context = Context::silent();
        context.cancel.request();
        let error = Lock::acquire(&path, "env up", Wait::Yes, &context).unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
    }
}
