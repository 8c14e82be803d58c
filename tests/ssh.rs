//! The ssh transport against real sshds: what arrives, what is refused, and that nothing of ours remains.
//!
//! Needs an engine and OpenSSH's client on this machine; hosts are containers from the tests' box.

use crate::support::host::{Host, make_key};
use envup::event::Context;
use envup::model::Kind;
use envup::transport::ssh::{SshTarget, SshTransport};
use envup::transport::{Captured, Command, Stdin, Transport, agent};
use envup_agent::{ProbeRequest, Reply, Request};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn run(transport: &SshTransport, command: Command) -> (i32, String, String) {
    let mut output = Captured::default();
    let exit = transport.exec(command, &mut output, &Context::silent()).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (exit.code, text(output.stdout), text(output.stderr))
}

fn shell(transport: &SshTransport, script: &str) -> (i32, String, String) {
    run(transport, Command::new(["sh", "-c", script]))
}

fn refused(target: SshTarget, host: &Host) -> envup::model::Error {
    SshTransport::new(target, host.sockets()).unwrap().reach(&Context::silent()).unwrap_err()
}

#[test]
fn commands_arrive_word_by_word_and_their_codes_come_back() {
    let host = Host::start();
    let transport = host.transport();
    let words = ["a b", "", "$HOME", "it's", "--help", "*", "new\nline"];
    let printed = run(&transport, Command::new(["printf", "%s|"].iter().chain(&words).copied()));
    assert_eq!(printed, (0, words.join("|") + "|", String::new()));
    assert_eq!(shell(&transport, "echo out; echo err >&2; exit 42"), (42, "out\n".into(), "err\n".into()));
    assert_eq!(shell(&transport, "echo no >&2; exit 255"), (255, String::new(), "no\n".into()));
    assert_eq!(shell(&transport, "kill -9 $$").0, 137);
    assert_eq!(run(&transport, Command::new(["no-such-program"])).0, 127);

    let mut command = Command::new(["sh", "-c", "id -un; pwd; echo $A; cat"]);
    command.user = Some("nobody".into());
    command.working_dir = Some("/usr".into());
    command.env.insert("A".into(), "b c".into());
    command.stdin = Stdin::Bytes(b"input".to_vec());
    assert_eq!(run(&transport, command).1, "nobody\n/usr\nb c\ninput");
    let stdin = Stdin::Stream(Box::new(std::io::Cursor::new(vec![b'x'; 3_000_000])));
    let counted = run(&transport, Command { stdin, ..Command::new(["wc", "-c"]) });
    assert_eq!(counted.1.trim(), "3000000");
    let terminal: envup::transport::TerminalSize = Box::new(|| (77, 33));
    let command =
        Command { terminal: Some(terminal), ..Command::new(["sh", "-c", "stty size; read line; exit 255"]) };
    assert_eq!(run(&transport, command), (255, "33 77\r\n".into(), String::new()));
}

#[test]
fn sudo_makes_root_of_who_logs_in_only_when_asked_for() {
    let host = Host::start();
    host.inside(
        "useradd -m -s /bin/sh deploy && cp -r /root/.ssh /home/deploy/ && chown -R deploy /home/deploy/.ssh && \
         echo 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy",
    );
    let deploy = SshTarget { user: Some("deploy".into()), ..host.target() };
    let who = |target: &SshTarget, user: Option<&str>| {
        let transport = SshTransport::new(target.clone(), host.sockets()).unwrap();
        let user = user.map(str::to_owned);
        run(&transport, Command { user, ..Command::new(["sh", "-c", "echo $(id -un) $(id -gn)"]) })
    };
    assert_eq!(who(&deploy, None).1, "deploy deploy\n");
    assert_eq!(who(&deploy, Some("deploy")).1, "deploy deploy\n");
    assert_eq!(who(&deploy, Some("root")).0, 126);
    let as_root = SshTarget { sudo: true, ..deploy };
    assert_eq!(who(&as_root, None).1, "root root\n");
    assert_eq!(who(&as_root, Some("nobody:daemon")).1, "nobody daemon\n");
    let transport = SshTransport::new(as_root.clone(), host.sockets()).unwrap();
    agent::call(&transport, Request::Version, &mut |_| {}, &Context::silent()).unwrap();
    drop(transport);
    host.is_left_alone();
    host.inside("rm /etc/sudoers.d/deploy");
    let (code, _, said) = who(&as_root, None);
    assert!(code != 0 && said.contains("password"), "{said}");
}

#[test]
fn jump_hosts_of_the_configuration_are_used() {
    let host = Host::start();
    let known = fs::read_to_string(host.known_hosts()).unwrap();
    let inner = known.split_once(' ').unwrap().1;
    fs::write(host.known_hosts(), format!("{known}behind {inner}")).unwrap();
    let config = host.sockets().with_file_name("config");
    let (port, key, hosts) = (host.port, host.key(), host.known_hosts());
    let common =
        format!("User root\nIdentityFile {}\nUserKnownHostsFile {}\n", key.display(), hosts.display());
    let text = format!(
        "Host gate\nHostName 127.0.0.1\nPort {port}\n{common}\
         Host inner\nHostName localhost\nHostKeyAlias behind\nProxyJump gate\n{common}"
    );
    fs::write(&config, text).unwrap();
    let target = SshTarget { host: "inner".into(), config_file: Some(config), ..SshTarget::default() };
    let transport = SshTransport::new(target, host.sockets()).unwrap();
    assert_eq!(shell(&transport, "hostname").1.trim(), host.inside("hostname"));
    assert_eq!(host.logins(), 2);
    drop(transport);
    host.is_left_alone();
}

#[test]
fn one_connection_carries_everything_and_ends_with_us() {
    let host = Host::start();
    let transport = host.transport();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let transport = transport.clone();
            scope.spawn(move || assert_eq!(shell(&transport, &format!("exit {number}")).0, number));
        }
    });
    assert_eq!(host.logins(), 1);
    drop(transport);
    host.is_left_alone();
    assert_eq!(fs::read_dir(host.sockets()).unwrap().count(), 0);
}

#[test]
fn files_go_there_and_come_back_as_they_were() {
    let host = Host::start();
    let transport = host.transport();
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8], mode| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_uid(33);
        header.set_gid(33);
        archive.append_data(&mut header, path, content).unwrap();
    };
    add("srv/a file", b"content", 0o640);
    add("srv/big", &vec![7; 2_000_000], 0o755);
    let archive = archive.into_inner().unwrap();
    transport.put(&mut archive.as_slice(), "/opt", &Context::silent()).unwrap();
    assert_eq!(host.inside("stat -c '%a %u %s' '/opt/srv/a file' /opt/srv/big"), "640 33 7\n755 33 2000000");

    let mut back = Vec::new();
    transport.get("/opt/srv/", &mut back, &Context::silent()).unwrap();
    let mut entries = tar::Archive::new(back.as_slice());
    let found: Vec<_> = entries
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.path().unwrap().display().to_string(),
                entry.size(),
                entry.header().mode().unwrap() & 0o777,
            )
        })
        .collect();
    for expected in [("srv/a file", 7, 0o640), ("srv/big", 2_000_000, 0o755)] {
        assert!(found.contains(&(expected.0.to_owned(), expected.1, expected.2)), "{found:?}");
    }
    let missing = transport.get("/no/such", &mut Vec::new(), &Context::silent()).unwrap_err();
    assert!(missing.message.contains("/no/such") && missing.detail.is_some(), "{missing:?}");
    assert!(transport.put(&mut archive.as_slice(), "/no/such", &Context::silent()).is_err());
}

#[test]
fn the_agent_is_a_guest_and_leaves_no_trace() {
    let host = Host::start();
    let version = |transport: &SshTransport| {
        agent::call(transport, Request::Version, &mut |_| {}, &Context::silent()).unwrap()
    };
    let transport = host.transport();
    assert!(matches!(version(&transport), Reply::Version { .. }));
    let path = transport.agent(&Context::silent()).unwrap();
    assert_eq!(host.inside(&format!("stat -c '%a %U' $(dirname {path})")), "700 root");
    assert!(!host.traces().is_empty());
    drop(transport);
    host.is_left_alone();

    // Where /tmp runs no programs, and without a program that computes hashes.
    host.inside("mv /usr/bin/sha256sum /root/");
    let strict = Host::start_with(&["--tmpfs", "/tmp:noexec", "--tmpfs", "/var/tmp:noexec"]);
    assert!(matches!(version(&host.transport()), Reply::Version { .. }));
    let transport = strict.transport();
    assert!(transport.agent(&Context::silent()).unwrap().starts_with("/root/envup-"));
    drop(transport);
    strict.is_left_alone();
    host.is_left_alone();
}

#[test]
fn an_interrupted_agent_leaves_no_trace_either() {
    let host = Host::start();
    let context = Context::silent();
    let transport = host.transport();
    let never = envup_agent::Requirement::File { path: "/never".into() };
    let request =
        Request::Probe(ProbeRequest { requirements: vec![never], timeout_ms: 600_000, interval_ms: None });
    let cancel = context.cancel.clone();
    let seen = &mut |_| cancel.request();
    let error = agent::call_with(&transport, || (request, Vec::new()), seen, &context).unwrap_err();
    assert_eq!(error.kind, Kind::Interrupted);
    drop(transport);
    host.is_left_alone();
}

#[test]
fn hosts_that_are_not_who_they_were_are_refused() {
    let host = Host::start();
    host.transport().reach(&Context::silent()).unwrap();
    let known = fs::read_to_string(host.known_hosts()).unwrap();
    fs::write(host.known_hosts(), "").unwrap();
    let unknown = refused(host.target(), &host);
    assert_eq!(unknown.kind, Kind::Failed);
    assert!(unknown.message.contains("not known"), "{unknown:?}");
    assert!(
        unknown.hints.iter().any(|hint| hint.contains("ssh-keyscan") && hint.contains("known_hosts")),
        "{unknown:?}"
    );

    make_key(&host.sockets().join("other"));
    let other = fs::read_to_string(host.sockets().join("other.pub")).unwrap();
    let name = known.split_once(' ').unwrap().0;
    fs::write(host.known_hosts(), format!("{name} {other}")).unwrap();
    let changed = refused(host.target(), &host);
    assert_eq!(changed.kind, Kind::Failed);
    assert!(
        changed.message.contains("has changed") && changed.hints[0].contains("ssh-keygen -R"),
        "{changed:?}"
    );
    assert_eq!(
        fs::read_to_string(host.known_hosts()).unwrap(),
        format!("{name} {other}"),
        "nothing is ever written"
    );
}

#[test]
fn who_is_not_let_in_or_meets_nobody_is_told() {
    let host = Host::start();
    let stranger = host.sockets().with_file_name("stranger");
    make_key(&stranger);
    let denied = refused(SshTarget { identity: Some(stranger), ..host.target() }, &host);
    assert!(denied.kind == Kind::Failed && denied.message.contains("does not let us in"), "{denied:?}");
    let nowhere = refused(SshTarget { host: "no-such-host.invalid".into(), ..host.target() }, &host);
    assert!(nowhere.kind == Kind::Incomplete && nowhere.message.contains("not known"), "{nowhere:?}");

    // Without a shell nothing can be done there.
    host.inside("sed -i '1s/^/command=\"exit 0\" /' /root/.ssh/authorized_keys");
    let mute = refused(host.target(), &host);
    assert!(mute.message.contains("no shell"), "{mute:?}");

    let lost = host.transport();
    host.inside("sed -i '1s/^[^ ]* [^ ]* ssh/ssh/' /root/.ssh/authorized_keys");
    lost.reach(&Context::silent()).unwrap();
    host.stop();
    let gone = lost.exec(Command::new(["true"]), &mut Captured::default(), &Context::silent()).unwrap_err();
    assert!(gone.kind == Kind::Incomplete && gone.message.contains("cannot reach"), "{gone:?}");
    assert_eq!(refused(host.target(), &host).kind, Kind::Incomplete);
    let mode = fs::metadata(host.key()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
