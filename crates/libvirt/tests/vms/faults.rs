//! What goes wrong around VMs, on a libvirt of the test's own: said clearly, and nothing is lost.

use super::gate::Gate;
use super::private::{Private, pause, uri};
use super::stage::{Stage, program};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const VM: &str = r#"
name = "small"
[machine.web]
box = "debian/12"
provider = "libvirt"
memory = "256MiB"
[[machine.web.provision]]
shell = "echo made >>/root/made"
"#;

/// A run that goes on until the test ends it.
struct Up {
    child: Child,
}

impl Up {
    fn start(stage: &Stage, uri: &str) -> Self {
        let mut command = stage.command(&program("env"), "up --json");
        command.env("LIBVIRT_DEFAULT_URI", uri).stdout(Stdio::piped()).stderr(Stdio::inherit());
        Self { child: command.spawn().unwrap() }
    }

    /// Reads on until it says this; `false` when it ended before.
    fn until(&mut self, text: &str) -> bool {
        let lines = BufReader::new(self.child.stdout.as_mut().unwrap()).lines();
        lines.map_while(Result::ok).any(|line| line.contains(text))
    }

    fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    fn end(mut self) -> i32 {
        while self.until("\u{0}") {}
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        pause(100);
    }
}

/// Everything of a stack that a libvirt knows.
fn left(libvirt: &Private, prefix: &str) -> Vec<String> {
    let said =
        ["list --all --name", "net-list --all --name", "vol-list envup"].map(|words| libvirt.virsh(words));
    said.iter()
        .flat_map(|said| said.lines())
        .filter(|line| line.contains(prefix))
        .map(str::to_owned)
        .collect()
}

/// How many calls a creation takes until the machine boots.
fn calls_of_a_creation(libvirt: &Private, stage: &Stage) -> usize {
    let gate = Gate::after(usize::MAX, libvirt);
    let mut up = Up::start(stage, &uri(&gate.socket()));
    assert!(up.until("its ssh server"), "it boots");
    let calls = gate.calls();
    up.kill();
    stage.env("destroy --yes").exits(0);
    calls
}

/// Kills `env` after ten calls that lie evenly over the creation. After every other one, `destroy` leaves nothing; after the others
/// the next run starts upon what was left.
fn kill_at_ten_points(libvirt: &Private, stage: &Stage, calls: usize) {
    for point in 1..=10 {
        let gate = Gate::after(calls * point / 10, libvirt);
        let up = Up::start(stage, &uri(&gate.socket()));
        wait_until("the call is made", || gate.is_closed());
        up.kill();
        if point % 2 == 1 {
            stage.env("destroy --yes").exits(0);
            assert_eq!(left(libvirt, &stage.prefix("small")), Vec::<String>::new(), "after call {point}/10");
        }
    }
}

#[test]
fn killed_anywhere_a_creation_goes_on_or_goes_away() {
    let libvirt = Private::start("700m");
    let stage = Stage::new(VM).on(&uri(&libvirt.socket()));
    // The first brings the box there.
    calls_of_a_creation(&libvirt, &stage);
    let calls = calls_of_a_creation(&libvirt, &stage);
    assert!(calls > 30, "{calls} calls are no creation");
    kill_at_ten_points(&libvirt, &stage, calls);
    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    stage.env("destroy --yes").exits(0);
    assert_eq!(left(&libvirt, &stage.prefix("small")), Vec::<String>::new());
}

#[test]
fn a_vm_outlives_libvirts_daemon_and_says_why_it_stands_still() {
    let mut libvirt = Private::start("700m");
    let stage = Stage::new(VM).on(&uri(&libvirt.socket()));

    // While it boots, libvirt's daemon goes and comes.
    let mut up = Up::start(&stage, &uri(&libvirt.socket()));
    assert!(up.until("its ssh server"), "it boots");
    libvirt.kill_daemon();
    pause(1000);
    libvirt.start_daemon();
    assert_eq!(up.end(), 0);
    stage.env("plan").exits(0);
    assert_eq!(stage.env("exec web -- cat /root/made").exits(0).stdout, "made\n");
    let name = format!("{}web", stage.prefix("small"));

    // The disk of this host is full: the machine stands still, and it is said why.
    let write = "exec web -- sh -c dd<IFS>if=/dev/zero<IFS>of=/root/big<IFS>bs=1M<IFS>count=500;sync";
    let words: Vec<String> = write.split(' ').map(|word| word.replace("<IFS>", " ")).collect();
    let mut writes = stage.command(&program("env"), "");
    let mut writes = writes.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the disk is full", || libvirt.virsh(&format!("domstate {name}")).contains("paused"));
    assert!(stage.env("status").stdout.contains("paused"));
    let full = stage.env("exec web -- true").exits(125);
    assert!(
        full.stderr.contains("could not write its disk") && full.stderr.contains("make room"),
        "{}",
        full.stderr
    );
    let _ = writes.kill();
    writes.wait().unwrap();
}

#[test]
fn who_may_not_use_libvirt_is_told_how_to() {
    let stage = Stage::new(VM);
    // A socket that is there and not for everybody.
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("libvirt-sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let open = |path: &std::path::Path, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&socket, 0o700);
    open(place.path(), 0o755);
    for name in ["env", "env-libvirt"] {
        // Where the build lies, others may not look.
        let copied = Command::new("cp").arg(program(name)).arg(place.path()).status().unwrap();
        assert!(copied.success());
    }
    std::fs::copy(stage.directory().join("Envfile"), place.path().join("Envfile")).unwrap();
    let data = tempfile::tempdir().unwrap();
    open(data.path(), 0o777);
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(place.path().join("env"))
        .arg("up")
        .current_dir(place.path())
        .env("ENVUP_DATA_DIR", data.path())
        .env("LIBVIRT_DEFAULT_URI", uri(&socket))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains("usermod -aG libvirt"), "{said}");
}
