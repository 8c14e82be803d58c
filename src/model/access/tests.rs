//! What is asked for, what is not, and the pinned digest.

use super::*;
use crate::model::machine::{BoxSource, Device, Folder, Port};
use crate::model::step::{FileCopy, RunPolicy, Script, Shell, Tool};
use std::collections::{BTreeMap, BTreeSet};

fn stack() -> Stack {
    Stack::undeclared("shop", "dev", Path::new("/srv/shop"))
}

fn machine() -> Machine {
    Machine::new("web", Source::Box(BoxSource::Named("debian/12".into())))
}

fn folder(host: &str, read_only: bool) -> Folder {
    Folder { host: host.into(), guest: "/mnt".into(), read_only, exclude: Vec::new(), gitignore: false }
}

fn port(host_ip: &str, host: Option<u16>) -> Port {
    Port { guest: 80, host, host_ip: host_ip.into(), protocol: "tcp".into() }
}

fn step(tool: Tool) -> Step {
    Step { index: 1, name: "s".into(), tool, run: RunPolicy::Changed, layer: true, inputs: vec![] }
}

fn copy(source: &str) -> Tool {
    let (to, owner, mode, variables) = ("/x".into(), None, None, None);
    Tool::File(FileCopy { source: source.into(), to, owner, mode, variables })
}

fn script(script: Script) -> Tool {
    let (args, env, user, working_dir, check) = (vec![], BTreeMap::new(), None, None, None);
    Tool::Shell(Shell { script, args, env, user, working_dir, check })
}

/// A stack that does everything that is asked for.
fn reaching_out() -> Stack {
    let mut web = machine();
    web.sync = vec![folder("/srv/shop-data", true), folder("/run/docker.sock", false), folder("/", false)];
    web.ports = vec![port("0.0.0.0", Some(80)), port("::", None)];
    web.devices =
        vec![Device { host: "/dev/kvm".into(), guest: "/dev/kvm".into(), permissions: "rw".into() }];
    web.cap_add = BTreeSet::from(["SYS_ADMIN".to_owned(), "NET_ADMIN".to_owned()]);
    web.security_opt = BTreeSet::from(["seccomp=unconfined".to_owned(), "no-new-privileges".to_owned()]);
    web.privileged = true;
    web.provision = vec![step(copy("/home/me/.ssh")), step(script(Script::Path("/opt/x.sh".into())))];
    let mut stack = stack();
    stack.machines.insert("web".into(), web);
    let network = |name: &str, driver: Option<&str>, external: Option<&str>| {
        let (driver, external) = (driver.map(str::to_owned), external.map(str::to_owned));
        (name.to_owned(), Network { name: name.to_owned(), driver, external, ..Network::default() })
    };
    stack.networks = BTreeMap::from([
        network("lan", Some("macvlan"), None),
        network("corp", None, Some("corp")),
        network("raw", None, Some("host")),
    ]);
    let options = BTreeMap::from([("device".to_owned(), "/etc".to_owned())]);
    let volume = Volume { name: "etc".into(), options, ..Volume::default() };
    stack.volumes.insert("etc".into(), volume);
    stack.secrets.insert("key".into(), Content::File("/home/me/key".into()));
    stack
}

#[test]
fn a_stack_that_stays_at_home_needs_no_consent() {
    let mut web = machine();
    web.sync = vec![folder("/srv/shop", false), folder("/srv/shop/app", false)];
    web.ports = vec![port("127.0.0.1", Some(80)), port("::1", None)];
    web.cap_add = BTreeSet::from(["NET_ADMIN".to_owned()]);
    web.provision = vec![step(copy("/srv/shop/x")), step(script(Script::Inline("true".into())))];
    let mut stack = stack();
    stack.machines.insert("web".into(), web);
    stack.networks.insert("default".into(), Network { name: "default".into(), ..Network::default() });
    stack.volumes.insert("data".into(), Volume { name: "data".into(), ..Volume::default() });
    stack.configs.insert("site".into(), Content::File("/srv/shop/site.conf".into()));
    assert_eq!(host_access(&stack), []);
}

#[test]
fn everything_that_reaches_out_is_told() {
    let mut stack = reaching_out();
    let files = ["/home/me/.netrc", "/srv/shop/web.env"].map(Into::into).to_vec();
    stack.machines.entry("web".into()).and_modify(|web| web.env_files = files);
    let told: Vec<String> =
        host_access(&stack).into_iter().map(|one| format!("{}: {}", one.key, one.what)).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
network.corp.external: machines on corp join the network corp, which is not of this stack
network.lan.driver: machines on lan use the network driver macvlan, which reaches beyond this host
network.raw.external: machines on raw use this host's own network
secret.key.file: the stack gets /home/me/key of this host
volume.etc.options.device: the volume etc has the driver option device = /etc
machine.web.cap_add: web has the capability SYS_ADMIN
machine.web.devices: web uses the device /dev/kvm of this host
machine.web.env_file: web gets /home/me/.netrc of this host
machine.web.ports: web listens on 0.0.0.0:80/tcp, which others can reach
machine.web.ports: web listens on [::]:auto:80/tcp, which others can reach
machine.web.privileged: web is privileged: it can do anything to this host
machine.web.provision: web gets /home/me/.ssh of this host
machine.web.provision: web gets /opt/x.sh of this host
machine.web.security_opt: web runs with seccomp=unconfined
machine.web.sync: web can control the container engine, and with it this host, through /
machine.web.sync: web can control the container engine, and with it this host, through /run/docker.sock
machine.web.sync: web reads /srv/shop-data of this host
");
}

#[test]
fn the_digest_is_pinned() {
    let digest = consent_digest(&host_access(&reaching_out()));
    assert_eq!(digest, "71dc16df7b7d1af88fe9fa6b74cdd3efca453c985e238411d35a781593ae6449");
    assert_ne!(consent_digest(&[]), consent_digest(&host_access(&reaching_out())));
}
