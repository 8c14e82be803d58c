//! Machines that are existing hosts: looked at, never made or removed, and changed only where the Envfile allows it.

use super::stack::Stack;
use crate::support::host::Host;

/// A step, so that there is something that could be done.
const STEP: &str = "provision = [{ name = \"mark\", shell = \"echo done >> /root/mark\" }]\n";

fn stack(host: &Host, more: &str) -> Stack {
    Stack::new(&format!("[machine.web]\n{}{more}", host.keys()))
}

#[test]
fn a_host_is_only_looked_at() {
    let host = Host::start();
    let stack = stack(&host, STEP);
    stack.env("plan").succeeds();
    assert_eq!(host.logins(), 0, "a plan needs no connection");
    let status = stack.env("status --json").succeeds().json();
    let web = &status["machines"][0];
    assert_eq!(
        (&web["state"], &web["ready"], &web["provider"]),
        (&"running".into(), &true.into(), &"host".into())
    );
    stack.env("up").succeeds();
    stack.project.command(&["exec", "web", "sh", "-c", "exit 7"]).run().exits(7);
    stack.project.command(&["exec", "web", "cat"]).stdin("input").run().succeeds().stdout_is("input");
    stack.env("copy web:/etc/hostname here").succeeds();
    assert_eq!(stack.project.read("here").trim(), host.inside("hostname"));
    stack.env("copy here web:/root/").exits(64).stderr_has("changes = \"allowed\"");
    stack.env("provision web").exits(64).stderr_has("changes = \"allowed\"");
    for verb in ["stop", "destroy --yes", "rebuild web", "restart web"] {
        stack.env(verb).exits(64).stderr_has("never stopped, removed or made anew");
    }
    host.inside("mv /usr/bin/journalctl /usr/bin/no-journal");
    stack.env("logs web").exits(1).stderr_has("no journal");
    host.is_left_alone();
    host.inside("! test -e /root/mark");

    host.stop();
    let status = stack.env("status --json").succeeds().stderr_has("web: cannot reach");
    assert_eq!(status.json()["machines"][0]["state"], "unreachable");
    stack.env("up").exits(3).stderr_has("cannot reach root@127.0.0.1");
    stack.env("exec web true").exits(125).stderr_has("cannot reach");
    let without_ssh = stack.project.command(&["exec", "web", "true"]).var("PATH", "/nowhere");
    without_ssh.run().exits(125).stderr_has("sudo apt install openssh-client");
}

#[test]
fn a_host_takes_steps_where_the_envfile_allows_it() {
    let host = Host::start();
    let stack = stack(&host, &format!("changes = \"allowed\"\n{STEP}"));
    stack.env("plan").exits(2);
    stack.up();
    stack.up();
    assert_eq!(host.inside("cat /root/mark"), "done");
    // What was done is known on the host: others see it too.
    let other = self::stack(&host, &format!("changes = \"allowed\"\n{STEP}"));
    other.nothing_to_do();
    host.stop();
    assert_eq!(stack.planned("web").1, ["state", "step.1 mark"]);
    stack.env("up").exits(3).stderr_has("cannot reach");
}

#[test]
fn several_hosts_are_one_machine() {
    let host = Host::start();
    let stack = Stack::new(&format!(
        "[machine.web]\n{}",
        host.keys().replace("host = \"127.0.0.1\"", "hosts = [\"127.0.0.1\", \"localhost\"]")
    ));
    let known = std::fs::read_to_string(host.known_hosts()).unwrap();
    let both = known.clone() + &known.replace("127.0.0.1", "localhost");
    std::fs::write(host.known_hosts(), both).unwrap();
    stack.env("exec web@localhost -- true").succeeds();
    stack.env("exec web true").exits(125).stderr_has("web@127.0.0.1, web@localhost");
    assert_eq!(stack.env("status --json").json()["machines"][0]["state"], "running");
    std::fs::write(host.known_hosts(), known).unwrap();
    assert_eq!(stack.env("status --json").json()["machines"][0]["state"], "unreachable");
    stack.env("exec web@localhost true").exits(125).stderr_has("is not known").stderr_has("ssh-keyscan");
}

#[test]
fn hosts_stay_when_the_rest_of_a_stack_goes() {
    let host = Host::start();
    let stack = stack(&host, "[machine.app]\nimage = \"IMAGE\"\ndepends_on = [\"web\"]\n");
    stack.up();
    stack.env("stop").succeeds().stdout_has("1 machine stopped");
    stack.env("destroy web --yes").exits(64);
    stack.env("destroy --yes").succeeds();
    assert_eq!(stack.env("status --json").json()["machines"][1]["state"], "running");
}

#[test]
fn whoever_kills_us_nothing_stays_on_the_host() {
    let host = Host::start();
    let stack = stack(&host, "ready = { file = \"/never\", timeout = \"600s\" }\n");
    let begins = || {
        let mut running = stack.start("up --verbose");
        // What it has to say is said then: only the end of its input tells the agent that nobody waits any more.
        running.until_says("/never");
        assert!(host.inside("ps -eo args").contains("/envup-agent"));
        running
    };
    begins().kill();
    host.is_left_alone();
    let interrupted = begins();
    interrupted.interrupt();
    assert_eq!(interrupted.end().0, 130);
    assert_eq!(host.files(), "", "an orderly end leaves nothing on the disk even for a moment");
    host.is_left_alone();
    assert_eq!(std::fs::read_dir(stack.project.data().join("run")).unwrap().count(), 1, "of the killed one");
}

#[test]
fn drift_of_a_host_is_found_and_silence_is_not_taken_for_health() {
    let host = Host::start();
    let stack = stack(&host, "");
    stack.env("accept --yes").succeeds();
    stack.env("drift").succeeds();
    host.inside("echo 'vm.swappiness = 1' >/etc/sysctl.d/99-mine.conf");
    stack.env("drift").exits(2).stdout_has("99-mine.conf");
    host.is_left_alone();
    host.stop();
    stack.env("drift").exits(3).stdout_has("cannot reach");
}
