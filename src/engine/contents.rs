//! The bytes of a machine's configs and secrets, and their digests.
//!
//! A config's digest is a plain one; a secret's is keyed, so that it tells nothing about the secret.

use super::World;
use crate::model::digest::{sha256, short};
use crate::model::error::Attempt;
use crate::model::machine::Machine;
use crate::model::observed::Contents;
use crate::model::stack::Content;
use crate::model::{Error, Result};
use crate::provider::PlacedFile;
use crate::state::ProjectKey;
use std::fs;

/// How much of a secret's digest is compared: its version and 48 bits.
const KEYED_LENGTH: usize = "hmac1-".len() + 12;

/// Stands between a config's path and the digest of its bytes.
const CONFIG_DIGEST: &str = " sha256 ";

/// Where the secrets of a machine lie in it.
pub const SECRETS_DIRECTORY: &str = "/run/secrets";

/// Files to be put into a machine, and the digests that plans compare.
pub fn contents(world: &World, machine: &Machine) -> Result<(Vec<PlacedFile>, Contents)> {
    let mut files = Vec::new();
    let mut digests = Contents::new();
    for (name, path) in &machine.configs {
        let content = bytes("config", name, world.stack.configs.get(name))?;
        let digest = format!("{path}{CONFIG_DIGEST}{}", short(&sha256(&content)));
        digests.insert(format!("config.{name}"), digest);
        files.push(PlacedFile { path: path.clone(), content, secret: false });
    }
    for name in &machine.secrets {
        let content = bytes("secret", name, world.stack.secrets.get(name))?;
        let digest = ProjectKey::of(&world.project)?.digest(name, &content);
        digests.insert(
            format!("secret.{name}"),
            format!("keyed {}", digest.get(..KEYED_LENGTH).unwrap_or(&digest)),
        );
        files.push(PlacedFile { path: format!("{SECRETS_DIRECTORY}/{name}"), content, secret: true });
    }
    Ok((files, digests))
}

/// The values of all secrets of the stack that can be told now, by name, without the line end that files have.
pub fn secret_values(world: &World) -> Vec<(&str, Vec<u8>)> {
    let told = world.stack.secrets.iter().filter_map(|(name, content)| {
        let value = bytes("secret", name, Some(content)).ok()?;
        Some((name.as_str(), value.trim_ascii_end().to_vec()))
    });
    told.collect()
}

/// The path in a config's digest, as `contents` made it.
pub fn config_path(digest: &str) -> Option<&str> {
    digest.rsplit_once(CONFIG_DIGEST).map(|(path, _)| path)
}

/// The bytes of a declared secret or config.
pub fn bytes(kind: &str, name: &str, content: Option<&Content>) -> Result<Vec<u8>> {
    match content {
        None => Err(Error::usage(format!("the {kind} {name} is not declared"))),
        Some(Content::Inline(text)) => Ok(text.clone().into_bytes()),
        Some(Content::File(path)) => {
            fs::read(path).attempt(|| format!("reading the {kind} {name} from {}", path.display()))
        }
        Some(Content::Environment { value: Some(value), .. }) => Ok(value.0.clone().into_bytes()),
        Some(Content::Environment { variable, value: None }) => {
            Err(Error::usage(format!("the {kind} {name} is taken from ${variable}, which is not set"))
                .hint(format!("export {variable}=…, or write it into .env beside the Envfile")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_tells_where_it_lies() {
        assert_eq!(config_path("/etc/a b/site.conf sha256 9f86d081884c"), Some("/etc/a b/site.conf"));
        assert_eq!(config_path("keyed hmac1-9f86d081884c"), None);
    }
}
