//! What cannot work in the real world: taken ports, no engine, no rights, no image, no room. A clear message, the right code,
//! and nothing half-made that stays.

use super::engine::docker;
use super::running::{Running, wait_until};
use super::stack::Stack;
use crate::support::PROGRAM;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_taken_port_names_who_has_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let envfile = format!("[machine.web]\nimage = \"IMAGE\"\nports = [\"{port}:80\"]\n");
    let stack = Stack::new(&envfile);
    let pid = format!("(pid {})", std::process::id());
    stack.env("up").exits(1).stderr_has(&format!("127.0.0.1:{port}")).stderr_has(&pid).stderr_has("auto:");
    drop(listener);
    stack.up();

    let other = Stack::new(&envfile);
    other.env("up").exits(1).stderr_has(&format!("container {}", stack.container("web")));
    other.env("destroy --yes").succeeds();
    assert_eq!(other.things(), Vec::<String>::new());
    stack.nothing_to_do();
}

#[test]
fn a_missing_image_leaves_no_machine() {
    let stack = Stack::new("[machine.web]\nimage = \"localhost:1/none/such:1\"\n");
    stack.env("up").exits(1).stderr_has("cannot pull image localhost:1/none/such:1").stderr_has("hint:");
    assert!(!stack.things().iter().any(|thing| thing.starts_with("container")), "{:?}", stack.things());
    stack.env("destroy --yes").succeeds();
    assert_eq!(stack.things(), Vec::<String>::new());
}

#[test]
fn no_daemon_is_told_with_what_to_do() {
    let stack = Stack::new("[machine.web]\nimage = \"app\"\n");
    let missing = format!("unix://{}", stack.project.path("none.sock").display());
    for verb in ["up", "plan", "status"] {
        let run = stack.project.command(&[verb]).var("DOCKER_HOST", &missing).run();
        run.exits(69).stderr_has("cannot be reached").stderr_has("hint:");
    }
    // A socket that nobody listens at.
    drop(std::os::unix::net::UnixListener::bind(stack.project.path("dead.sock")).unwrap());
    let dead = format!("unix://{}", stack.project.path("dead.sock").display());
    let run = stack.project.command(&["up"]).var("DOCKER_HOST", &dead).run();
    run.exits(69).stderr_has("cannot be reached").stderr_has("hint:");
}

#[test]
fn no_permission_on_the_socket_names_the_group() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can become somebody who may not
    }
    let place = tempfile::Builder::new().prefix("envup-test-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("env");
    // By a process of its own: a child of another test could hold our copy open for writing, and then nobody may run it.
    assert!(Command::new("cp").args([PROGRAM.as_ref(), program.as_os_str()]).status().unwrap().success());
    let directory = place.path().join("project");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("Envfile"), "[machine.web]\nimage = \"app\"\n").unwrap();
    assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(&directory).status().unwrap().success());
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([program.as_os_str(), "up".as_ref()])
        .current_dir(&directory)
        .env("HOME", &directory)
        .env("ENVUP_DATA_DIR", directory.join("data"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{stderr}");
    assert!(stderr.contains("docker") && stderr.contains("group") && stderr.contains("hint:"), "{stderr}");
}

/// A stack from a box, a data directory of its own, and something that stands in for mmdebstrap.
struct Workshop {
    stack: Stack,
    data: PathBuf,
}

impl Workshop {
    fn new(mmdebstrap: &str) -> Self {
        let stack = Stack::new("[machine.server]\nbox = \"debian/12\"\n");
        let fake = stack.project.path("fake/mmdebstrap");
        stack.project.write("fake/mmdebstrap", &format!("#!/bin/sh\n{mmdebstrap}\n"));
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
        let data = stack.project.directory().with_file_name("own-data");
        fs::create_dir(&data).unwrap();
        Self { stack, data }
    }

    fn run(&self, verb: &str) -> crate::support::Run {
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.stack.project.path("fake").display());
        self.stack
            .project
            .command(&[verb])
            .var("ENVUP_DATA_DIR", self.data.to_str().unwrap())
            .var("PATH", &path)
    }

    /// Nothing of a box is there, half or whole.
    #[track_caller]
    fn is_empty(&self) {
        let files: Vec<PathBuf> = walkdir::WalkDir::new(self.data.join("boxes"))
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file() && entry.path().extension() != Some("lock".as_ref()))
            .map(|entry| entry.into_path())
            .collect();
        assert_eq!(files, Vec::<PathBuf>::new());
        assert!(!self.stack.things().iter().any(|thing| thing.starts_with("container")));
    }
}

/// A file system with room for little.
struct Small(PathBuf);

impl Small {
    fn mount(path: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "envup-test"]).arg(path);
        mount.status().is_ok_and(|status| status.success()).then(|| Self(path.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_while_a_box_is_built_leaves_no_half_box() {
    let workshop = Workshop::new("echo 'I: creating tarball...' >&2; head -c 8000000 /dev/zero");
    let Some(small) = Small::mount(&workshop.data) else { return };
    workshop.run("up").run().exits(1).stderr_has("No space left on device").stderr_has("hint:");
    workshop.is_empty();
    drop(small);
}

#[test]
fn an_interrupted_build_ends_with_all_its_processes() {
    let workshop = Workshop::new("echo 'I: creating tarball...' >&2; head -c 100000 /dev/zero; sleep 4711");
    let mut up = Running::start(workshop.run("up"));
    up.until_says("creating tarball");
    up.interrupt();
    let (code, said) = up.end();
    assert_eq!(code, 130, "{said}");
    workshop.is_empty();
    wait_until("the build's processes end", || !is_running("sleep\u{0}4711\u{0}"));
}

#[test]
fn a_killed_build_is_swept_by_the_next() {
    let workshop = Workshop::new("echo 'I: creating tarball...' >&2; head -c 100000 /dev/zero; sleep 4712");
    let mut up = Running::start(workshop.run("up"));
    up.until_says("creating tarball");
    up.kill();
    workshop.stack.project.write("fake/mmdebstrap", "#!/bin/sh\necho 'E: no mirror' >&2\nexit 1\n");
    workshop.run("up").run().exits(1).stderr_has("no mirror");
    workshop.is_empty();
    wait_until("the build's processes end", || !is_running("sleep\u{0}4712\u{0}"));
}

/// Whether a process of this host was started with these words.
fn is_running(words: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok())
        .any(|line| line.starts_with(words))
}

#[test]
fn what_breaks_while_a_machine_is_made_is_told_and_mended() {
    // The engine refuses the machine itself.
    let stack = Stack::new("[machine.web]\nimage = \"IMAGE\"\ncommand = [\"/no/such/program\"]\n");
    stack.env("up").exits(1).stderr_has("cannot start machine web").stderr_has("/no/such/program");
    stack.envfile("[machine.web]\nimage = \"IMAGE\"\n");
    stack.up();
    // It ends while others are brought up.
    stack.envfile(
        "[machine.web]\nimage = \"IMAGE\"\ncommand = \"sh -c 'echo so sad; exit 7'\"\n\
         [machine.slow]\nimage = \"IMAGE\"\nready = { cmd = \"sleep 2\" }\n",
    );
    stack.env("up").exits(1).stderr_has("code 7");
    let status = stack.env("status --json").succeeds().json();
    let web = &status["machines"][1];
    assert_eq!((&web["state"], &web["exit_code"]), (&"failed".into(), &7.into()), "{status}");
    // It never becomes ready.
    stack.envfile("[machine.web]\nimage = \"IMAGE\"\nready = { tcp = 81, timeout = \"1s\" }\n");
    stack.env("up").exits(1).stderr_has("did not become ready within 1.0s").stderr_has("81");
    assert_eq!(docker(&format!("inspect -f {{{{.State.Running}}}} {}", stack.container("web"))), "true");
}
