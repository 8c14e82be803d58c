//! A libvirt of the test's own, whose daemon may be ended and whose disk may be full: it sees file systems of its own where
//! libvirt keeps its things, and shares nothing with this host's but the bridges' and subnets' names.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Prepares the file systems, says so, and keeps them as long as its standard input stays open. $1 is a directory, $2 the size
/// of the file system with the disks.
const KEEPER: &str = r#"
set -e
for place in /run/libvirt /var/log/libvirt /var/cache/libvirt; do mkdir -p $place; mount -t tmpfs -o mode=755 own $place; done
mount -t tmpfs -o mode=755,size=$2 own /var/lib/libvirt
mkdir -p /var/lib/libvirt/images /var/lib/libvirt/qemu /var/lib/libvirt/dnsmasq "$1/etc/qemu"
printf 'stdio_handler = "file"\nsecurity_driver = "none"\n' >"$1/etc/qemu.conf"
mount --bind "$1/etc" /etc/libvirt
printf 'unix_sock_dir = "%s"\nauth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\n' "$1" >"$1/libvirtd.conf"
touch "$1/prepared"
exec cat
"#;

/// How long its daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A libvirt that ends with it. Drop it after everything that lives in it.
pub struct Private {
    place: TempDir,
    keeper: Child,
    daemon: Option<Child>,
}

impl Private {
    /// One whose disks have so much room, `700m`.
    pub fn start(room: &str) -> Self {
        assert!(is_root(), "a libvirt of one's own takes root: mounts, and QEMU's files");
        let place = tempfile::Builder::new().prefix("envup-libvirt-").tempdir().unwrap();
        let keeper = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", KEEPER, "keeper"])
            .arg(place.path())
            .arg(room)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut own = Self { place, keeper, daemon: None };
        own.wait_for("the file systems", |own| own.place.path().join("prepared").exists());
        own.start_daemon();
        own
    }

    /// Runs a program where it sees this libvirt's file systems.
    pub fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.keeper.id().to_string(), program]);
        command
    }

    /// Starts its daemon, which must not run.
    pub fn start_daemon(&mut self) {
        let directory = self.place.path();
        let mut command = self.inside("libvirtd");
        command.arg("--config").arg(directory.join("libvirtd.conf"));
        command.arg("--pid-file").arg(directory.join("pid"));
        let log = std::fs::File::create(directory.join("log")).unwrap();
        self.daemon = Some(command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn().unwrap());
        self.wait_for("the daemon", |own| own.ask("uri").is_some());
    }

    /// Ends its daemon at once, as an update or a crash does. The VMs go on.
    pub fn kill_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// Gives its disks so much room from now on.
    pub fn make_room(&self, room: &str) {
        let size = format!("remount,size={room}");
        let done = self.inside("mount").args(["-o", &size, "/var/lib/libvirt"]).status().unwrap();
        assert!(done.success());
    }

    /// Kills the process of a machine, whether the daemon runs or not.
    pub fn kill_process(&self, machine: &str) {
        let script = format!("kill -9 $(cat /run/libvirt/qemu/{machine}.pid)");
        let killed = self.inside("sh").args(["-c", &script]).status().unwrap();
        assert!(killed.success(), "{machine} does not run");
    }

    /// Takes away what does not outlive the host's own run. The daemon must not run.
    pub fn forget_the_run(&self) {
        let emptied = self.inside("find").args(["/run/libvirt", "-mindepth", "1", "-delete"]).status();
        assert!(emptied.unwrap().success());
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.place.path().join("libvirt-sock")
    }

    /// What virsh says.
    pub fn virsh(&self, words: &str) -> String {
        self.ask(words).unwrap_or_else(|| panic!("virsh {words} fails"))
    }

    fn ask(&self, words: &str) -> Option<String> {
        let mut command = Command::new("virsh");
        let output =
            command.args(["-q", "-c", &uri(&self.socket())]).args(words.split(' ')).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn wait_for(&mut self, what: &str, is_there: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !is_there(self) {
            assert!(begin.elapsed() < PATIENCE, "{what} did not come: {}", self.log());
            pause(50);
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.kill_daemon();
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Waits so many milliseconds between two looks.
#[allow(clippy::disallowed_methods)] // nobody interrupts a test
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// How a libvirt with this socket is named.
pub fn uri(socket: &Path) -> String {
    format!("qemu+unix:///system?socket={}", socket.display())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0)
}
