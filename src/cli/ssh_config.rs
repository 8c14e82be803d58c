//! `env ssh-config`.

use super::Run;
use super::options::{Machines, Output, Which};
use super::session::{Purpose, Session};
use crate::engine::{self, FIND_HOST_KEY, SshAccess, World};
use crate::model::observed::State;
use crate::model::{Error, Result};
use crate::ui::{exit, json};
use clap::Args;
use serde::Serialize;
use std::path::Path;

/// Print a configuration with which ssh reaches machines made from a box
#[derive(Debug, Args)]
#[command(
    name = "ssh-config",
    after_help = "\
Machines are called MACHINE.STACK. No sshd runs in containers and no port is opened: each
connection goes through `env exec`. VMs are reached at their own address. Run it again after
a machine was rebuilt, because its host key is another one then.

Examples:
  env ssh-config > ~/.ssh/shop.conf     with `Include shop.conf` in ~/.ssh/config: ssh db.shop
  ssh -F <(env ssh-config) db.shop"
)]
pub struct SshConfig {
    #[command(flatten)]
    machines: Machines,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Document<'a> {
    hosts: Vec<Host<'a>>,
}

#[derive(Serialize)]
struct Host<'a> {
    host: String,
    machine: &'a str,
    host_name: String,
    user: &'static str,
    key: &'a Path,
    known_hosts: &'a Path,
    host_key_alias: String,
    proxy_command: String,
}

impl Run for SshConfig {
    fn output(&self) -> &Output {
        &self.which.output
    }

    fn run(self, session: &Session) -> Result<u8> {
        let world = session.open(&self.which, Purpose::Change)?;
        let machines = self.reachable(&world)?;
        let access = engine::ssh_access(&world, machines, &session.context())?;
        let hosts: Vec<Host<'_>> =
            access.machines.keys().map(|machine| self.host(&world, &access, machine)).collect();
        if session.json {
            json::document(&session.printer, &Document { hosts });
        } else {
            session.printer.result(&hosts.iter().map(block).collect::<Vec<_>>().join("\n"));
        }
        Ok(exit::DONE)
    }
}

impl SshConfig {
    /// Machines made from a box that run; those that were asked for by name must.
    fn reachable(&self, world: &World) -> Result<Vec<String>> {
        let chosen = self.machines.existing(world)?;
        let observed = engine::observe(world)?.observed;
        let reachable = observed.machines.iter().filter(|machine| {
            machine.is_box && machine.state == State::Running && chosen.contains(&machine.name)
        });
        let reachable: Vec<String> = reachable.map(|machine| machine.name.clone()).collect();
        if reachable.is_empty() {
            return Err(Error::failed("no machine that ssh could reach runs")
                .hint("`env up` starts them; only machines made from a box have an sshd"));
        }
        Ok(reachable)
    }

    fn host<'a>(&self, world: &World, access: &'a SshAccess, machine: &'a str) -> Host<'a> {
        let (host_name, proxy_command) = way_to(&self.which, world, access, machine);
        Host {
            host: format!("{machine}.{}", world.identity.name),
            machine,
            host_name,
            user: "root",
            key: &access.key,
            known_hosts: &access.known_hosts,
            host_key_alias: world.identity.machine(machine),
            proxy_command,
        }
    }
}

/// Where ssh connects to, and the command through which it does.
pub(super) fn way_to(which: &Which, world: &World, access: &SshAccess, machine: &str) -> (String, String) {
    match access.machines.get(machine).copied().flatten() {
        // Whatever else the user's configuration says of all hosts.
        Some(address) => (address.to_string(), "none".to_owned()),
        None => {
            let name = format!("{machine}.{}", world.identity.name);
            (name, proxy_command(which, world, access, machine))
        }
    }
}

fn proxy_command(which: &Which, world: &World, access: &SshAccess, machine: &str) -> String {
    let mut words = vec![world.program.to_string_lossy().into_owned(), "exec".into(), "--no-tty".into()];
    words.extend(["--file".into(), world.stack.file.to_string_lossy().into_owned()]);
    for (option, value) in [("--env", &which.environment), ("--name", &which.name)] {
        words.extend(value.iter().flat_map(|value| [option.to_owned(), value.clone()]));
    }
    words.extend([machine.to_owned(), "--".into(), "sh".into(), "-c".into(), sshd(&access.public_key)]);
    // A percent sign begins one of ssh's own words.
    shell_words::join(words).replace('%', "%%")
}

/// One sshd for one connection, which lets in the checkout's key and nothing else; no file in the machine is changed.
fn sshd(public_key: &str) -> String {
    format!(
        "mkdir -p /run/sshd && {FIND_HOST_KEY} && exec /usr/sbin/sshd -i -h $key -o AuthorizedKeysFile=none -o AuthorizedKeysCommandUser=nobody \
         -o 'AuthorizedKeysCommand=/bin/echo {public_key}'"
    )
}

fn block(host: &Host<'_>) -> String {
    format!(
        "Host {}\n  HostName {}\n  User {}\n  IdentityFile \"{}\"\n  IdentitiesOnly yes\n  UserKnownHostsFile \"{}\"\n  \
         HostKeyAlias {}\n  StrictHostKeyChecking yes\n  ProxyCommand {}\n",
        host.host,
        host.host_name,
        host.user,
        host.key.display(),
        host.known_hosts.display(),
        host.host_key_alias,
        host.proxy_command
    )
}
