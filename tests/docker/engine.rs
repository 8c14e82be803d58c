//! The engine as others see it, through the docker command; everything that a stack left in it; and the image of most
//! machines.

use crate::support::docker;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Runs `docker` with these words, split as a shell splits them.
#[track_caller]
pub fn docker(words: &str) -> String {
    let words = shell_words::split(words).unwrap();
    docker::docker(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same when it may fail: what it printed, if it did well.
pub fn try_docker(words: &str) -> Option<String> {
    let output = Command::new("docker").args(shell_words::split(words).ok()?).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Names of containers, networks and volumes that begin with a prefix, also of those that only live for a moment.
pub fn things(prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, words, field) in [
        ("container", "ps -a", "{{.Names}}"),
        ("network", "network ls", "{{.Name}}"),
        ("volume", "volume ls", "{{.Name}}"),
    ] {
        let names = try_docker(&format!("{words} --filter name={prefix} --format '{field}'"));
        let names = names.unwrap_or_default();
        let ours = names.lines().filter(|name| name.starts_with(prefix));
        found.extend(ours.map(|name| format!("{kind} {name}")));
    }
    found
}

/// Removes everything whose name begins with a prefix.
pub fn clean(prefix: &str) {
    let things = things(prefix);
    for (kind, how) in [("container ", "rm -f -v"), ("network ", "network rm"), ("volume ", "volume rm -f")] {
        let names: Vec<&str> = things.iter().filter_map(|thing| thing.strip_prefix(kind)).collect();
        if !names.is_empty() {
            let _ = try_docker(&format!("{how} {}", names.join(" ")));
        }
    }
    let images = try_docker("images --format {{.Repository}}:{{.Tag}}").unwrap_or_default();
    for image in images.lines().filter(|name| name.starts_with(prefix)) {
        let _ = try_docker(&format!("rmi -f {image}"));
    }
}

/// The first three numbers of addresses that no other test and no other test run uses.
pub fn prefix(number: u32) -> String {
    let unique = (std::process::id() * 4 + number) % (64 * 256);
    format!("10.{}.{}", 192 + unique / 256, unique % 256)
}

const IMAGE: &str = "envup-e2e";

/// The image of most machines: a static busybox that rests until it is asked to end. Made once, for this process; with
/// `-again` behind it, it is the same under another name.
pub fn image() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        remove_old_images();
        let name = format!("{IMAGE}:{}", std::process::id());
        let mut import = Command::new("docker")
            .args(["import", "--change", r#"CMD ["/bin/sh", "/bin/rest"]"#, "-", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        import.stdin.take().unwrap().write_all(&archive()).unwrap();
        assert!(import.wait().unwrap().success());
        docker(&format!("tag {name} {name}-again"));
        remove_image_at_exit();
        name
    })
}

/// Nobody tells a test binary that its last test is over but the end of the process itself.
#[allow(unsafe_code)]
fn remove_image_at_exit() {
    extern "C" fn remove() {
        let name = format!("{IMAGE}:{}", std::process::id());
        let _ = try_docker(&format!("rmi {name} {name}-again"));
    }
    // SAFETY: the handler takes nothing and never unwinds: it only runs a program and looks away.
    unsafe { libc::atexit(remove) };
}

/// A killed test binary leaves its image to the next.
fn remove_old_images() {
    for tag in docker(&format!("images --format {{{{.Tag}}}} {IMAGE}")).lines() {
        let process = tag.split('-').next().unwrap_or_default();
        if !std::path::Path::new("/proc").join(process).exists() {
            let _ = try_docker(&format!("rmi {IMAGE}:{tag}"));
        }
    }
}

/// Does nothing, and ends at once when asked to.
const REST: &str = "trap 'exit 0' TERM INT\nwhile :; do sleep 1000 & wait $!; done\n";

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    for path in ["bin", "etc", "tmp", "run", "var", "proc", "sys", "dev", "root"] {
        builder.append_data(&mut header, path, std::io::empty()).unwrap();
    }
    builder.append_path_with_name("/bin/busybox", "bin/busybox").unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    for (path, text) in [
        ("bin/rest", REST),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n"),
        ("etc/group", "root:x:0:\napp:x:1000:\n"),
    ] {
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    let applets = Command::new("/bin/busybox").arg("--list").output().unwrap().stdout;
    for applet in String::from_utf8(applets).unwrap().lines().filter(|applet| *applet != "busybox") {
        builder.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
    }
    builder.into_inner().unwrap()
}
