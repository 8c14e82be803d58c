//! Credentials of registries, from where the docker command keeps them: its configuration file and its helpers.

use super::Surroundings;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use base64::Engine as _;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// The name under which the first of all registries keeps its credentials.
const HUB: &str = "https://index.docker.io/v1/";

/// What a helper answers for a user when it gives a token instead of a password.
const TOKEN: &str = "<token>";

#[derive(Debug, Default, Deserialize)]
struct ClientConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credsStore", default)]
    store: Option<String>,
    #[serde(rename = "credHelpers", default)]
    helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Auth {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
struct Helped {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// The registry an image comes from: `docker.io` when its name has none.
pub(super) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

/// The credentials for a registry, when there are any.
pub(super) fn find(surroundings: &Surroundings, registry: &str) -> Result<Option<DockerCredentials>> {
    let Some(path) = surroundings.docker_config().map(|directory| directory.join("config.json")) else {
        return Ok(None);
    };
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let config: ClientConfig =
        serde_json::from_str(&text).attempt(|| format!("cannot read {}", path.display()))?;
    let server = if registry == "docker.io" { HUB } else { registry };
    // A helper of this registry, then the store of all, then the file itself.
    if let Some(helper) =
        config.helpers.get(server).or(config.helpers.get(registry)).or(config.store.as_ref())
        && let Some(found) = ask_helper(helper, server)?
    {
        return Ok(Some(found));
    }
    let entry = config.auths.iter().find(|(key, _)| host_of(key) == host_of(server));
    entry.map(|(_, auth)| from_file(auth, server)).transpose().map(Option::flatten)
}

/// The host of a key in the file: keys may be URLs.
fn host_of(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

fn from_file(auth: &Auth, server: &str) -> Result<Option<DockerCredentials>> {
    let mut found = DockerCredentials {
        username: auth.username.clone(),
        password: auth.password.clone(),
        identitytoken: auth.identitytoken.clone().filter(|token| !token.is_empty()),
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    };
    if let Some(encoded) = auth.auth.as_deref().filter(|encoded| !encoded.is_empty()) {
        let unreadable = || format!("cannot read the credentials of {server}");
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).attempt(unreadable)?;
        let decoded = String::from_utf8(decoded).attempt(unreadable)?;
        let (username, password) = decoded
            .split_once(':')
            .ok_or_else(|| Error::failed(unreadable()).hint("run `docker login` again"))?;
        found.username = Some(username.to_owned());
        found.password = Some(password.trim_end_matches('\0').to_owned());
    }
    let is_empty = found.username.is_none() && found.identitytoken.is_none();
    Ok((!is_empty).then_some(found))
}

/// Asks `docker-credential-HELPER get`; `None` when it has none for this registry.
fn ask_helper(helper: &str, server: &str) -> Result<Option<DockerCredentials>> {
    let program = format!("docker-credential-{helper}");
    let what = || format!("cannot ask {program} for the credentials of {server}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .attempt(what)
        .map_err(|error| error.hint("~/.docker/config.json names it: install it, or remove it there"))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read says so by its answer.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.wait_with_output().attempt(what)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(Error::failed(what()).detail(said));
    }
    let found: Helped = serde_json::from_slice(&output.stdout).attempt(what)?;
    let mut credentials =
        DockerCredentials { serveraddress: Some(server.to_owned()), ..DockerCredentials::default() };
    if found.username == TOKEN {
        credentials.identitytoken = Some(found.secret);
    } else {
        credentials.username = Some(found.username);
        credentials.password = Some(found.secret);
    }
    Ok(Some(credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_config(config: &str) -> (tempfile::TempDir, Surroundings) {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".docker")).unwrap();
        std::fs::write(home.path().join(".docker/config.json"), config).unwrap();
        let surroundings = Surroundings { home: Some(home.path().to_owned()), ..Surroundings::default() };
        (home, surroundings)
    }

    #[test]
    fn the_registry_is_the_part_that_looks_like_a_host() {
        let registries =
            ["nginx:1", "library/nginx", "ghcr.io/a/b", "localhost/x", "127.0.0.1:5000/x"].map(registry);
        assert_eq!(registries, ["docker.io", "docker.io", "ghcr.io", "localhost", "127.0.0.1:5000"]);
    }

    #[test]
    fn the_file_holds_user_and_password() {
        // user:pass:word
        let config = r#"{"auths":{"https://ghcr.io/v1/":{"auth":"dXNlcjpwYXNzOndvcmQ="},"quay.io":{}}}"#;
        let (_home, surroundings) = with_config(config);
        let found = find(&surroundings, "ghcr.io").unwrap().unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("user"), Some("pass:word")));
        assert_eq!(find(&surroundings, "quay.io").unwrap(), None);
        assert_eq!(find(&surroundings, "docker.io").unwrap(), None);
    }

    #[test]
    fn a_missing_helper_says_where_it_is_named() {
        let (_home, surroundings) = with_config(r#"{"credHelpers":{"ghcr.io":"envup-none"}}"#);
        let error = find(&surroundings, "ghcr.io").unwrap_err();
        assert!(error.message.contains("docker-credential-envup-none"), "{error}");
        assert!(!error.hints.is_empty());
        assert_eq!(find(&surroundings, "quay.io").unwrap(), None);
    }
}
