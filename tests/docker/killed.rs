//! `env` is killed as a power failure would, at any moment: the next `up` converges, and `destroy` leaves nothing.

use super::engine::{docker, try_docker};
use super::gate::Gate;
use super::running::{Running, wait_until};
use super::stack::Stack;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn a_step_goes_on_and_is_never_started_twice() {
    let stack = Stack::new(
        "[machine.web]\nimage = \"IMAGE\"\n[[machine.web.provision]]\n\
         shell = \"\"\"\necho begun >> /root/log\nsleep 4\necho ended >> /root/log\n\"\"\"\n\
         [[machine.web.provision]]\nshell = \"echo after >> /root/log\"\n",
    );
    let up = stack.start("up");
    let log = || try_docker(&format!("exec {} cat /root/log", stack.container("web")));
    wait_until("the step begins", || {
        stack.project.path(".envup/id").exists() && log().is_some_and(|log| log.contains("begun"))
    });
    up.kill();
    wait_until("the step sleeps", || sleepers(&stack) == 1);

    let up = stack.start("up");
    assert!(sleepers(&stack) <= 1);
    let (code, said) = up.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(log().unwrap(), "begun\nended\nafter");
    stack.nothing_to_do();
}

#[test]
fn a_changed_step_runs_after_the_old_one_has_ended() {
    let step = |seconds| {
        format!(
            "[machine.web]\nimage = \"IMAGE\"\n[[machine.web.provision]]\n\
             shell = \"echo {seconds} >> /root/log; sleep {seconds}; echo ended >> /root/log\"\n"
        )
    };
    let stack = Stack::new(&step(4));
    let up = stack.start("up");
    let has_begun = || try_docker(&format!("exec {} test -e /root/log", stack.container("web"))).is_some();
    wait_until("the step begins", || stack.project.path(".envup/id").exists() && has_begun());
    up.kill();
    stack.envfile(&step(1));
    stack.env("up --verbose").succeeds().stderr_has("started earlier");
    assert_eq!(stack.inside("web", "cat /root/log"), "4\nended\n1\nended");
    stack.nothing_to_do();
}

fn sleepers(stack: &Stack) -> usize {
    // The machine's own process sleeps for 1000 seconds.
    let listed = stack.inside("web", "ps -o args | grep '^sleep ' | grep -v 1000 || true");
    listed.lines().count()
}

#[test]
fn apt_goes_on_and_is_never_started_twice() {
    let stack = Stack::new(
        "[machine.server]\nbox = \"debian/12\"\n[[machine.server.provision]]\n\
         shell = \"\"\"\necho begun >> /root/log\napt-get -q update\n\
         apt-get -q -y install --no-install-recommends hello\necho ended >> /root/log\n\"\"\"\n",
    );
    let mut up = stack.start("up --verbose");
    up.until_says("Get:1");
    up.kill();
    let up = stack.start("up");
    // A process that apt-get just made to run something has its name for a moment: whose parent is an apt-get does not count.
    let listed = stack.inside("server", "ps -eo pid=,ppid=,comm=");
    let apts = listed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (pid, parent, name) = (words.next()?, words.next()?, words.next()?);
        (name == "apt-get").then_some((pid, parent))
    });
    let apts: HashMap<_, _> = apts.collect();
    let started = apts.values().filter(|parent| !apts.contains_key(**parent)).count();
    assert!(started <= 1, "{listed}");
    let (code, said) = up.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(stack.inside("server", "cat /root/log; hello -g one"), "begun\nended\none");
    stack.nothing_to_do();
}

#[test]
fn a_box_that_still_boots_is_waited_for() {
    let envfile = "[machine.server]\nbox = \"debian/12\"\nenv = { GREETING = \"hi\" }\n\
        [[machine.server.provision]]\nshell = \"systemctl is-active multi-user.target\"\n";
    // Building it takes longer than the gate waits for the next call.
    crate::support::debian_box();
    // The network, the machine, its start, and what follows while it boots.
    std::thread::scope(|scope| {
        for call in [3, 4, 5] {
            scope.spawn(move || {
                let stack = Stack::new(envfile);
                killed_at(&stack, call, Duration::ZERO);
                stack.up();
                stack.inside("server", "grep GREETING=hi /etc/environment");
            });
        }
    });
}

/// A little of everything that takes calls to the engine.
const STACK: &str = r#"
[machine.web]
image = "IMAGE"
networks = ["front", "default"]
volumes = ["data:/data", "/own"]
configs = { site = "/etc/site.conf" }
secrets = ["token"]
ready = { cmd = "test -e /tmp/done" }
provision = [{ shell = "echo once >> /tmp/done" }]

[network.front]
[volume.data]
[config.site]
content = "one"
[secret.token]
file = "token"
"#;

/// Kills `env up` when it has sent its call of this number, without an answer. The engine gets that call as late as is said.
/// `None` when `env` was through before.
fn killed_at(stack: &Stack, call: usize, late: Duration) -> Option<Gate> {
    let gate = Gate::before_late_answer(call, late, stack.project.directory());
    let host = format!("unix://{}", gate.socket().display());
    let up = Running::start(stack.project.command(&["up"]).var("DOCKER_HOST", &host));
    if gate.wait() {
        up.kill();
        return Some(gate);
    }
    let (code, said) = up.end();
    assert_eq!(code, 0, "{said}");
    None
}

#[test]
fn after_any_call_to_the_engine_the_next_up_converges() {
    let last = after_every_call(Duration::ZERO, |stack, call, _| {
        if call.is_multiple_of(2) {
            stack.up();
            is_whole(stack, call);
        }
    });
    assert!(last > 8, "the gate saw no calls");
}

#[test]
fn a_call_that_the_engine_takes_late_hurts_no_up() {
    after_every_call(Duration::from_millis(400), |stack, call, gate| {
        stack.env("up").succeeds();
        gate.wait_until_answered();
        // What it made beside ours is taken away.
        stack.up();
        is_whole(stack, call);
    });
}

/// Kills `env up` after each of its calls in turn, and goes on as is said; then `destroy` must leave nothing. Gives the
/// number of the first call that is not made any more.
fn after_every_call(late: Duration, go_on: impl Fn(&Stack, usize, &Gate) + Sync) -> usize {
    let next = AtomicUsize::new(1);
    let last = AtomicUsize::new(usize::MAX);
    let sweep = || {
        loop {
            let call = next.fetch_add(1, Ordering::SeqCst);
            if call > last.load(Ordering::SeqCst) {
                return;
            }
            let stack = Stack::new(STACK);
            stack.project.write("token", "t0ken");
            let Some(gate) = killed_at(&stack, call, late) else {
                last.fetch_min(call, Ordering::SeqCst);
                continue;
            };
            go_on(&stack, call, &gate);
            gate.wait_until_answered();
            stack.env("destroy --yes --volumes").succeeds();
            assert_eq!(stack.things(), Vec::<String>::new(), "killed at call {call}");
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(sweep))));
    last.into_inner()
}

fn is_whole(stack: &Stack, call: usize) {
    let script = "cat /tmp/done /etc/site.conf /run/secrets/token; ls -d /data /own";
    assert_eq!(stack.inside("web", script), "once\nonet0ken/data\n/own", "killed at call {call}");
}

#[test]
fn a_secret_that_a_killed_run_left_does_not_come_back() {
    let stack = Stack::new(STACK);
    stack.project.write("token", "t0ken");
    let gate = Gate::before_answer_to("/rename", stack.project.directory());
    let host = format!("unix://{}", gate.socket().display());
    let up = Running::start(stack.project.command(&["up"]).var("DOCKER_HOST", &host));
    gate.wait_for_it();
    up.kill();
    // The machine of the killed run is there under its first name, as when the engine had not renamed it yet.
    docker(&format!("rename {0} {0}.new", stack.container("web")));
    stack.envfile(&STACK.replace("[\"token\"]", "[\"other\"]").replace("[secret.token]", "[secret.other]"));
    stack.up();
    assert_eq!(stack.inside("web", "ls /run/secrets"), "other");
}

#[test]
fn a_killed_replacement_and_a_killed_destroy_are_finished() {
    for call in 1..=4 {
        let stack = Stack::new(STACK);
        stack.project.write("token", "t0ken");
        stack.up();
        stack.envfile(&STACK.replace("\"one\"", "\"two\""));
        killed_at(&stack, call, Duration::ZERO);
        stack.up();
        assert_eq!(stack.inside("web", "cat /etc/site.conf"), "two", "killed at call {call}");

        let gate = Gate::before_answer(call, stack.project.directory());
        let host = format!("unix://{}", gate.socket().display());
        let command = stack.project.command(&["destroy", "--yes", "--volumes"]).var("DOCKER_HOST", &host);
        let destroy = Running::start(command);
        gate.wait();
        destroy.kill();
        stack.env("destroy --yes --volumes").succeeds();
        assert_eq!(stack.things(), Vec::<String>::new(), "killed at call {call}");
        assert_eq!(docker(&format!("images -q {}-*", stack.name())), "");
    }
}
