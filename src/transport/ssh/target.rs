//! Where to connect to and as whom, and the arguments that say so to `ssh`.

use crate::model::error::Attempt;
use crate::model::machine::HostAccess;
use crate::model::{Error, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

/// Holds whatever the user's own configuration says: nobody is asked, nobody is trusted at first sight, nothing is forwarded,
/// written or run besides what we ask for, and a dead line is noticed.
const ALWAYS: [&str; 15] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ConnectTimeout=10",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ControlPersist=no",
    "EscapeChar=none",
    "VisualHostKey=no",
    "LogLevel=ERROR",
];

/// What passes between this host and its own machines never leaves it: a key that withstands tomorrow's computers would only take half
/// a second to agree on where a processor is emulated. A machine that just boots takes its time to answer, and longer if it is left
/// and asked again.
const NEAR: [&str; 2] = ["KexAlgorithms=^curve25519-sha256", "ConnectTimeout=30"];

/// Words of an ssh configuration that run a program or read further files.
const PROGRAMS: [&str; 6] =
    ["proxycommand", "localcommand", "knownhostscommand", "include", "pkcs11provider", "securitykeyprovider"];

/// One machine as `ssh` reaches it. What is `None` is left to the user's own configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshTarget {
    /// Host name, address or alias of the ssh configuration.
    pub host: String,
    /// Who to log in as.
    pub user: Option<String>,
    /// Port of the ssh server.
    pub port: Option<u16>,
    /// A private key; no other key is then offered.
    pub identity: Option<PathBuf>,
    /// A configuration file used instead of the user's own. It must not name programs.
    pub config_file: Option<PathBuf>,
    /// A file with host keys used instead of the user's own.
    pub known_hosts: Option<PathBuf>,
    /// Whether commands run as root through `sudo -n`.
    pub sudo: bool,
    /// A machine of ours on this host: see [`Near`].
    pub near: Option<Near>,
}

/// What is known of a machine that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Where our agent lies, if it is the one that the machine was given.
    pub agent: String,
}

impl SshTarget {
    /// One of a machine's hosts.
    pub fn of(access: &HostAccess, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            user: access.user.clone(),
            port: access.port,
            identity: access.identity.clone(),
            config_file: access.config.clone(),
            known_hosts: access.known_hosts.clone(),
            sudo: access.sudo,
            near: None,
        }
    }

    /// From `ssh://[user@]host[:port]`; an IPv6 address stands in brackets.
    pub fn from_url(url: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::usage(format!("`{url}` {why}"))
                .hint("such an address looks like ssh://deploy@web1.example.org:2222")
        };
        let rest = url.strip_prefix("ssh://").ok_or_else(|| wrong("does not begin with ssh://"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err(wrong("names a path, and only a machine can be meant"));
        }
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let (host, port) = match place.strip_prefix('[') {
            Some(inside) => {
                let (host, behind) =
                    inside.split_once(']').ok_or_else(|| wrong("has a bracket that is not closed"))?;
                (host, if behind.is_empty() { None } else { Some(behind.strip_prefix(':').unwrap_or("")) })
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port
            .map(|port| port.parse().ok().filter(|port| *port > 0))
            .map(|port| port.ok_or_else(|| wrong("has no valid port")));
        let target = Self {
            host: host.to_owned(),
            user: user.map(str::to_owned),
            port: port.transpose()?,
            ..Self::default()
        };
        target.check().map(|()| target)
    }

    /// Fails when a name could be taken for an option or reach a shell, or when the configuration names programs: looking
    /// at a machine runs nothing that came with an Envfile.
    pub(super) fn check(&self) -> Result<()> {
        let is_name = |name: &str, others: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
            !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
        };
        if !is_name(&self.host, "._-:%") {
            return Err(Error::usage(format!("`{}` is not the name of a host", self.host)));
        }
        if let Some(user) = self.user.as_deref().filter(|user| !is_name(user, "._-+@")) {
            return Err(Error::usage(format!("`{user}` is not the name of a user")));
        }
        self.config_file.as_deref().map_or(Ok(()), names_no_program)
    }

    /// The options with which another tool's `ssh` is as strict as ours and reaches the same host.
    pub fn options(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut option = |text: String| words.extend(["-o".to_owned(), text]);
        for strict in ["BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no"] {
            option(strict.to_owned());
        }
        if self.identity.is_some() {
            option("IdentitiesOnly=yes".to_owned());
        }
        if let Some(file) = &self.known_hosts {
            option(format!("UserKnownHostsFile={}", escaped(file)));
            option("GlobalKnownHostsFile=/dev/null".to_owned());
        }
        if let Some(file) = &self.config_file {
            words.extend(["-F".to_owned(), file.display().to_string()]);
        }
        words
    }

    /// `ssh` with all options but those of one session; words that follow are the host and the command.
    pub(super) fn command(&self) -> process::Command {
        let mut ssh = process::Command::new("ssh");
        // Of what is said twice, ssh takes the first.
        for option in self.near.iter().flat_map(|_| NEAR).chain(ALWAYS) {
            ssh.args(["-o", option]);
        }
        if let Some(file) = &self.config_file {
            ssh.arg("-F").arg(file);
        }
        if let Some(user) = &self.user {
            ssh.args(["-l", user]);
        }
        if let Some(port) = self.port {
            ssh.args(["-p", &port.to_string()]);
        }
        if let Some(key) = &self.identity {
            ssh.args(["-o", "IdentitiesOnly=yes", "-o", &format!("IdentityFile={}", escaped(key))]);
        }
        if let Some(file) = &self.known_hosts {
            ssh.args(["-o", &format!("UserKnownHostsFile={}", escaped(file))]);
            ssh.args(["-o", "GlobalKnownHostsFile=/dev/null"]);
        }
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ssh
    }

    /// Where its host key is looked up, for people.
    pub(super) fn known_hosts_name(&self) -> String {
        self.known_hosts
            .as_ref()
            .map_or_else(|| "~/.ssh/known_hosts".to_owned(), |file| file.display().to_string())
    }

    /// The words after `ssh` or `ssh-keyscan` with which a user reaches it: `-p 2222 web1`.
    pub(super) fn words(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("-p {port} {}", self.host))
    }
}

/// For people: the host as it was named, with user and port where they were given.
impl fmt::Display for SshTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(formatter, "{user}@")?;
        }
        formatter.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

/// A path as ssh reads it in an option: one word, and nothing in it stands for something else.
pub(super) fn escaped(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

fn names_no_program(file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).attempt(|| format!("cannot read {}", file.display()))?;
    for line in text.lines() {
        let line = line.trim().to_ascii_lowercase();
        let mut words =
            line.split(|c: char| c.is_whitespace() || c == '=' || c == '"').filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let runs = PROGRAMS.contains(&first)
            || first == "match" && words.any(|word| word.trim_start_matches('!') == "exec");
        if runs {
            return Err(Error::usage(format!(
                "{} says `{first}`, which can run programs on this host",
                file.display()
            ))
            .hint(
                "what you trust belongs into ~/.ssh/config, which is read when the Envfile names no other",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let shown = |url: &str| {
            let target = SshTarget::from_url(url).unwrap();
            (target.user.unwrap_or_default(), target.host, target.port.unwrap_or(0))
        };
        assert_eq!(shown("ssh://web1"), (String::new(), "web1".into(), 0));
        assert_eq!(
            shown("ssh://ops@web1.example.org:2222/"),
            ("ops".into(), "web1.example.org".into(), 2222)
        );
        assert_eq!(shown("ssh://root@[fe80::1%eth0]:22"), ("root".into(), "fe80::1%eth0".into(), 22));
        for wrong in [
            "web1",
            "ssh://",
            "ssh://web1/etc",
            "ssh://web1:",
            "ssh://web1:0",
            "ssh://web1:70000",
            "ssh://[::1",
            "ssh://[::1]22",
            "ssh://-oProxyCommand=x",
            "ssh://a b",
            "ssh://$(id)@web1",
            "ssh://ops:secret@web1",
        ] {
            assert!(SshTarget::from_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_configuration_that_comes_along_runs_nothing() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config");
        let check = |text: &str| {
            std::fs::write(&file, text).unwrap();
            SshTarget { host: "web1".into(), config_file: Some(file.clone()), ..SshTarget::default() }.check()
        };
        check("# ProxyCommand no\nHost web1\n  HostName 192.0.2.1\n  ProxyJump gate\n").unwrap();
        for wrong in [
            "ProxyCommand=x",
            "  proxycommand x",
            "\"Include\" y",
            "Match host a exec \"x\"",
            "match !exec=x",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_for_people() {
        let target = SshTarget::from_url("ssh://ops@web1:2222").unwrap();
        assert_eq!(
            (target.to_string(), target.words()),
            ("ops@web1:2222".to_owned(), "-p 2222 web1".to_owned())
        );
        assert_eq!(escaped(Path::new("/a b/%h")), "\"/a b/%%h\"");
    }
}
