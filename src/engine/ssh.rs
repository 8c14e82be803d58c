//! What the system's OpenSSH needs to reach machines made from a box: a key of the checkout's own, and the machines' host
//! keys. Where no sshd runs in a machine, one is started for each connection, through the provider.

use super::{World, connect};
use crate::event::Context;
use crate::model::{Error, Result};
use crate::state::{Access, SshKey, write_bytes};
use crate::transport::{Captured, Command};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Sets `key` to the machine's host key. One of ours where it has none: in a directory that belongs to us, so that who only asks
/// for the way into a machine changes nothing of what it is.
pub const FIND_HOST_KEY: &str =
    "key=/etc/ssh/ssh_host_ed25519_key; [ -f $key ] || key=/var/lib/envup/ssh_host_ed25519_key";

/// Makes the host key when there is none, and tells its public half.
const MAKE_HOST_KEY: &str = "mkdir -p -m 700 ${key%/*}; \
    [ -f $key ] || ssh-keygen -q -t ed25519 -N '' -f $key || exit 1; cut -d' ' -f1,2 $key.pub";

/// Where ssh finds what it needs, and for whom.
#[derive(Debug)]
pub struct SshAccess {
    /// The private key.
    pub key: PathBuf,
    /// Its public half, type and value.
    pub public_key: String,
    /// The machines' host keys.
    pub known_hosts: PathBuf,
    /// Machines that can be reached, with the address at which their own sshd answers, where they have one.
    pub machines: BTreeMap<String, Option<IpAddr>>,
}

/// Prepares these machines, which run.
pub fn ssh_access(world: &World, machines: Vec<String>, context: &Context) -> Result<SshAccess> {
    let directory = world.project.private_directory();
    let SshKey { private: key, public: public_key } = SshKey::of(directory)?;
    let mut lines = String::new();
    for machine in &machines {
        lines += &format!("{} {}\n", world.identity.machine(machine), host_key(world, machine, context)?);
    }
    let known_hosts = directory.join(format!("known_hosts-{}", world.identity.name));
    write_bytes(&known_hosts, Access::Private, lines.as_bytes())?;
    let machines = machines.into_iter().map(|machine| Ok((machine.clone(), own_sshd(world, &machine)?)));
    let machines = machines.collect::<Result<_>>()?;
    Ok(SshAccess { key, public_key, known_hosts, machines })
}

fn own_sshd(world: &World, machine: &str) -> Result<Option<IpAddr>> {
    let provider = world.provider_of(machine, None)?;
    match provider.capabilities().sshd {
        true => provider.direct_address(&world.identity, machine),
        false => Ok(None),
    }
}

fn host_key(world: &World, machine: &str, context: &Context) -> Result<String> {
    let mut captured = Captured::default();
    let script = format!("{FIND_HOST_KEY}; {MAKE_HOST_KEY}");
    let command = Command::new(["sh", "-c", &script]);
    let exit = connect(world, machine)?.exec(command, &mut captured, context)?;
    if exit.code != 0 {
        return Err(Error::failed(format!("cannot make a host key in {machine}"))
            .detail(String::from_utf8_lossy(&captured.stderr)));
    }
    Ok(String::from_utf8_lossy(&captured.stdout).trim().to_owned())
}
