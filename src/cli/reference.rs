//! What `--against` means: an environment of the Envfile, a directory that `env capture` wrote, one file of it,
//! or a machine behind ssh that no Envfile names.

use super::capture::capture_directory;
use super::options::Which;
use super::session::{Purpose, Session};
use crate::engine::{Reference, World};
use crate::model::drift::Level;
use crate::model::duration::age;
use crate::model::{Error, Result};
use crate::state::{Capture, Directories, MANIFEST, read_fingerprint, verify};
use crate::transport::ssh::{SshTarget, SshTransport};
use std::path::Path;

/// Finds what the word means and reads it, or takes fingerprints there.
pub fn find(
    session: &Session,
    world: &World,
    word: &str,
    signers: Option<&Path>,
    which: &Which,
    level: Level,
) -> Result<Reference> {
    if word.starts_with("ssh://") {
        let runtime = Directories::from_environment()?.runtime;
        let transport = SshTransport::new(SshTarget::from_url(word)?, runtime)?;
        let machines = world.stack.machines.keys().map(String::as_str);
        return Reference::of_transport(world, word, &transport, level, machines, &session.context());
    }
    let declared = world.stack.environments.iter().any(|name| name == word);
    let path = session.surroundings.directory.join(word);
    if !declared && path.is_file() {
        let machines = world.stack.machines.keys().map(String::as_str);
        return Ok(Reference::of_one(word, &read_fingerprint(&path)?, machines));
    }
    if !declared && path.is_dir() {
        let capture = captured(session, &path, signers)?.ok_or_else(|| {
            Error::usage(format!("{} holds no capture", path.display()))
                .hint("`env capture --out` writes one")
        })?;
        return Ok(Reference::of_capture(word, &capture));
    }
    if !declared && word != world.stack.environment {
        let error = Error::usage(format!(
            "`{word}` is neither an environment of the Envfile nor a file or directory"
        ));
        return Err(match world.stack.environments.is_empty() {
            true => {
                error.hint("an environment is declared by `[environment.NAME]`; `env capture` writes files")
            }
            false => error.hint(format!("there are: {}", world.stack.environments.join(", "))),
        });
    }
    let capture = captured(session, &capture_directory(&world.stack.directory, word), signers)?;
    let other = Which { environment: Some(word.to_owned()), ..which.clone() };
    let other = session.open(&other, Purpose::Look)?;
    Reference::of_environment(other, capture.as_ref(), level, &session.context())
}

/// The capture in a directory, its signature checked.
fn captured(session: &Session, directory: &Path, signers: Option<&Path>) -> Result<Option<Capture>> {
    let manifest = directory.join(MANIFEST);
    if !manifest.is_file() {
        return Ok(None);
    }
    let signed = verify(&manifest, signers)?;
    let capture = Capture::read(directory)?;
    if let (Some(capture), Some(signed)) = (&capture, signed) {
        session.printer.note(&format!("captured {} ago: {signed}", age(capture.age())));
    }
    Ok(capture)
}
