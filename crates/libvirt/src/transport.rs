//! The way into a VM: ssh to its address, with the checkout's key and the host key that the VM was given, once its sshd answers.

use envup::event::{Context, Event};
use envup::model::{Error, Kind, Result};
use envup::transport::ssh::{SshTarget, SshTransport};
use envup::transport::{Command, Exit, Output, Transport};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What every ssh server says first.
const BANNER: &[u8] = b"SSH-";

/// How long a connection may take to be made, and the pauses between two tries.
const TRY: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(50);

/// How long a server that took the connection may take to speak. Each connection costs a machine that just boots a process: who
/// gives up early and comes again keeps it from ever answering.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a VM may take until its sshd answers. In software, beside others, a boot takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

/// Looks at a machine that does not answer; says why it cannot.
pub type Look = dyn Fn() -> Result<()> + Send + Sync;

/// A way into one VM; clones share one connection.
#[derive(Clone)]
pub struct VmTransport {
    machine: String,
    address: Ipv4Addr,
    /// Fails when it makes no sense to wait for an answer.
    look: Arc<Look>,
    has_answered: Arc<AtomicBool>,
    ssh: SshTransport,
}

impl VmTransport {
    /// A way to this machine; nothing is connected yet.
    pub fn new(
        machine: &str,
        address: Ipv4Addr,
        target: SshTarget,
        runtime: &std::path::Path,
        look: Arc<Look>,
    ) -> Result<Self> {
        let ssh = SshTransport::new(target, runtime)?;
        Ok(Self { machine: machine.to_owned(), address, look, has_answered: Arc::default(), ssh })
    }

    /// Waits until it can be connected to.
    pub fn ready(&self, context: &Context) -> Result<()> {
        if self.has_answered.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.boots(context)
    }

    /// Waits until it can be connected to, because it may just have been started.
    pub fn boots(&self, context: &Context) -> Result<()> {
        let what = format!("waiting for the ssh server of {}", self.machine);
        let patience = context.within(PATIENCE);
        let (mut told, mut has_kernel) = (false, false);
        loop {
            let seen = match self.answers(has_kernel, context)? {
                Ok(()) => break,
                Err(seen) => seen,
            };
            (self.look)()?;
            has_kernel |= matches!(seen, Seen::Kernel(_));
            if let (false, Seen::Nothing(detail) | Seen::Kernel(detail)) = (told, seen) {
                let (machine, requirement) = (self.machine.clone(), "its ssh server".to_owned());
                context.emit(Event::Waiting { machine, requirement, detail });
                told = true;
            }
            patience.sleep(PAUSE, &what).map_err(|error| match error.kind {
                Kind::Interrupted => error,
                _ => self.silent(),
            })?;
        }
        self.has_answered.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether it answers now. Each connection that its sshd takes costs a machine that just boots a process and half a second: once
    /// its kernel is there, it is `ssh` itself that tries, so that the first connection is the one that stays.
    fn answers(&self, has_kernel: bool, context: &Context) -> Result<std::result::Result<(), Seen>> {
        if !has_kernel {
            return Ok(banner(self.address));
        }
        match self.ssh.reach(context) {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.kind == Kind::Incomplete => Ok(Err(Seen::Kernel(error.message))),
            Err(error) => Err(of_a_vm(&self.machine, error)),
        }
    }

    fn silent(&self) -> Error {
        let (machine, address) = (&self.machine, self.address);
        Error::new(
            Kind::Incomplete,
            format!("{machine} runs, but its ssh server does not answer at {address}"),
        )
        .hint("`virsh console` shows what it does; a VM of too little memory may not come up")
    }
}

/// The hints of ssh are about hosts that others keep; the keys of a VM are in it from before it first booted. Nothing can be told
/// about one that is not to be trusted or does not trust us.
fn of_a_vm(machine: &str, mut error: Error) -> Error {
    let why = if error.message.contains("the host key of") {
        format!(
            "it is not the key that {machine} was given when it was made: find out who changed it, with `virsh console`"
        )
    } else if error.message.contains("does not let us in") {
        format!(
            "the key of this checkout is not in /root/.ssh/authorized_keys of {machine} any more: put it back with `virsh console`"
        )
    } else {
        return error;
    };
    error.kind = Kind::Incomplete;
    error.hints =
        vec![why, format!("`env rebuild {machine}` makes the machine anew, with keys that are known")];
    error
}

/// What was seen of a machine that does not answer yet.
enum Seen {
    /// Nothing that would know of connections.
    Nothing(String),
    /// Its kernel, which refuses connections as long as no sshd runs.
    Kernel(String),
}

/// Looks for the banner of an sshd. A connection alone says nothing.
fn banner(address: Ipv4Addr) -> std::result::Result<(), Seen> {
    let seen = |error: std::io::Error| match error.kind() {
        ErrorKind::ConnectionRefused => Seen::Kernel(error.to_string()),
        _ => Seen::Nothing(error.to_string()),
    };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address, 22)), TRY).map_err(seen)?;
    stream.set_read_timeout(Some(SILENCE)).map_err(seen)?;
    let mut begin = [0; BANNER.len()];
    stream.read_exact(&mut begin).map_err(seen)?;
    if begin == BANNER { Ok(()) } else { Err(Seen::Nothing("something else than ssh answers".to_owned())) }
}

impl Transport for VmTransport {
    fn exec(&self, command: Command, output: &mut dyn Output, context: &Context) -> Result<Exit> {
        self.ready(context)?;
        self.ssh.exec(command, output, context).map_err(|error| of_a_vm(&self.machine, error))
    }

    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, context: &Context) -> Result<()> {
        self.ready(context)?;
        self.ssh.put(archive, directory, context).map_err(|error| of_a_vm(&self.machine, error))
    }

    fn get(&self, path: &str, archive: &mut dyn Write, context: &Context) -> Result<()> {
        self.ready(context)?;
        self.ssh.get(path, archive, context).map_err(|error| of_a_vm(&self.machine, error))
    }

    fn agent(&self, context: &Context) -> Result<String> {
        self.ready(context)?;
        self.ssh.agent(context).map_err(|error| of_a_vm(&self.machine, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_told_about_a_vm_that_trust_is_lost_in() {
        let told = |message: &str| of_a_vm("web", Error::failed(message));
        for (message, hint) in [
            ("the host key of root@10.5.0.9 has changed", "find out who changed it"),
            ("root@10.5.0.9 does not let us in", "authorized_keys of web"),
        ] {
            let error = told(message);
            assert_eq!(error.kind, Kind::Incomplete, "{message}");
            assert!(
                error.hints[0].contains(hint) && error.hints[1].contains("`env rebuild web`"),
                "{error:?}"
            );
        }
        assert_eq!(told("cannot copy files").kind, Kind::Failed);
    }
}
