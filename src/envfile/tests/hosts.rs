//! Machines that are existing hosts.

use super::{refused, stack_as, stack_of};
use crate::model::machine::{HostAccess, Source};

fn access(source: &Source) -> &HostAccess {
    match source {
        Source::Host(access) => access,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_says_where_it_is_and_how_ssh_gets_in() {
    let stack = stack_of(
        r#"
[machine.db]
host = "db1.example.org"
changes = "allowed"
ssh = { user = "deploy", port = 2222, identity = "keys/none", config = "${HOME}/config", sudo = true }
[machine.web]
provider = "host"
hosts = ["web1", "10.0.0.2", "fd00::3"]
depends_on = ["db"]
ready = { tcp = 80 }
"#,
        &[],
    );
    let (db, web) = (&stack.machines["db"], &stack.machines["web"]);
    assert_eq!((db.provider.as_str(), web.provider.as_str()), ("host", "host"));
    let expected = HostAccess {
        hosts: vec!["db1.example.org".into()],
        user: Some("deploy".into()),
        port: Some(2222),
        identity: Some(stack.directory.join("keys/none")),
        config: Some("/home/me/config".into()),
        known_hosts: None,
        sudo: true,
        changes_allowed: true,
    };
    assert_eq!(access(&db.source), &expected);
    assert_eq!(access(&web.source).hosts, ["web1", "10.0.0.2", "fd00::3"]);
    assert!(!access(&web.source).changes_allowed);
    assert!(stack.networks.is_empty(), "hosts join no network");
}

/// Production as the design has it: the same machines, on hosts that exist.
const SHOP: &str = r#"
[machine.db]
box = "debian/12"
provider = "libvirt"
memory = "512MiB"
volumes = ["data:/data"]
secrets = ["token"]
networks = ["front"]
ports = ["5432:5432"]
sync = [".:/srv"]
ready = { tcp = 5432 }
[[machine.db.provision]]
shell = "echo one"
[network.front]
[volume.data]
[secret.token]
env = "TOKEN"

[environment.production]
machine.db = { provider = "host", host = "db1.example.org" }
[environment.staging]
machine.db.hosts = ["a", "b"]
"#;

#[test]
fn an_environment_makes_a_host_of_any_machine() {
    for (environment, hosts) in [("production", &["db1.example.org"][..]), ("staging", &["a", "b"])] {
        let stack = stack_as(environment, SHOP);
        let db = &stack.machines["db"];
        assert_eq!(
            (db.provider.as_str(), &access(&db.source).hosts[..]),
            ("host", &hosts.iter().map(|host| host.to_string()).collect::<Vec<_>>()[..])
        );
        assert!(db.volumes.is_empty() && db.ports.is_empty() && db.secrets.is_empty() && db.memory.is_none());
        assert_eq!((db.provision.len(), db.ready.is_some()), (1, true));
    }
}

#[test]
fn an_environment_makes_a_machine_of_a_host() {
    let envfile = r#"
[machine.db]
provider = "host"
hosts = ["a", "b"]
ssh = { user = "deploy" }
changes = "allowed"
[environment.dev.machine.db]
image = "postgres:16"
memory = "1GiB"
[environment.other.machine.db]
host = "c"
"#;
    let db = stack_of(envfile, &[]).machines.remove("db").unwrap();
    assert_eq!((db.source_name().as_str(), db.provider.as_str()), ("postgres:16", "docker"));
    let other = stack_as("other", envfile).machines.remove("db").unwrap();
    assert_eq!(
        (access(&other.source).hosts.len(), access(&other.source).user.as_deref()),
        (1, Some("deploy"))
    );
}

#[test]
fn what_is_no_host_is_told() {
    let envfile = r#"[machine.a]
host = "-oProxyCommand=x"
memory = "1GiB"
[machine.b]
hosts = ["root@b", "c", "c"]
provider = "docker"
[machine.c]
provider = "host"
box = "debian/12"
[machine.d]
image = "x"
ssh = { user = "me" }
[machine.e]
host = "e"
hosts = []
changes = "alowed"
ssh = { user = "-l", port = 70000, identity = "~/.ssh/id", key = "x" }
"#;
    insta::assert_snapshot!(refused(envfile, &[]), @r#"
    Envfile:2:8: `host` in machine a: `-oProxyCommand=x` is not a host such as db1.example.org
        2 | host = "-oProxyCommand=x"
          |        ^^^^^^^^^^^^^^^^^^

    Envfile:3:10: `memory` in machine a: has no effect on a host, which exists already
        3 | memory = "1GiB"
          |          ^^^^^^

    Envfile:5:10: `hosts` in machine b: `root@b` has a user, which belongs to `ssh = { user = … }`
        5 | hosts = ["root@b", "c", "c"]
          |          ^^^^^^^^

    Envfile:5:25: `hosts` in machine b: is there twice
        5 | hosts = ["root@b", "c", "c"]
          |                         ^^^

    Envfile:6:12: `provider` in machine b: `docker` makes machines, and this one is a host
        6 | provider = "docker"
          |            ^^^^^^^^ leave it out

    Envfile:7:1: machine c does not say where it is
        7 | [machine.c]
          | ^^^^^^^^^^^ it needs `host` or `hosts`

    Envfile:9:7: `box` in machine c: has no effect on a host, which exists already
        9 | box = "debian/12"
          |       ^^^^^^^^^^^

    Envfile:12:7: `ssh` in machine d: is only for an existing host
       12 | ssh = { user = "me" }
          |       ^^^^^^^^^^^^^^^ it needs `host` or `hosts`

    Envfile:15:9: `hosts` in machine e: names no host
       15 | hosts = []
          |         ^^

    Envfile:15:9: `hosts` in machine e: there is `host` already, one of the two says where the machine is
       15 | hosts = []
          |         ^^

    Envfile:16:11: `changes` in machine e: `alowed` is not possible, only `allowed`, `refused`
       16 | changes = "alowed"
          |           ^^^^^^^^ did you mean `allowed`?

    Envfile:17:16: `user` in `ssh` of machine e: `-l` is not a user
       17 | ssh = { user = "-l", port = 70000, identity = "~/.ssh/id", key = "x" }
          |                ^^^^

    Envfile:17:29: `port` in `ssh` of machine e: `70000` is not a port
       17 | ssh = { user = "-l", port = 70000, identity = "~/.ssh/id", key = "x" }
          |                             ^^^^^

    Envfile:17:47: `identity` in `ssh` of machine e: `~` is not replaced in `~/.ssh/id`
       17 | ssh = { user = "-l", port = 70000, identity = "~/.ssh/id", key = "x" }
          |                                               ^^^^^^^^^^^ write `${HOME}`

    Envfile:17:60: unknown key `key` in `ssh` of machine e
       17 | ssh = { user = "-l", port = 70000, identity = "~/.ssh/id", key = "x" }
          |                                                            ^^^ did you mean `identity`?
    hint: `env help envfile` lists all keys.
    "#);
}
