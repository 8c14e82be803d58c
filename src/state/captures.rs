//! Captured fingerprints: a directory for git or for carrying, `capture.json` beside one file for each machine.
//!
//! The files of machines are canonical, so that git shows what changed and nothing else; what changes with every capture, the
//! time, is in `capture.json`, which also holds the digest of every file: one signature of it covers all of them.

use super::store::{Access, Document, now, read, write, write_bytes};
use crate::model::digest::sha256;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use envup_agent::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the directory of captures beside the Envfile.
pub const CAPTURES_DIRECTORY: &str = "fingerprints";

/// Name of the file that says when and of what.
pub const MANIFEST: &str = "capture.json";

/// What `capture.json` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The environment that was captured.
    pub environment: String,
    /// When, in seconds of Unix time.
    pub taken: u64,
    /// When those machines were captured that stayed as they were captured before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, u64>,
    /// SHA-256 of the file of every machine; several nodes of one role are `web@HOST`.
    pub machines: BTreeMap<String, String>,
}

impl Document for Manifest {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "manifest of a capture";
    const WAY_OUT: &'static str = "remove it, then capture again with `env capture`";
}

impl Manifest {
    fn taken_of(&self, machine: &str) -> u64 {
        self.before.get(machine).copied().unwrap_or(self.taken)
    }
}

/// A capture that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// When and of what.
    pub manifest: Manifest,
    /// The fingerprints by machine, or by `machine@HOST`.
    pub machines: BTreeMap<String, Fingerprint>,
}

impl Capture {
    /// How old it is, in seconds.
    pub fn age(&self) -> u64 {
        now().saturating_sub(self.manifest.taken)
    }

    /// How old the fingerprint of a machine is, in seconds.
    pub fn age_of(&self, machine: &str) -> u64 {
        now().saturating_sub(self.manifest.taken_of(machine))
    }

    /// The capture in a directory; `None` when there is none.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let Some(manifest) = read::<Manifest>(&directory.join(MANIFEST))? else { return Ok(None) };
        let mut machines = BTreeMap::new();
        for (machine, digest) in &manifest.machines {
            let path = machine_file(directory, machine)?;
            let bytes = fs::read(&path).attempt(|| format!("cannot read {}", path.display()))?;
            if sha256(&bytes) != *digest {
                let message = format!("{} is not what was captured", path.display());
                return Err(Error::new(Kind::Incomplete, message)
                    .hint("capture again with `env capture`, or restore the file as it was"));
            }
            machines.insert(machine.clone(), parse(&path, &bytes)?);
        }
        Ok(Some(Self { manifest, machines }))
    }
}

/// Writes a capture. Machines that are not captured now stay as they were captured before where `stays` says so; files of
/// others go away.
pub fn write_capture(
    directory: &Path,
    environment: &str,
    machines: &BTreeMap<String, String>,
    stays: impl Fn(&str) -> bool,
) -> Result<PathBuf> {
    let path = directory.join(MANIFEST);
    let old: Option<Manifest> = read(&path)?;
    let mut manifest = Manifest { environment: environment.to_owned(), taken: now(), ..Manifest::default() };
    for (machine, text) in machines {
        write_bytes(&machine_file(directory, machine)?, Access::Shared, text.as_bytes())?;
        manifest.machines.insert(machine.clone(), sha256(text.as_bytes()));
    }
    if let Some(old) = &old {
        let staying = |(machine, _): &(&String, &String)| !machines.contains_key(*machine) && stays(machine);
        for (machine, digest) in old.machines.iter().filter(staying) {
            manifest.machines.insert(machine.clone(), digest.clone());
            manifest.before.insert(machine.clone(), old.taken_of(machine));
        }
    }
    write(&path, Access::Shared, &manifest)?;
    for machine in old.iter().flat_map(|old| old.machines.keys()) {
        if !manifest.machines.contains_key(machine) {
            // Nobody reads what the manifest does not name.
            let _ = fs::remove_file(machine_file(directory, machine)?);
        }
    }
    Ok(path)
}

/// One fingerprint from a file of its own.
pub fn read_fingerprint(path: &Path) -> Result<Fingerprint> {
    let bytes = fs::read(path).attempt(|| format!("cannot read {}", path.display()))?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Fingerprint> {
    Fingerprint::from_text(&String::from_utf8_lossy(bytes)).map_err(|damage| {
        let hint = match damage {
            envup_agent::Damage::Newer(_) => {
                "use a version of env that is as new as the one that captured it"
            }
            envup_agent::Damage::Broken(_) => "capture again with `env capture`",
        };
        let message = format!("cannot use the fingerprint {}", path.display());
        Error::new(Kind::Incomplete, message).because(damage).hint(hint)
    })
}

/// Names come from files that may be anybody's: they must not lead out of the directory.
fn machine_file(directory: &Path, machine: &str) -> Result<PathBuf> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
    if machine.is_empty() || machine.starts_with('.') || !machine.bytes().all(plain) {
        return Err(Error::failed(format!("`{machine}` in {} is no machine's name", directory.display())));
    }
    Ok(directory.join(format!("{machine}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(directory: &Path, machines: &[&str]) {
        let text = Fingerprint::default().to_text();
        let texts = machines.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        write_capture(directory, "production", &texts, |machine| machine == "stays").unwrap();
    }

    #[test]
    fn a_capture_comes_back_and_forgets_machines_that_left() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Capture::read(place.path()).unwrap(), None);
        captured(place.path(), &["db", "web@web1.example.org"]);
        captured(place.path(), &["db"]);
        let capture = Capture::read(place.path()).unwrap().unwrap();
        assert_eq!(capture.machines.keys().collect::<Vec<_>>(), ["db"]);
        assert_eq!(capture.manifest.environment, "production");
        assert!(!place.path().join("web@web1.example.org.json").exists());
    }

    #[test]
    fn a_machine_that_stays_as_it_was_keeps_its_age() {
        let place = tempfile::tempdir().unwrap();
        captured(place.path(), &["db", "stays"]);
        let path = place.path().join(MANIFEST);
        let first = Manifest { taken: 1000, ..read(&path).unwrap().unwrap() };
        write(&path, Access::Shared, &first).unwrap();
        for _ in 0..2 {
            captured(place.path(), &["db"]);
            let capture = Capture::read(place.path()).unwrap().unwrap();
            assert_eq!(capture.manifest.before, BTreeMap::from([("stays".to_owned(), 1000)]));
            assert!(capture.age_of("stays") > capture.age_of("db") && capture.age_of("db") == capture.age());
        }
        captured(place.path(), &["stays"]);
        assert!(Capture::read(place.path()).unwrap().unwrap().manifest.before.is_empty());
    }

    #[test]
    fn a_changed_file_is_refused() {
        let place = tempfile::tempdir().unwrap();
        captured(place.path(), &["db"]);
        let other = Fingerprint { key_id: "00".into(), ..Fingerprint::default() };
        fs::write(place.path().join("db.json"), other.to_text()).unwrap();
        let error = Capture::read(place.path()).unwrap_err();
        assert!(error.kind == Kind::Incomplete && error.message.contains("db.json"), "{error:?}");
    }

    #[test]
    fn a_newer_schema_and_a_name_that_leads_out_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.json");
        fs::write(&path, "{\"version\":99}").unwrap();
        let error = read_fingerprint(&path).unwrap_err();
        assert!(error.causes[0].contains("99") && error.hints[0].contains("as new"), "{error:?}");
        assert!(machine_file(place.path(), "../x").is_err());
    }
}
