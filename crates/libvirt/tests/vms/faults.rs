//! Runs that are killed, and users who may not: on a libvirt of the test's own.

use super::gate::Gate;
use super::private::{Private, uri};
use super::run::{Up, wait_until};
use super::stage::{Stage, program};
use std::process::Command;

/// A VM with one step.
pub const VM: &str = r#"
name = "small"
[machine.web]
box = "debian/12"
provider = "libvirt"
memory = "256MiB"
[[machine.web.provision]]
shell = "echo made >>/root/made"
"#;

/// One in which nothing has to be done once it runs.
const BARE: &str = r#"
name = "small"
[machine.web]
box = "debian/12"
provider = "libvirt"
memory = "256MiB"
"#;

/// Everything of a stack that a libvirt knows.
pub fn left(libvirt: &Private, prefix: &str) -> Vec<String> {
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
    let mut up = Up::start(stage, &uri(&gate.socket()), "up");
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
        let up = Up::start(stage, &uri(&gate.socket()), "up");
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
    let stage = Stage::new(BARE).on(&uri(&libvirt.socket()));
    // The first brings the box there.
    calls_of_a_creation(&libvirt, &stage);
    let calls = calls_of_a_creation(&libvirt, &stage);
    assert!(calls > 30, "{calls} calls are no creation");
    kill_at_ten_points(&libvirt, &stage, calls);
    // The last one was killed when all was made: there is nothing left to plan, and still it has to come to its end.
    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    stage.env("drift").exits(0);
    stage.env("destroy --yes").exits(0);
    assert_eq!(left(&libvirt, &stage.prefix("small")), Vec::<String>::new());
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
