//! The key of one checkout: contents of secrets are compared by keyed digests, which tell nothing to whoever reads a label.
//!
//! It is random, the user's alone, and never leaves the data directory. When it is lost, secrets count as changed and are put
//! into their machines again; nothing else happens.

use super::Project;
use super::store::{Access, create_directory, sync_directory};
use crate::model::digest::hex;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Stands before every keyed digest, so that another rule can be told from this one.
const RULE: &str = "hmac1-";

/// A random key of 32 bytes.
#[derive(Clone)]
pub struct ProjectKey([u8; 32]);

impl ProjectKey {
    /// The key of this checkout, made when it is asked for first.
    pub fn of(project: &Project) -> Result<Self> {
        Self::at(&project.private.join("key"))
    }

    fn at(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error).attempt(|| format!("cannot read the key {}", path.display())),
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        bytes.try_into().map(Self).map_err(|_| {
            Error::failed(format!("the key {} is damaged", path.display()))
                .hint("remove it: a new one is made, and secrets are put into their machines again")
        })
    }

    /// Of two processes that make it at once, the first wins and both use that one.
    fn create(path: &Path) -> Result<Self> {
        let attempt = || format!("cannot write the key {}", path.display());
        let directory = path.parent().unwrap_or(Path::new("/"));
        create_directory(directory, Access::Private)?;
        let mut key = [0; 32];
        getrandom::fill(&mut key).attempt(|| "cannot get random bytes")?;
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .attempt(attempt)?;
        file.write_all(&key).attempt(attempt)?;
        file.as_file().sync_all().attempt(attempt)?;
        match file.persist_noclobber(path) {
            Ok(_) => sync_directory(directory)?,
            Err(lost) if lost.error.kind() == ErrorKind::AlreadyExists => return Self::at(path),
            Err(failure) => return Err(failure.error).attempt(attempt),
        }
        Ok(Self(key))
    }

    /// A key made from this one, as the agent takes it for fingerprints: 64 hexadecimal characters. It goes nowhere but into a machine's standard input.
    pub fn for_agent(&self) -> String {
        let mut mac = Hmac::<Sha256>::new(&self.block());
        mac.update(b"fingerprint");
        hex(&mac.finalize().into_bytes())
    }

    /// The keyed digest of some bytes; equal bytes under another name have another one.
    pub fn digest(&self, name: &str, bytes: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new(&self.block());
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(bytes);
        format!("{RULE}{}", hex(&mac.finalize().into_bytes()))
    }

    /// HMAC itself pads a short key with zeros to the length of a block.
    fn block(&self) -> hmac::digest::Key<Hmac<Sha256>> {
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        block.into()
    }
}

impl std::fmt::Debug for ProjectKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ProjectKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_private_and_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("projects/x/key");
        let first = ProjectKey::at(&path).unwrap();
        assert_eq!(first.0, ProjectKey::at(&path).unwrap().0);
        assert_ne!(first.0, ProjectKey::at(&place.path().join("other")).unwrap().0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn all_who_make_it_at_once_get_the_same() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| ProjectKey::at(&path).unwrap().0)).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_key_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        fs::write(&path, "short").unwrap();
        assert!(ProjectKey::at(&path).unwrap_err().hints[0].contains("remove it"));
    }

    /// Stored in labels: a change here would put every secret into its machine again.
    #[test]
    fn golden() {
        let digest = ProjectKey([7; 32]).digest("secret.password", b"hunter2");
        assert_eq!(digest, "hmac1-564386101c80b3857660518bea980da6eb989d0333eb367ff7546644ec49fd69");
    }
}
