//! `env drift` when something breaks: interrupted, cut off, or with damaged files of ours. Never "in sync", nothing left running.

use super::engine::docker;
use super::running::wait_until;
use super::stack::Stack;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

const STACK: &str = "[machine.app]\nimage = \"IMAGE\"\n";

fn up() -> Stack {
    let stack = Stack::new(STACK);
    stack.up();
    stack
}

/// The directory of the only machine's baseline.
fn baseline(stack: &Stack) -> PathBuf {
    let projects = fs::read_dir(stack.project.data().join("projects")).unwrap().flatten();
    let baselines = projects.map(|project| project.path().join("baselines")).find(|path| path.is_dir());
    fs::read_dir(baselines.unwrap()).unwrap().flatten().next().unwrap().path()
}

fn agents(stack: &Stack) -> String {
    stack.inside("app", "ps -o args | grep -c '[e]nvup-agent' || true")
}

#[test]
fn who_goes_away_leaves_nothing_running() {
    let stack = up();
    // Nothing but zeros, and enough of them to be at it for minutes.
    stack.inside("app", "truncate -s 400G /srv-large");
    let run = || {
        let drift = stack.start("drift --level full");
        wait_until("the agent is at work", || agents(&stack) == "1");
        drift
    };
    let drift = run();
    drift.interrupt();
    let (code, said) = drift.end();
    assert_eq!(code, 130, "{said}");
    assert!(!said.contains("in sync"), "{said}");
    wait_until("the agent ends with an interrupted caller", || agents(&stack) == "0");
    run().kill();
    wait_until("the agent ends with a killed caller", || agents(&stack) == "0");
    // An agent that is killed has not looked at everything.
    let drift = run();
    stack.inside("app", "kill -9 $(pidof envup-agent)");
    let (code, said) = drift.end();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("the agent ended without an answer") && !said.contains("in sync"), "{said}");
}

/// A socket before the engine that hands on so many bytes of what a command says, then hangs up.
fn cutting(path: &Path, bytes: usize) -> String {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut engine = UnixStream::connect("/var/run/docker.sock").unwrap();
            let (mut answers, mut back) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || hand_on(&mut client, &mut engine, usize::MAX));
            std::thread::spawn(move || hand_on(&mut answers, &mut back, bytes));
        }
    });
    format!("unix://{}", path.display())
}

/// Hands on what comes. Once the connection is a command's own, only so many bytes.
fn hand_on(from: &mut UnixStream, to: &mut UnixStream, most: usize) {
    let mut buffer = [0; 16 * 1024];
    let mut left = usize::MAX;
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if most < usize::MAX && buffer.starts_with(b"HTTP/1.1 101") {
            left = count + most;
        }
        let count = count.min(left);
        left -= count;
        if to.write_all(&buffer[..count]).is_err() || left == 0 {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn an_answer_that_is_cut_is_no_answer() {
    let stack = up();
    for bytes in [0, 1, 9, 2000] {
        let host = cutting(&stack.project.path(&format!("{bytes}.sock")), bytes);
        let drift = stack.project.command(&["drift"]).var("DOCKER_HOST", &host).run().exits(3);
        assert!(!drift.stdout.contains("in sync") && drift.stdout.contains('?'), "{drift}");
    }
    let nobody = format!("unix://{}", stack.project.path("nobody.sock").display());
    stack.project.command(&["drift"]).var("DOCKER_HOST", &nobody).run().exits(69).stderr_has("docker");
    stack.env("drift").succeeds();
}

#[test]
fn damaged_baselines_are_told_and_damaged_caches_ignored() {
    let stack = up();
    let baseline = baseline(&stack);
    for cache in ["files.cache", "latest.cache"] {
        fs::write(baseline.join(cache), "damaged").unwrap();
        stack.env("drift").succeeds().stdout_has("in sync");
    }
    // A cache that cannot be kept only makes the next one slow.
    let _ = fs::remove_file(baseline.join("latest.cache"));
    stack.inside("app", "echo x > /etc/x");
    fs::create_dir_all(baseline.join("latest.cache/full")).unwrap();
    stack.env("drift").exits(2).stdout_has("/etc/x");
    fs::remove_dir_all(baseline.join("latest.cache")).unwrap();

    let file = baseline.join("fingerprint.json");
    let good = fs::read_to_string(&file).unwrap();
    for (text, said) in [
        (good.replace("\"version\":1", "\"version\":99"), "version 99"),
        (good[..good.len() / 2].to_owned(), "cannot use the baseline"),
        (good.replace("/bin/sh", "/bin/xx"), "cannot use the baseline"),
        (String::new(), "cannot use the baseline"),
    ] {
        fs::write(&file, text).unwrap();
        stack.env("drift").exits(3).stdout_has(said).stdout_has("env accept");
    }
    fs::remove_file(&file).unwrap();
    stack.env("drift").exits(3).stdout_has("no baseline").stdout_has("env accept");
    stack.env("accept --yes").succeeds();
    stack.env("drift").succeeds();
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let stack = up();
    stack.inside("app", "for i in $(seq 200); do echo $i > /etc/$i; done");
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| stack.env("drift --json").exits(2).stdout));
        let [one, other] = both.map(|run| run.join().unwrap());
        assert_eq!(one, other);
    });
}

#[test]
fn what_is_not_there_is_told() {
    let stack = Stack::new(STACK);
    stack.env("drift").exits(2).stdout_has("machine");
    stack.env("drift nobody").exits(64).stderr_has("nobody");
    stack.up();
    let (container, image) = (stack.container("app"), super::engine::image());
    docker(&format!("rm -f {container}"));
    docker(&format!("run -d --name {container} {image}"));
    let drift = stack.env("drift");
    assert!(drift.code != 0 && !drift.stdout.contains("in sync"), "{drift}");
    docker(&format!("rm -f {container}"));
    fs::remove_file(stack.project.path("Envfile")).unwrap();
    stack.env("drift").exits(64).stderr_has("Envfile");
}
