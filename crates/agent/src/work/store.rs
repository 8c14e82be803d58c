//! The state directory: lock, ledger, the record of the running step, logs and scripts.
//!
//! What is written here survives kill and power loss: written beside, synced, renamed, the directory synced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use envup_agent::{Ledger, Running, STATE_DIRS};
use rustix::fs::Access;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, plain};
use super::process::Identity;

const LEDGER: &str = "ledger.json";
const RUNNING: &str = "running.json";
const LOCK: &str = "step.lock";

/// The state of one machine.
pub struct Store {
    dir: PathBuf,
    /// All places where a ledger may lie.
    places: Vec<PathBuf>,
}

/// The right to run steps and to write the ledger. The kernel takes it back when the last holder is gone.
pub struct Lock {
    // Held, not read.
    _file: File,
}

/// What is known about the step that holds the lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    #[serde(flatten)]
    pub running: Running,
    /// The process that looks after it.
    pub supervisor: Identity,
    /// The leader of the step's session, once it was started.
    pub leader: Option<Identity>,
}

impl Store {
    /// The first place that can be written to; it is created.
    pub fn writable(wanted: Option<&str>) -> Result<Store, Failure> {
        let places = places(wanted);
        let mut reasons = Vec::new();
        for dir in &places {
            match prepare(dir) {
                Ok(()) => return Ok(Store { dir: dir.clone(), places }),
                Err(error) => reasons.push(format!("{}: {}", dir.display(), plain(&error))),
            }
        }
        Err(Failure::new(format!("cannot keep the ledger in this machine ({})", reasons.join("; "))).hint(
            "steps need a writable directory and usually root; for a read-only machine give /run a tmpfs",
        ))
    }

    /// The place a writer would use, or any that has a ledger; `None` if nothing was ever recorded. Creates nothing.
    pub fn existing(wanted: Option<&str>) -> Option<Store> {
        let places = places(wanted);
        let usable = |dir: &&PathBuf| rustix::fs::access(*dir, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        let dir =
            places.iter().find(usable).or_else(|| places.iter().find(|dir| dir.join(LEDGER).exists()))?;
        Some(Store { dir: dir.clone(), places })
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Result<Option<Lock>, Failure> {
        let path = self.dir.join(LOCK);
        let failed = |error| Failure::io(format_args!("cannot lock {}", path.display()), error);
        let file = open_lock(&self.dir).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether somebody holds the lock; looks without leaving a trace.
    pub fn is_busy(&self) -> bool {
        match File::open(self.dir.join(LOCK)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            // Not ours to open: then what the record says has to do.
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
        }
    }

    /// The ledger; an empty one if there is none.
    pub fn ledger(&self) -> Result<Ledger, Failure> {
        let own = std::iter::once(&self.dir);
        for dir in own.chain(&self.places) {
            let path = dir.join(LEDGER);
            let Some(ledger) = read::<Ledger>(&path)? else { continue };
            if ledger.version > Ledger::VERSION {
                return Err(Failure::new(format!("{} has version {}", path.display(), ledger.version))
                    .hint("a newer env wrote it; use that one, or rebuild the machine"));
            }
            return Ok(ledger);
        }
        Ok(Ledger::default())
    }

    pub fn save(&self, _: &Lock, ledger: &Ledger) -> Result<(), Failure> {
        self.write(LEDGER, 0o644, ledger)
    }

    /// The step that is running, or that was interrupted if nobody holds the lock.
    pub fn record(&self) -> Result<Option<Record>, Failure> {
        read(&self.dir.join(RUNNING))
    }

    pub fn save_record(&self, _: &Lock, record: &Record) -> Result<(), Failure> {
        self.write(RUNNING, 0o644, record)
    }

    pub fn remove_record(&self, _: &Lock) -> Result<(), Failure> {
        remove(&self.dir.join(RUNNING))
    }

    /// The log of a step; it can hold what only root may know.
    pub fn log(&self, key: &str) -> PathBuf {
        self.dir.join(format!("step-{}.log", file_name(key)))
    }

    /// A fresh log. Who still writes to or reads from an earlier one keeps that one.
    pub fn new_log(&self, _: &Lock, key: &str) -> Result<File, Failure> {
        let path = self.log(key);
        remove(&path)?;
        OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), error))
    }

    /// Puts a script where only its user can read it.
    pub fn new_script(
        &self,
        _: &Lock,
        name: &str,
        content: &str,
        uid: u32,
        gid: u32,
    ) -> Result<PathBuf, Failure> {
        let path = self.dir.join(name);
        remove(&path)?;
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path)?;
            file.write_all(content.as_bytes())?;
            std::os::unix::fs::fchown(&file, Some(uid), Some(gid))
        };
        written().map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), error))?;
        Ok(path)
    }

    fn write(&self, name: &str, mode: u32, value: &impl Serialize) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let failed = |error| Failure::io(format_args!("cannot write {}", path.display()), error);
        let text = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
        replace(&path, mode, &text).map_err(failed)
    }
}

/// Replaces a file as a whole or not at all.
pub fn replace(path: &Path, mode: u32, content: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("envup-new");
    let _ = fs::remove_file(&temporary);
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        // The mode as it is meant, whatever the umask.
        rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    written().inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Removes a file that need not be there.
pub fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::io(format_args!("cannot remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

fn places(wanted: Option<&str>) -> Vec<PathBuf> {
    match wanted {
        Some(dir) => vec![PathBuf::from(dir)],
        None => STATE_DIRS.iter().map(PathBuf::from).collect(),
    }
}

fn prepare(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(dir)?;
    open_lock(dir).map(drop)
}

fn open_lock(dir: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(format_args!("cannot read {}", path.display()), error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Failure::new(format!("{} is damaged: {error}", path.display()))
            .hint("remove it, and every step runs again; or rebuild the machine")
    })
}

/// A file name for any key, and different names for different keys.
fn file_name(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    key.bytes()
        .map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_distinct_file_names() {
        assert_eq!(file_name("step-1"), "step-1");
        assert_eq!(file_name("../a b"), "%2e%2e%2fa%20b");
        assert_ne!(file_name("a/b"), file_name("a_b"));
    }
}
