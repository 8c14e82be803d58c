//! For every key of a machine: what the engine reports of a started machine is what the provider describes.

use super::{World, image, sleeper};
use envup::model::machine::{
    Device, Folder, Init, Logging, Machine, NetworkJoin, Port, Restart, VolumeMount,
};
use envup::model::observed::Contents;
use envup::model::size::Size;
use envup::model::stack::{Network, Volume};
use envup::provider::PlacedFile;
use std::collections::BTreeMap;
use std::time::Duration;

type Key = (&'static str, &'static [&'static str], fn(&mut Machine));

fn words(text: &str) -> Option<Vec<String>> {
    Some(text.split(' ').map(str::to_owned).collect())
}

fn port(guest: u16, host: Option<u16>, host_ip: &str, protocol: &str) -> Port {
    Port { guest, host, host_ip: host_ip.into(), protocol: protocol.into() }
}

fn mount(volume: Option<&str>, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount { volume: volume.map(str::to_owned), path: path.into(), read_only }
}

/// Name of the machine, the fields that must be there because of the key, and the key.
const KEYS: &[Key] = &[
    ("plain", &[], |_| {}),
    ("command", &["command"], |m| m.command = words("/bin/sleep 999")),
    ("entrypoint", &["entrypoint"], |m| m.entrypoint = words("/bin/busybox")),
    ("env", &["env.LANG", "env.EMPTY", "env.EQUALS"], |m| {
        m.env =
            [("LANG", "C.UTF-8"), ("EMPTY", ""), ("EQUALS", "a=b")].map(|(k, v)| (k.into(), v.into())).into();
    }),
    ("working_dir", &["working_dir"], |m| m.working_dir = Some("/tmp/deep".into())),
    ("user", &["user"], |m| m.user = Some("65534:65534".into())),
    ("hostname", &["hostname"], |m| m.hostname = Some("another.example".into())),
    ("ports", &["port.80/tcp", "port.53/udp", "port.81/tcp"], |m| {
        m.ports = vec![
            port(80, None, "127.0.0.1", "tcp"),
            port(53, None, "127.0.0.1", "udp"),
            port(81, Some(38_181), "127.0.0.1", "tcp"),
            port(81, Some(38_182), "127.0.0.1", "tcp"),
        ];
    }),
    ("expose", &["expose.9000/tcp"], |m| m.expose = ["9000/tcp".into()].into()),
    ("volumes", &["volume./data", "volume./read", "volume./own", "volume./foreign"], |m| {
        m.volumes = vec![
            mount(Some("data"), "/data", false),
            mount(Some("data"), "/read", true),
            mount(None, "/own", false),
            mount(Some("foreign"), "/foreign", false),
        ];
    }),
    ("sync", &["sync./srv", "sync./ro"], |m| {
        m.sync = [("/srv", false), ("/ro", true)]
            .map(|(guest, read_only)| Folder {
                host: "/etc".into(),
                guest: guest.into(),
                read_only,
                exclude: Vec::new(),
                gitignore: false,
            })
            .into();
    }),
    ("tmpfs", &["tmpfs./scratch", "tmpfs./plain"], |m| {
        m.tmpfs = [("/scratch", "size=1m"), ("/plain", "")].map(|(k, v)| (k.into(), v.into())).into();
    }),
    ("aliases", &["network.default", "network.front"], |m| {
        let join = NetworkJoin { aliases: ["db".into(), "sql".into()].into(), address: None };
        m.networks.insert("front".into(), join);
    }),
    ("address", &["network.fixed"], |m| {
        let join = NetworkJoin { aliases: Default::default(), address: Some("10.213.77.9".into()) };
        m.networks = BTreeMap::from([("fixed".into(), join)]);
    }),
    ("hostnet", &["network.host"], |m| {
        m.networks = BTreeMap::from([("outside".into(), NetworkJoin::default())])
    }),
    ("restart", &["restart"], |m| m.restart = Restart::OnFailure(3)),
    ("always", &["restart"], |m| m.restart = Restart::UnlessStopped),
    ("memory", &["memory"], |m| m.memory = Some(Size(64 << 20))),
    ("cpus", &["cpus"], |m| m.cpus = Some(0.5)),
    ("pids", &["pids"], |m| m.pids = Some(100)),
    ("shm_size", &["shm_size"], |m| m.shm_size = Some(Size(8 << 20))),
    ("ulimits", &["ulimit.nofile"], |m| m.ulimits = [("nofile".into(), (1024, 2048))].into()),
    ("sysctls", &["sysctl.net.ipv4.ip_forward"], |m| {
        m.sysctls = [("net.ipv4.ip_forward".into(), "0".into())].into();
    }),
    ("devices", &["device./dev/nothing"], |m| {
        m.devices =
            vec![Device { host: "/dev/null".into(), guest: "/dev/nothing".into(), permissions: "rw".into() }];
    }),
    ("caps", &["cap_add", "cap_drop"], |m| {
        m.cap_add = ["NET_ADMIN".into(), "CAP_SYS_PTRACE".into()].into();
        m.cap_drop = ["MKNOD".into()].into();
    }),
    ("security_opt", &["security_opt"], |m| m.security_opt = ["no-new-privileges:true".into()].into()),
    ("privileged", &["privileged"], |m| m.privileged = true),
    ("read_only", &["read_only"], |m| m.read_only = true),
    ("platform", &["platform"], |m| m.platform = Some("linux/amd64".into())),
    ("extra_hosts", &["extra_host.far"], |m| m.extra_hosts = [("far".into(), "10.9.9.9".into())].into()),
    ("dns", &["dns"], |m| m.dns = vec!["9.9.9.9".into(), "1.1.1.1".into()]),
    ("labels", &["label.org.example.team"], |m| {
        m.labels =
            [("org.example.team".into(), "a, b".into()), ("envup.kind".into(), "network".into())].into();
    }),
    ("logging", &["logging"], |m| {
        m.logging =
            Some(Logging { driver: "json-file".into(), options: [("max-size".into(), "1m".into())].into() });
    }),
    ("stop_signal", &["stop_signal"], |m| m.stop_signal = Some("SIGINT".into())),
    ("stop_grace", &["stop_grace"], |m| m.stop_grace = Some(Duration::from_millis(1500))),
    ("tini", &["init"], |m| m.init = Init::Tini),
    ("rc", &["init"], |m| m.init = Init::Rc),
];

#[test]
fn every_key_is_observed_as_it_is_described() {
    let _foreign; // outlives the machines that use it
    let mut world = World::new();
    let foreign = format!("foreign-{}", world.identity.id);
    let network = |name: &str| Network { name: name.into(), ..Network::default() };
    let fixed = Network { subnet: Some("10.213.77.0/24".into()), ..network("fixed") };
    let outside = Network { external: Some("host".into()), ..network("outside") };
    for network in [network("front"), fixed, outside] {
        world.stack.networks.insert(network.name.clone(), network);
    }
    let volume = |name: &str| Volume { name: name.into(), ..Volume::default() };
    let other = Volume { external: Some(foreign.clone()), ..volume("foreign") };
    for volume in [volume("data"), other] {
        world.stack.volumes.insert(volume.name.clone(), volume);
    }
    world.make_room();
    _foreign = super::ForeignVolume::new(&foreign);
    image();
    let machines: Vec<(Machine, &[&str])> = KEYS
        .iter()
        .map(|(name, fields, change)| {
            let mut machine = sleeper(&name.replace('_', "-"));
            change(&mut machine);
            (machine, *fields)
        })
        .collect();
    let world = &world;
    std::thread::scope(|scope| {
        for part in machines.chunks(machines.len().div_ceil(6)) {
            scope.spawn(move || {
                for (machine, _) in part {
                    world.create(machine);
                    // Privileges are not to be had everywhere tests run.
                    if !machine.privileged {
                        world.start(&machine.name);
                    }
                }
            });
        }
    });
    let observed = world.observe();
    assert_eq!(observed.machines.len(), machines.len());
    for (machine, fields) in &machines {
        let found = &observed.machine(&machine.name).unwrap().fields;
        assert_eq!(*found, world.described(machine, &Contents::new()), "{}", machine.name);
        for field in *fields {
            assert!(found.get(field).is_some(), "{}: {field} is missing in {found:?}", machine.name);
        }
    }
    for network in world.stack.networks.values().filter(|network| network.external.is_none()) {
        let found = observed.networks.iter().find(|found| found.name == network.name).unwrap();
        assert_eq!(found.fields, envup::provider::Provider::describe_network(&world.provider, network, None));
    }
}

#[test]
fn configs_and_secrets_are_there_and_their_digests_are_fields() {
    let world = World::new();
    world.make_room();
    let file =
        |path: &str, content: &str, secret| PlacedFile { path: path.into(), content: content.into(), secret };
    for (name, read_only) in [("open", false), ("closed", true)] {
        let mut machine = sleeper(name);
        machine.read_only = read_only;
        machine.configs = [("page".into(), "/etc/app/page.conf".into())].into();
        machine.secrets = ["key".into()].into();
        let files =
            vec![file("/etc/app/page.conf", "a page", false), file("/run/secrets/key", "a canary", true)];
        let contents: Contents =
            [("config.page", "ab12"), ("secret.key", "keyed cd34")].map(|(k, v)| (k.into(), v.into())).into();
        world.create_with(&machine, files, contents.clone()).unwrap();
        world.start(name);
        assert_eq!(world.shell(name, "cat /etc/app/page.conf /run/secrets/key"), "a pagea canary");
        assert_eq!(
            world.shell(name, "stat -c '%a %u %n' /etc/app/page.conf /etc/app /run/secrets/key"),
            "644 0 /etc/app/page.conf\n755 0 /etc/app\n444 0 /run/secrets/key\n"
        );
        world.shell(name, "! touch /run/secrets/more 2>/dev/null");
        let observed = world.observe();
        assert_eq!(observed.machine(name).unwrap().fields, world.described(&machine, &contents), "{name}");
        assert!(observed.volumes.iter().any(|volume| volume.machine.as_deref() == Some(name)));
    }
    for name in ["open", "closed"] {
        world.apply(envup::provider::Operation::RemoveMachine(name)).unwrap();
    }
    assert_eq!(world.observe().volumes, []);
}

#[test]
fn configs_and_secrets_of_a_living_box_change_in_place() {
    let world = World::new();
    let (mut machine, image) = super::boxed(&world, "server");
    world.make_room();
    machine.configs = [("page".into(), "/etc/app/page.conf".into())].into();
    machine.secrets = ["key".into()].into();
    let new = |text: &str| {
        let file = |path: &str, secret| PlacedFile { path: path.into(), content: text.into(), secret };
        let files = vec![file("/etc/app/page.conf", false), file("/run/secrets/key", true)];
        let contents =
            [("config.page", text), ("secret.key", text)].map(|(k, v)| (k.into(), v.into())).into();
        let mut new = world.wanted(&machine, files, contents);
        new.image = &image;
        new
    };
    world.apply(envup::provider::Operation::CreateMachine(&new("old"))).unwrap();
    world.start("server");
    let read = || {
        world.shell("server", "cat /etc/app/page.conf /run/secrets/key; stat -c ' %a %U' /run/secrets/key")
    };
    assert_eq!(read(), "oldold 400 root\n");
    let fields = ["config.page", "secret.key"];
    world.apply(envup::provider::Operation::UpdateMachine { machine: &new("new"), fields: &fields }).unwrap();
    assert_eq!(read(), "newnew 400 root\n");
}
