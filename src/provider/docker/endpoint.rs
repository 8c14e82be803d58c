//! Finds the engine as the docker command does: `DOCKER_HOST`, else the context, else the local socket.
//!
//! Reads the client's configuration files; connects to nothing.

use super::Surroundings;
use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result, digest};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const LOCAL: &str = "unix:///var/run/docker.sock";

/// Where the engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Unix(String),
    /// A port, unencrypted: `tcp://…`.
    Tcp(String),
    /// A port, with certificates.
    Tls { address: String, certificates: PathBuf },
    /// Through the system's OpenSSH client.
    Ssh(String),
}

impl Surroundings {
    /// The Docker client's configuration directory: `DOCKER_CONFIG`, else `~/.docker`.
    pub(super) fn docker_config(&self) -> Option<PathBuf> {
        match self.variable("DOCKER_CONFIG") {
            Some(directory) => Some(PathBuf::from(directory)),
            None => Some(self.home.as_ref()?.join(".docker")),
        }
    }
}

impl Endpoint {
    /// Whether paths of this host are paths of the engine's host.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => formatter.write_str(path),
            Self::Tcp(address) | Self::Tls { address, .. } | Self::Ssh(address) => {
                formatter.write_str(address)
            }
        }
    }
}

/// The parts of the client's `config.json` that matter here.
#[derive(Debug, Default, Deserialize)]
struct ClientConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Debug, Deserialize)]
struct ContextFile {
    #[serde(rename = "Endpoints")]
    endpoints: std::collections::BTreeMap<String, ContextEndpoint>,
}

#[derive(Debug, Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

/// Finds the engine.
pub(super) fn find(surroundings: &Surroundings) -> Result<Endpoint> {
    if let Some(host) = surroundings.variable("DOCKER_HOST") {
        // As the docker command: set and not empty means on, whatever it says.
        let tls = surroundings.variable("DOCKER_TLS_VERIFY").is_some();
        let certificates = match surroundings.variable("DOCKER_CERT_PATH") {
            Some(path) => Some(PathBuf::from(path)),
            None => surroundings.docker_config(),
        };
        return parse(host, certificates.filter(|_| tls));
    }
    let directory = surroundings.docker_config();
    let named = match surroundings.variable("DOCKER_CONTEXT") {
        Some(name) => name.to_owned(),
        None => directory.as_deref().map(current_context).transpose()?.unwrap_or_default(),
    };
    match directory {
        Some(directory) if !named.is_empty() && named != "default" => context(&directory, &named),
        _ => parse(LOCAL, None),
    }
}

fn current_context(directory: &Path) -> Result<String> {
    let path = directory.join("config.json");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(String::new()) };
    let config: ClientConfig =
        serde_json::from_str(&text).attempt(|| format!("cannot read {}", path.display()))?;
    Ok(config.current_context)
}

fn context(directory: &Path, name: &str) -> Result<Endpoint> {
    // The client keeps each context under the digest of its name.
    let key = digest::sha256(name.as_bytes());
    let path = directory.join("contexts/meta").join(&key).join("meta.json");
    let unavailable = |cause: String| {
        let mut error = Error::new(Kind::Unavailable, format!("docker context `{name}` cannot be used"))
            .hint("`docker context ls` shows the contexts, `docker context use default` goes back");
        error.causes.push(cause);
        error
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
    let file: ContextFile =
        serde_json::from_str(&text).map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
    let endpoint =
        file.endpoints.get("docker").ok_or_else(|| unavailable("it has no docker endpoint".to_owned()))?;
    let certificates = directory.join("contexts/tls").join(&key).join("docker");
    parse(&endpoint.host, certificates.is_dir().then_some(certificates))
}

fn parse(host: &str, certificates: Option<PathBuf>) -> Result<Endpoint> {
    let address = host.to_owned();
    match host.split_once("://") {
        Some(("unix", path)) => Ok(Endpoint::Unix(path.to_owned())),
        Some(("tcp" | "http" | "https", _)) => Ok(match certificates {
            Some(certificates) => Endpoint::Tls { address, certificates },
            None => Endpoint::Tcp(address),
        }),
        Some(("ssh", _)) => Ok(Endpoint::Ssh(address)),
        None if host.contains(':') => parse(&format!("tcp://{host}"), certificates),
        _ => Err(Error::new(Kind::Unavailable, format!("`{host}` is not an address of an engine"))
            .hint("DOCKER_HOST is unix://PATH, tcp://HOST:PORT or ssh://USER@HOST")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(home: &Path, variables: &[(&str, &str)]) -> Surroundings {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Surroundings { home: Some(home.to_owned()), variables }
    }

    fn add_context(home: &Path, name: &str, host: &str) {
        let directory = home.join(".docker/contexts/meta").join(digest::sha256(name.as_bytes()));
        std::fs::create_dir_all(&directory).unwrap();
        let meta =
            format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        std::fs::write(directory.join("meta.json"), meta).unwrap();
    }

    #[test]
    fn the_local_socket_is_the_default() {
        let home = tempfile::tempdir().unwrap();
        let found = find(&surroundings(home.path(), &[])).unwrap();
        assert_eq!(found, Endpoint::Unix("/var/run/docker.sock".into()));
    }

    #[test]
    fn the_variable_beats_the_context_and_the_context_variable_beats_the_file() {
        let home = tempfile::tempdir().unwrap();
        add_context(home.path(), "far", "ssh://me@far");
        add_context(home.path(), "near", "unix:///run/user/1000/docker.sock");
        std::fs::write(home.path().join(".docker/config.json"), r#"{"currentContext":"far"}"#).unwrap();
        let of = |variables: &[(&str, &str)]| find(&surroundings(home.path(), variables)).unwrap();
        assert_eq!(of(&[]), Endpoint::Ssh("ssh://me@far".into()));
        assert_eq!(of(&[("DOCKER_CONTEXT", "near")]), Endpoint::Unix("/run/user/1000/docker.sock".into()));
        assert_eq!(of(&[("DOCKER_CONTEXT", "default")]), Endpoint::Unix("/var/run/docker.sock".into()));
        let both = [("DOCKER_CONTEXT", "near"), ("DOCKER_HOST", "tcp://10.0.0.1:2375")];
        assert_eq!(of(&both), Endpoint::Tcp("tcp://10.0.0.1:2375".into()));
    }

    #[test]
    fn certificates_are_used_when_verification_is_asked_for() {
        let home = tempfile::tempdir().unwrap();
        let host = ("DOCKER_HOST", "tcp://10.0.0.1:2376");
        let found = find(&surroundings(home.path(), &[host, ("DOCKER_TLS_VERIFY", "1")])).unwrap();
        let certificates = home.path().join(".docker");
        assert_eq!(found, Endpoint::Tls { address: host.1.into(), certificates });
    }

    #[test]
    fn what_cannot_be_an_engine_is_refused() {
        let home = tempfile::tempdir().unwrap();
        for variables in [[("DOCKER_HOST", "gopher://x")], [("DOCKER_CONTEXT", "gone")]] {
            let error = find(&surroundings(home.path(), &variables)).unwrap_err();
            assert_eq!(error.kind, Kind::Unavailable);
            assert!(!error.hints.is_empty());
        }
    }
}
