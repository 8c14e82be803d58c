//! A host that was there before us: a container from the tests' box whose sshd runs, reached on a port of loopback.
//!
//! ```text
//! let host = Host::start();
//! let project = Project::new(&format!("[machine.web]\n{}", host.keys()));
//! project.env("exec web -- hostname").succeeds();
//! ```
//! Key, host key and known_hosts are its own. It is removed when it is dropped, however the test ended.

use super::docker::docker;
use envup::event::Context;
use envup::model::id::{Identity, ProjectId};
use envup::provider::docker::{DockerProvider, Surroundings};
use envup::provider::{BoxFiles, Operation, Provider};
use envup::transport::ssh::{SshTarget, SshTransport};
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// Lets root in with the key in `$KEY` and serves ssh until it is removed.
const SERVE: &str = "mkdir -p /run/sshd /root/.ssh && echo \"$KEY\" >/root/.ssh/authorized_keys && \
    ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key && exec /usr/sbin/sshd -D -E /var/log/sshd.log";

/// A host with a running sshd; `root` may log in.
pub struct Host {
    /// Of the container.
    pub id: String,
    /// On 127.0.0.1.
    pub port: u16,
    place: TempDir,
}

impl Host {
    /// One with systemd's userland, but only sshd running in it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further options for `docker run`.
    pub fn start_with(options: &[&str]) -> Self {
        let place = tempfile::Builder::new().prefix("envup-host-").tempdir().unwrap();
        make_key(&place.path().join("key"));
        let key = format!("KEY={}", fs::read_to_string(place.path().join("key.pub")).unwrap().trim());
        let label = "envup.test=host";
        let run =
            ["run", "--detach", "--init", "--label", label, "--publish", "127.0.0.1:0:22", "--env", &key];
        let id = docker(&[&run, options, &[image(), "sh", "-c", SERVE]].concat());
        let port = docker(&["port", &id, "22/tcp"]).rsplit_once(':').unwrap().1.parse().unwrap();
        let host = Self { id, port, place };
        super::wait_until("sshd greets", || host.greets());
        let public = host.inside("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
        fs::write(host.known_hosts(), format!("[127.0.0.1]:{port} {public}\n")).unwrap();
        host
    }

    /// How it is reached, without any configuration of the user's.
    pub fn target(&self) -> SshTarget {
        SshTarget {
            host: "127.0.0.1".into(),
            user: Some("root".into()),
            port: Some(self.port),
            identity: Some(self.key()),
            config_file: Some("/dev/null".into()),
            known_hosts: Some(self.known_hosts()),
            sudo: false,
            near: None,
        }
    }

    /// A way to it, with sockets in a directory of the host's own.
    pub fn transport(&self) -> SshTransport {
        SshTransport::new(self.target(), self.sockets()).unwrap()
    }

    /// The keys of a machine in an Envfile that is this host.
    pub fn keys(&self) -> String {
        format!(
            "provider = \"host\"\nhost = \"127.0.0.1\"\nssh = {{ user = \"root\", port = {}, identity = {:?}, known_hosts = {:?} }}\n",
            self.port,
            self.key(),
            self.known_hosts()
        )
    }

    /// The private key that root may log in with.
    pub fn key(&self) -> PathBuf {
        self.place.path().join("key")
    }

    /// The file with its host key.
    pub fn known_hosts(&self) -> PathBuf {
        self.place.path().join("known_hosts")
    }

    /// Where the sockets of [`transport`](Self::transport) lie.
    pub fn sockets(&self) -> PathBuf {
        self.place.path().join("run")
    }

    /// What a shell script in it prints, started by the engine and not over ssh; fails loudly.
    #[track_caller]
    pub fn inside(&self, script: &str) -> String {
        docker(&["exec", &self.id, "sh", "-c", script])
    }

    /// Takes it away: from now on nothing listens there.
    pub fn stop(&self) {
        docker(&["rm", "--force", "--volumes", &self.id]);
    }

    /// Files by our name, wherever we could leave any.
    pub fn files(&self) -> String {
        self.inside(
            "ls -d /tmp/* /var/tmp/* /root/* /dev/shm/* /run/* /var/lib/* 2>/dev/null | grep envup; true",
        )
    }

    /// Everything of ours that could be left behind: files, processes, logins. The pattern does not find itself.
    pub fn traces(&self) -> String {
        let processes = "ps -eo args | grep e[n]vup; ps -eo args | grep '[s]shd: root@'; true";
        self.files() + &self.inside(processes)
    }

    /// Nothing of ours must be left; sshd and what it runs take a moment to see that we are gone.
    #[track_caller]
    pub fn is_left_alone(&self) {
        super::wait_until("nothing of ours is left", || self.traces().is_empty());
    }

    /// How many connections its sshd let in so far.
    pub fn logins(&self) -> usize {
        self.inside("cat /var/log/sshd.log").matches("Accepted publickey").count()
    }

    /// The engine's proxy accepts before anybody listens, so only a greeting counts.
    fn greets(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut greeting = [0; 4];
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-"
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", "--volumes", &self.id]).output();
    }
}

/// Makes a key pair without a passphrase.
pub fn make_key(path: &std::path::Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

/// The tests' box as an image of the engine.
fn image() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let stored = super::debian_box();
        let reference = stored.reference();
        let variables = std::env::vars().filter(|(name, _)| name == "DOCKER_HOST").collect();
        let provider = DockerProvider::new(Surroundings { variables, ..Surroundings::default() });
        let nobody = Identity { id: ProjectId(String::new()), name: String::new(), directory: String::new() };
        let import = Operation::ImportBox { reference: &reference, files: BoxFiles::Archive(&stored.path) };
        provider.apply(&nobody, import, &Context::silent()).unwrap();
        reference
    })
}
