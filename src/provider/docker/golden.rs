//! Fields and labels of a machine that uses every key, pinned: a change here would replace people's machines when they
//! upgrade `env`.

use super::options::{machine_labels, options};
use super::{DockerProvider, Surroundings};
use crate::model::id::{Identity, ProjectId};
use crate::model::machine::{
    Accel, BoxSource, Device, Folder, Init, Logging, Machine, NetworkJoin, Port, Restart, Source, VolumeMount,
};
use crate::model::observed::Contents;
use crate::model::size::Size;
use crate::model::stack::{Network, Stack, Volume};
use crate::provider::{NewMachine, Provider};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn words(text: &str) -> Option<Vec<String>> {
    Some(text.split(' ').map(str::to_owned).collect())
}

fn every_key() -> Machine {
    let port = |guest, host| Port { guest, host, host_ip: "127.0.0.1".into(), protocol: "tcp".into() };
    let mount = |volume: Option<&str>, path: &str| VolumeMount {
        volume: volume.map(str::to_owned),
        path: path.into(),
        read_only: volume.is_none(),
    };
    let join = NetworkJoin { aliases: ["db".into()].into(), address: Some("10.1.0.9".into()) };
    Machine {
        name: "web".into(),
        source: Source::Image("nginx:1".into()),
        provider: "docker".into(),
        init: Init::Tini,
        command: words("serve --all files"),
        entrypoint: words("/entry point"),
        env: pairs([("LANG", "C.UTF-8")]),
        env_files: Vec::new(),
        working_dir: Some("/srv".into()),
        user: Some("1000:1000".into()),
        hostname: Some("web.example".into()),
        ports: vec![port(80, Some(8080)), port(443, None)],
        expose: ["9000".into(), "53/udp".into()].into(),
        volumes: vec![mount(Some("data"), "/data"), mount(Some("shared"), "/shared"), mount(None, "/own")],
        sync: vec![Folder {
            host: "/home/me/site".into(),
            guest: "/site".into(),
            read_only: true,
            exclude: Vec::new(),
            gitignore: false,
        }],
        tmpfs: pairs([("/scratch", "size=1m"), ("/plain", "")]),
        networks: [("default".into(), join), ("corp".into(), NetworkJoin::default())].into(),
        depends_on: BTreeMap::new(),
        ready: None,
        restart: Restart::OnFailure(3),
        memory: Some(Size(512 << 20)),
        cpus: Some(1.5),
        disk: None,
        accel: Accel::Auto,
        pids: Some(100),
        shm_size: Some(Size(64 << 20)),
        ulimits: [("nofile".into(), (1024, 2048))].into(),
        sysctls: pairs([("net.core.somaxconn", "1024")]),
        devices: vec![Device { host: "/dev/kvm".into(), guest: "/dev/kvm".into(), permissions: "rw".into() }],
        cap_add: ["NET_ADMIN".into(), "SYS_TIME".into()].into(),
        cap_drop: ["MKNOD".into()].into(),
        security_opt: ["no-new-privileges:true".into()].into(),
        privileged: true,
        read_only: true,
        platform: Some("linux/amd64".into()),
        extra_hosts: pairs([("far", "10.9.9.9")]),
        dns: vec!["9.9.9.9".into(), "1.1.1.1".into()],
        labels: pairs([("team", "shop")]),
        secrets: ["key".into()].into(),
        configs: pairs([("page", "/etc/page")]),
        logging: Some(Logging { driver: "json-file".into(), options: pairs([("max-size", "1m")]) }),
        stop_signal: Some("SIGINT".into()),
        stop_grace: Some(Duration::from_millis(1500)),
        provision: Vec::new(),
    }
}

fn stack() -> Stack {
    let network = |name: &str, external: Option<&str>| {
        (
            name.to_owned(),
            Network { name: name.into(), external: external.map(str::to_owned), ..Network::default() },
        )
    };
    let volume = |name: &str, external: Option<&str>| {
        (
            name.to_owned(),
            Volume { name: name.into(), external: external.map(str::to_owned), ..Volume::default() },
        )
    };
    Stack {
        networks: [network("default", None), network("corp", Some("corporate"))].into(),
        volumes: [volume("data", None), volume("shared", Some("everybodys"))].into(),
        ..Stack::undeclared("shop", "dev", Path::new("/srv/shop"))
    }
}

fn shown(machine: &Machine) -> String {
    let provider = DockerProvider::new(Surroundings::default());
    let contents: Contents = pairs([("config.page", "sha256 4be1"), ("secret.key", "keyed 90ac")]);
    let fields = provider.describe(&stack(), machine, "nginx:1", &contents).unwrap();
    fields.0.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

#[test]
fn fields_of_a_machine_that_uses_every_key() {
    insta::assert_snapshot!(shown(&every_key()), @r#"
    cap_add = NET_ADMIN, SYS_TIME
    cap_drop = MKNOD
    command = serve --all files
    config.page = sha256 4be1
    config_path.page = /etc/page
    cpus = 1.5
    device./dev/kvm = /dev/kvm:rw
    dns = 9.9.9.9, 1.1.1.1
    entrypoint = /entry point
    env.LANG = C.UTF-8
    expose.53/udp = exposed
    expose.9000/tcp = exposed
    extra_host.far = 10.9.9.9
    hostname = web.example
    image = nginx:1
    init = tini
    label.team = shop
    logging = json-file max-size=1m
    memory = 512MiB
    network.corporate = web, web.example
    network.default = db, web, web.example at 10.1.0.9
    pids = 100
    platform = linux/amd64
    port.443/tcp = 127.0.0.1:auto
    port.80/tcp = 127.0.0.1:8080
    privileged = true
    read_only = true
    restart = on-failure:3
    secret.key = keyed 90ac
    security_opt = no-new-privileges:true
    shm_size = 64MiB
    stop_grace = 2s
    stop_signal = SIGINT
    sync./site = /home/me/site (read-only)
    sysctl.net.core.somaxconn = 1024
    tmpfs./plain = mounted
    tmpfs./scratch = size=1m
    ulimit.nofile = 1024:2048
    user = 1000:1000
    volume./data = data
    volume./own = (the machine's own) (read-only)
    volume./shared = everybodys
    working_dir = /srv
    "#);
}

#[test]
fn the_environment_of_a_box_is_not_the_engines() {
    let source = Source::Box(BoxSource::Named("debian/12".into()));
    let machine = Machine { source, init: Init::Systemd, ..every_key() };
    let shown = shown(&machine);
    assert!(!shown.contains("env."), "{shown}");
    assert!(shown.contains("init = systemd\n"), "{shown}");
}

#[test]
fn labels_of_a_machine() {
    let id = ProjectId("3f9a1c00beef".into());
    let identity = Identity { id, name: "shop".into(), directory: "/srv/shop".into() };
    let machine = Machine { labels: pairs([("team", "shop"), ("envup.kind", "mine")]), ..every_key() };
    let new = NewMachine {
        machine: &machine,
        environment: "dev",
        image: "nginx:1",
        stands_for: None,
        layer: None,
        construction: None,
        networks: Vec::new(),
        places: BTreeMap::new(),
        volumes: Vec::new(),
        files: Vec::new(),
        contents: pairs([("config.page", "sha256 4be1")]),
    };
    let notes = options(&identity, &new).notes;
    let labels: BTreeMap<_, _> = machine_labels(&identity, &new, &notes).into_iter().collect();
    let shown: String = labels.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    insta::assert_snapshot!(shown, @r#"
    envup.asked = {"config_path.page":"/etc/page","platform":"linux/amd64"}
    envup.box = false
    envup.construction = 
    envup.contents = {"config.page":"sha256 4be1"}
    envup.declared = ["command","entrypoint","env.LANG","expose.53/udp","expose.9000/tcp","label.team","logging","shm_size","stop_signal","tmpfs./plain","tmpfs./scratch","ulimit.nofile","user","working_dir"]
    envup.directory = /srv/shop
    envup.environment = dev
    envup.image = 
    envup.kind = machine
    envup.layer = 
    envup.name = web
    envup.project.id = 3f9a1c00beef
    envup.project.name = shop
    envup.source = nginx:1
    envup.version = 1
    team = shop
    "#);
}
