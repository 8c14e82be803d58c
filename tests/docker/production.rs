//! Production is hosts: captured, compared with as it is now, and with what was captured once nobody reaches it.

use super::stack::Stack;
use crate::support::Outcome;
use crate::support::host::Host;
use serde_json::Value;
use std::fs;

const ENVFILE: &str = r#"
[machine.web]
box = "debian/12"
[environment.staging.machine.web]
host = "web1"
ssh = { config = "ssh_config" }
[environment.production.machine.web]
hosts = ["web1", "web2", "web3"]
ssh = { config = "ssh_config" }
[[drift.ignore]]
path = "/root/.ssh{,/**}"
reason = "each host of the tests has a key of its own"
[[drift.ignore]]
section = "environment"
key = "KEY"
reason = "so is what it was started with"
"#;

/// Compares the first host with all three.
const STAGING: &str = "drift --env staging --against production";

/// A stack whose production is three hosts, the last of which has a user that the others have not.
struct Production {
    stack: Stack,
    hosts: Vec<Host>,
}

impl Production {
    fn start() -> Self {
        let production = Self { stack: Stack::new(ENVFILE), hosts: (0..3).map(|_| Host::start()).collect() };
        let mut config = String::new();
        for (host, number) in production.hosts.iter().zip(1..) {
            config += &format!(
                "Host web{number}\n  HostName 127.0.0.1\n  Port {}\n  User root\n  IdentityFile {}\n  \
                 UserKnownHostsFile {}\n",
                host.port,
                host.key().display(),
                host.known_hosts().display()
            );
        }
        production.stack.project.write("ssh_config", &config);
        production.hosts[2].inside("useradd --uid 4711 mallory");
        production
    }

    fn env(&self, words: &str) -> Outcome {
        self.stack.env(words)
    }

    fn capture_is_called(&self, name: &str) {
        let [kept, used] = ["kept", "fingerprints"].map(|name| self.stack.project.path(name));
        let (from, to) = if name == "kept" { (used, kept) } else { (kept, used) };
        fs::rename(from, to).unwrap();
    }
}

/// Which differences are shown of each node, in the order of the report.
fn shown(outcome: &Outcome) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |machine: &Value| {
        let differences = machine["differences"].as_array().unwrap().iter();
        let shown = differences.filter(|difference| difference["rule"].is_null());
        (text(&machine["machine"]), shown.map(|difference| text(&difference["key"])).collect())
    };
    outcome.json()["machines"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn production_is_looked_at_as_it_is_and_left_alone() {
    let production = Production::start();
    production.env("capture --env production").succeeds().stdout_has("production/web@web3.json");
    let live = production.env(&format!("{STAGING} --json")).exits(2).silent();
    let outlier = ("web@web3".to_owned(), vec!["mallory".to_owned()]);
    assert_eq!(shown(&live), [("web".to_owned(), vec![]), outlier]);
    production.env(STAGING).exits(2).stdout_has("most of production").stdout_has("mallory (+1)");

    production.env("up").succeeds();
    production
        .env("drift --against production")
        .exits(2)
        .stdout_has("production (3 of 3 hosts)")
        .stdout_has("sshd");
    production.env("matrix dev production").exits(2).stdout_has("tcp 0.0.0.0:22");
    production.hosts[2].inside("userdel mallory 2>&1");
    production.env(STAGING).succeeds().stdout_has("in sync").silent();
    production.env("matrix staging production").succeeds();
    production.hosts.iter().for_each(Host::is_left_alone);
}

#[test]
fn production_out_of_reach_is_known_by_its_capture_or_not_at_all() {
    let production = Production::start();
    let incomplete = |words: &str, why: &str| {
        let outcome = production.env(words).exits(3).stdout_has(why);
        assert!(!outcome.stdout.contains("in sync"), "{outcome}");
        outcome
    };
    production.env("up").succeeds();
    production.env("capture --env production").succeeds();

    // Somebody else answers as web2: no capture stands in for a host that may be taken over.
    let known_hosts = production.hosts[1].known_hosts();
    let known = fs::read_to_string(&known_hosts).unwrap();
    let others = fs::read_to_string(production.hosts[0].known_hosts()).unwrap();
    let key = others.split_once(' ').unwrap().1;
    fs::write(&known_hosts, format!("{} {key}", known.split_once(' ').unwrap().0)).unwrap();
    incomplete(STAGING, "web@web2 of production: the host key of web2 has changed")
        .stdout_has("2 of 3 hosts");
    fs::write(&known_hosts, known).unwrap();
    production.hosts.iter().for_each(Host::is_left_alone);

    production.hosts[2].stop();
    production.env("capture --env production").exits(3).stderr_has("cannot reach");
    let partly = production.env(STAGING).exits(2).stdout_has("mallory");
    partly.stderr_has("web@web3 of production is known from its capture, ").stderr_has(" old: cannot reach");
    production.capture_is_called("kept");
    incomplete(STAGING, "web@web3 of production: cannot reach").stdout_has("2 of 3 hosts");
    incomplete("drift --against production", "cannot reach").stdout_has("tcp 0.0.0.0:22");
    production
        .env("capture --env production --out partly")
        .exits(3)
        .stderr_has("web3")
        .stdout_has("web@web2.json");

    production.hosts[..2].iter().for_each(Host::stop);
    let nothing = incomplete("drift --against production", "web@web1 of production: cannot reach");
    assert!(!nothing.stdout.contains("tcp 0.0.0.0:22"), "{nothing}");
    incomplete(STAGING, "cannot reach");
    production.capture_is_called("fingerprints");
    let captured =
        production.env("drift --against production").exits(2).stdout_has("production (3 of 3 hosts, ");
    captured
        .stdout_has("tcp 0.0.0.0:22")
        .stdout_has("mallory")
        .stderr_has("web@web1 of production is known from");
}
