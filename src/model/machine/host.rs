//! An existing machine that is reached over ssh: where it is and how one gets in.

use std::path::PathBuf;

/// The hosts that play one machine's role, and how they are reached. What is `None` is left to the user's own ssh configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostAccess {
    /// Host names, addresses or aliases of the ssh configuration; at least one. Several are nodes of one role.
    pub hosts: Vec<String>,
    /// Who to log in as.
    pub user: Option<String>,
    /// Port of the ssh server.
    pub port: Option<u16>,
    /// Absolute path of a private key; no other key is then offered.
    pub identity: Option<PathBuf>,
    /// Absolute path of an ssh configuration used instead of the user's own.
    pub config: Option<PathBuf>,
    /// Absolute path of a file with host keys used instead of the user's own.
    pub known_hosts: Option<PathBuf>,
    /// Whether commands run as root through `sudo -n`.
    pub sudo: bool,
    /// Whether the Envfile says `changes = "allowed"`; otherwise the hosts are only looked at.
    pub changes_allowed: bool,
}

impl HostAccess {
    /// What each host is called where one machine is meant: `web` when it is the only one, else `web@web2.example.org`.
    pub fn nodes(&self, machine: &str) -> Vec<(String, &str)> {
        let only = self.hosts.len() == 1;
        let name = |host: &str| if only { machine.to_owned() } else { format!("{machine}@{host}") };
        self.hosts.iter().map(|host| (name(host), host.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_bear_the_hosts_name_only_when_there_are_several() {
        let access = |hosts: &[&str]| HostAccess {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..HostAccess::default()
        };
        assert_eq!(access(&["db1"]).nodes("db"), [("db".to_owned(), "db1")]);
        let nodes = [("web@a".to_owned(), "a"), ("web@b".to_owned(), "b")];
        assert_eq!(access(&["a", "b"]).nodes("web"), nodes);
    }
}
