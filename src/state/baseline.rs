//! Baselines: the fingerprints that machines had at the end of `up`, by the engine's id of the machine, and the caches that
//! make the next fingerprint quick. They may name what is secret-like, so they lie in the user's data directory.

use super::store::{Access, create_directory, write_bytes};
use crate::model::digest::sha256;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use envup_agent::{Damage, Fingerprint};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

const FINGERPRINT: &str = "fingerprint.json";

/// Digest of the text of a baseline that was found to be whole: to find that out again takes as long as to read all of its items.
const WHOLE: &str = "fingerprint.whole";
const CACHE: &str = "files.cache";
const LATEST_CACHE: &str = "latest.cache";

/// Beside the directories of machines, which are called by ids: where caches of machines that are gone lie.
const FORMER: &str = "former";

/// The baselines of one checkout.
#[derive(Debug, Clone)]
pub struct Baselines {
    directory: PathBuf,
}

impl Baselines {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The canonical text of a machine's baseline, every digest in it checked; `None` when none was taken.
    pub fn load(&self, engine_id: &str) -> Result<Option<String>> {
        let path = self.path(engine_id, FINGERPRINT)?;
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let (digest, whole) = (sha256(&bytes), self.path(engine_id, WHOLE)?);
        let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
        let text = String::from_utf8(bytes).unwrap_or_else(lossy);
        if fs::read(&whole).is_ok_and(|known| known == digest.as_bytes()) {
            return Ok(Some(text));
        }
        let damaged = |damage: Damage| {
            Error::new(Kind::Incomplete, format!("cannot use the baseline {}", path.display()))
                .because(damage)
                .hint("`env accept` takes a new one")
        };
        let canonical = Fingerprint::from_text(&text).map_err(damaged)?.to_text();
        if canonical == text {
            // Only makes the next time quick.
            let _ = fs::write(whole, digest);
        }
        Ok(Some(canonical))
    }

    /// Whether a machine has a baseline, good or not.
    pub fn is_kept(&self, engine_id: &str) -> bool {
        self.path(engine_id, FINGERPRINT).is_ok_and(|path| path.exists())
    }

    /// What the baseline's files were; empty when nobody knows.
    pub fn cache(&self, engine_id: &str) -> Result<Vec<u8>> {
        Ok(read(&self.path(engine_id, CACHE)?)?.unwrap_or_default())
    }

    /// What the files were when they were looked at last; empty when nobody knows.
    pub fn latest_cache(&self, engine_id: &str) -> Result<Vec<u8>> {
        match read(&self.path(engine_id, LATEST_CACHE)?)? {
            Some(cache) => Ok(cache),
            None => self.cache(engine_id),
        }
    }

    /// Whether anybody knows what the files were.
    pub fn has_cache(&self, engine_id: &str) -> bool {
        let length = |file| fs::metadata(self.path(engine_id, file).ok()?).ok().map(|data| data.len());
        length(LATEST_CACHE).or_else(|| length(CACHE)).is_some_and(|length| length > 0)
    }

    /// Keeps a new baseline, by its canonical text.
    pub fn save(&self, engine_id: &str, text: &str, cache: &[u8]) -> Result<()> {
        let latest = self.path(engine_id, LATEST_CACHE)?;
        write_bytes(&self.path(engine_id, CACHE)?, Access::Private, cache)?;
        let _ = fs::remove_file(latest);
        // Last, so that a baseline never stands beside the files of another one.
        write_bytes(&self.path(engine_id, FINGERPRINT)?, Access::Private, text.as_bytes())
    }

    /// Keeps what the files were just now.
    pub fn save_latest_cache(&self, engine_id: &str, cache: &[u8]) -> Result<()> {
        write_bytes(&self.path(engine_id, LATEST_CACHE)?, Access::Private, cache)
    }

    /// What is kept of a machine goes on to hold for another one, which stands in its place.
    pub fn hand_on(&self, engine_id: &str, to: &str) -> Result<()> {
        let (from, to) = (self.path(engine_id, "")?, self.path(to, "")?);
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).attempt(|| format!("cannot move {} to {}", from.display(), to.display()))
            }
            _ => Ok(()),
        }
    }

    /// What the files of the last machine of this name were, which is gone; empty when nobody knows. A machine that starts from
    /// the same image or layer has most of them, down to inode and time of change, which is all that a cache goes by.
    pub fn former_cache(&self, engine_name: &str) -> Result<Vec<u8>> {
        Ok(read(&self.former(engine_name))?.unwrap_or_default())
    }

    /// Lets go of all that is kept of a machine that is gone, but for what its files were.
    pub fn forget(&self, engine_id: &str, engine_name: &str) -> Result<()> {
        for file in [LATEST_CACHE, CACHE] {
            let (from, to) = (self.path(engine_id, file)?, self.former(engine_name));
            if from.exists() {
                create_directory(&self.directory.join(FORMER), Access::Private)?;
                fs::rename(&from, &to)
                    .attempt(|| format!("cannot move {} to {}", from.display(), to.display()))?;
                break;
            }
        }
        let directory = self.path(engine_id, "")?;
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).attempt(|| format!("cannot remove {}", directory.display()))
            }
            _ => Ok(()),
        }
    }

    fn former(&self, engine_name: &str) -> PathBuf {
        self.directory.join(FORMER).join(sha256(engine_name.as_bytes()))
    }

    /// Ids come from an engine that may be anybody's: they must not lead out of the directory.
    fn path(&self, engine_id: &str, file: &str) -> Result<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if engine_id.is_empty() || !engine_id.bytes().all(plain) {
            return Err(Error::failed(format!("`{engine_id}` is not an id of a machine")));
        }
        Ok(self.directory.join(engine_id).join(file))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).attempt(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_comes_back_and_goes_with_its_machine() {
        let place = tempfile::tempdir().unwrap();
        let baselines = Baselines::new(place.path().join("baselines"));
        assert_eq!(baselines.load("a1").unwrap(), None);
        let fingerprint = Fingerprint { key_id: "00".into(), ..Fingerprint::default() };
        baselines.save("a1", &fingerprint.to_text(), b"files").unwrap();
        assert_eq!(baselines.load("a1").unwrap(), Some(fingerprint.to_text()));
        assert_eq!(baselines.latest_cache("a1").unwrap(), b"files");
        baselines.save_latest_cache("a1", b"newer").unwrap();
        assert_eq!(baselines.latest_cache("a1").unwrap(), b"newer");
        assert_eq!(baselines.cache("a1").unwrap(), b"files");
        assert_eq!(baselines.former_cache("shop-web").unwrap(), b"");
        baselines.forget("a1", "shop-web").unwrap();
        baselines.forget("a1", "shop-web").unwrap();
        assert_eq!(baselines.load("a1").unwrap(), None);
        assert_eq!(baselines.latest_cache("a1").unwrap(), b"");
        assert_eq!(baselines.former_cache("shop-web").unwrap(), b"newer");
        assert_eq!(baselines.former_cache("shop-db").unwrap(), b"");
        assert!(baselines.save("../x", "", b"").is_err());
    }

    #[test]
    fn damage_is_told_with_the_way_out() {
        let place = tempfile::tempdir().unwrap();
        let baselines = Baselines::new(place.path().to_owned());
        baselines.save("a1", "{\"version\":99}", b"").unwrap();
        let error = baselines.load("a1").unwrap_err();
        assert_eq!(error.kind, Kind::Incomplete);
        assert!(error.causes[0].contains("version 99"), "{error:?}");
    }

    #[test]
    fn a_baseline_that_was_whole_is_looked_at_again_when_it_changes() {
        let place = tempfile::tempdir().unwrap();
        let baselines = Baselines::new(place.path().to_owned());
        let text = Fingerprint { key_id: "00".into(), ..Fingerprint::default() }.to_text();
        baselines.save("a1", &text, b"").unwrap();
        for _ in 0..2 {
            assert_eq!(baselines.load("a1").unwrap().as_ref(), Some(&text));
        }
        fs::write(place.path().join("a1").join(FINGERPRINT), text.replace("00", "01")).unwrap();
        assert!(baselines.load("a1").is_err());
        fs::write(place.path().join("a1").join(FINGERPRINT), format!("{text}\n\n")).unwrap();
        assert_eq!(baselines.load("a1").unwrap().as_ref(), Some(&text), "in its usual layout");
    }
}
