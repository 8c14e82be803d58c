//! Proxy settings for builds and machines: as the docker command's configuration says, else as the host's own.

use super::Surroundings;
use super::endpoint::Endpoint;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The client's key, and the variable it becomes, in capitals and in small letters.
const SETTINGS: [(&str, &str); 5] = [
    ("httpProxy", "HTTP_PROXY"),
    ("httpsProxy", "HTTPS_PROXY"),
    ("ftpProxy", "FTP_PROXY"),
    ("noProxy", "NO_PROXY"),
    ("allProxy", "ALL_PROXY"),
];

#[derive(Debug, Default, Deserialize)]
struct ClientConfig {
    #[serde(default)]
    proxies: BTreeMap<String, BTreeMap<String, String>>,
}

/// Variables and values, each name in capitals and in small letters: programs differ in which they read.
pub(super) fn proxies(surroundings: &Surroundings, endpoint: &Endpoint) -> Vec<(String, String)> {
    let configured = configured(surroundings, endpoint);
    let of_host = |variable: &str| {
        let value = surroundings.variable(variable).or(surroundings.variable(&variable.to_lowercase()))?;
        // The host's own loopback is not the machine's.
        let is_loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| value.contains(host));
        (variable == "NO_PROXY" || !is_loopback).then(|| value.to_owned())
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for (key, variable) in SETTINGS {
        let value = if configured.is_empty() { of_host(variable) } else { configured.get(key).cloned() };
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            found.push((variable.to_owned(), value.clone()));
            found.push((variable.to_lowercase(), value));
        }
    }
    let only_exceptions = found.iter().all(|(name, _)| name.eq_ignore_ascii_case("NO_PROXY"));
    if only_exceptions { Vec::new() } else { found }
}

fn configured(surroundings: &Surroundings, endpoint: &Endpoint) -> BTreeMap<String, String> {
    let file = surroundings.docker_config().map(|directory| directory.join("config.json"));
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    // A file that cannot be read is complained about where it matters more: for endpoint and credentials.
    let config: ClientConfig = serde_json::from_str(&text).unwrap_or_default();
    let of_engine =
        config.proxies.get(&format!("unix://{endpoint}")).or(config.proxies.get(&endpoint.to_string()));
    of_engine.or(config.proxies.get("default")).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[(String, String)]) -> Vec<&str> {
        found.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn the_hosts_proxies_are_handed_on_unless_they_are_its_own_loopback() {
        let endpoint = Endpoint::Unix("/var/run/docker.sock".into());
        let with = |value: &str| Surroundings {
            variables: [("https_proxy".into(), value.into()), ("NO_PROXY".into(), "localhost".into())].into(),
            ..Surroundings::default()
        };
        let found = proxies(&with("http://proxy.example:3128"), &endpoint);
        assert_eq!(names(&found), ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"]);
        assert_eq!(proxies(&with("http://127.0.0.1:3128"), &endpoint), []);
        assert_eq!(proxies(&Surroundings::default(), &endpoint), []);
    }

    #[test]
    fn the_clients_configuration_comes_first() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".docker")).unwrap();
        let config = r#"{"proxies":{"default":{"httpProxy":"http://inner:1"}}}"#;
        std::fs::write(home.path().join(".docker/config.json"), config).unwrap();
        let surroundings = Surroundings {
            home: Some(home.path().to_owned()),
            variables: [("HTTP_PROXY".into(), "http://outer:1".into())].into(),
        };
        let found = proxies(&surroundings, &Endpoint::Unix("/run/docker.sock".into()));
        assert_eq!(found[0], ("HTTP_PROXY".to_owned(), "http://inner:1".to_owned()));
    }
}
