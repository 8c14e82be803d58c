//! Keys for ssh: a checkout's own, with which we log in, and those by which machines are known. The system's ssh-keygen makes them.

use super::{Access, Lock, Wait, create_directory};
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// File name of a checkout's own key.
const KEY: &str = "ssh_key";

/// A checkout's own key.
#[derive(Debug, Clone)]
pub struct SshKey {
    /// The private key.
    pub private: PathBuf,
    /// Its public half, type and value.
    pub public: String,
}

impl SshKey {
    /// The key in the private directory of a checkout, made when there is none.
    pub fn of(directory: &Path) -> Result<Self> {
        create_directory(directory, Access::Private)?;
        let private = directory.join(KEY);
        if !private.exists() {
            let _lock = Lock::acquire(&directory.join("ssh_key.lock"), "env", Wait::Yes, &Context::silent())?;
            let scratch = tempfile::Builder::new()
                .prefix(".ssh_key-")
                .tempdir_in(directory)
                .attempt(|| format!("cannot write in {}", directory.display()))?;
            let fresh = scratch.path().join(KEY);
            if !private.exists() {
                make(&fresh)?;
                // The private half last: where it is, both are.
                for (from, to) in
                    [(fresh.with_extension("pub"), private.with_extension("pub")), (fresh, private.clone())]
                {
                    fs::rename(from, &to).attempt(|| format!("cannot write {}", to.display()))?;
                }
            }
        }
        let public = public_half(&private)?;
        Ok(Self { private, public })
    }
}

/// Makes a key: PATH and its public half PATH.pub.
pub fn make(path: &Path) -> Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "envup", "-f"])
        .arg(path)
        .output()
        .map_err(|error| {
            Error::new(Kind::Unavailable, "cannot run ssh-keygen")
                .because(error)
                .hint("sudo apt install openssh-client")
        })?;
    if made.status.success() {
        return Ok(());
    }
    Err(Error::failed(format!("ssh-keygen cannot make {}", path.display()))
        .detail(String::from_utf8_lossy(&made.stderr)))
}

/// The public half of a key, type and value.
pub fn public_half(private: &Path) -> Result<String> {
    let public = private.with_extension("pub");
    let text = fs::read_to_string(&public).attempt(|| format!("cannot read {}", public.display()))?;
    Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn all_who_want_it_at_once_get_the_same() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("project");
        let keys: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| SshKey::of(&directory).unwrap().public)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let key = SshKey::of(&directory).unwrap();
        assert!(key.public.starts_with("ssh-ed25519 "));
        assert!(keys.iter().all(|public| *public == key.public));
        let mode = fs::metadata(&key.private).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
