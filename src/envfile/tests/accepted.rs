//! What a valid Envfile means.

use super::{load_in, project, stack_of};
use crate::model::machine::{Condition, Init, Restart};
use crate::model::ready::Requirement;
use crate::model::size::Size;
use crate::model::stack::Content;
use crate::model::step::{RunPolicy, Tool};

#[test]
fn the_example_of_the_design() {
    let stack = stack_of(
        r#"
name = "shop"

[machine.db]
box = "debian/12"
memory = "512MiB"
volumes = ["dbdata:/var/lib/postgresql"]
ready = { tcp = 5432, timeout = "60s" }

[[machine.db.provision]]
shell = "ops/base.sh"

[[machine.db.provision]]
file = "ops/app.conf"
to = "/etc/app.conf"
mode = "0640"

[machine.web]
image = "nginx:${TAG}"
depends_on = ["db"]
ports = ["8080:80"]
sync = [".:/srv/shop"]
env = { DATABASE_URL = "postgres://db/${project}/${machine}/${environment}", WORKERS = 4 }
ready = { http = "http://localhost/health" }

[volume.dbdata]
"#,
        &[("ops/base.sh", "true\n"), ("ops/app.conf", "")],
    );
    insta::assert_debug_snapshot!(stack.machines["web"].env, @r#"
    {
        "DATABASE_URL": "postgres://db/shop/web/dev",
        "WORKERS": "4",
    }
    "#);
    assert_eq!(stack.machines["db"].provision.len(), 2);
    assert_eq!(stack.machines["db"].provision[0].name, "ops/base.sh");
    assert_eq!(stack.machines["web"].source_name(), "nginx:16");
    assert!(stack.networks.contains_key("default"));
}

#[test]
fn values_have_short_and_long_forms() {
    let stack = stack_of(
        r#"
[machine.short]
image = "x"
command = "serve --name 'a b'"
env_file = "app.env"
env = { A = "mine", N = 0x10, T = true }
tmpfs = ["/tmp", "/run:size=1m"]
networks = ["front"]
depends_on = ["long"]
extra_hosts = ["api.test:10.0.0.5", "v6.test:fd00::1"]
configs = ["site:/etc/site"]
ulimits = { nofile = 10 }
ready = { tcp = 80, cmd = "test -e /x && true" }
cap_add = ["cap_net_admin"]
restart = "on-failure:3"
memory = 10485760
cpus = "${CPUS:-1.5}"
expose = ["80", "53/udp"]

[machine.long]
box = "debian/12"
command = ["serve", "a b"]
tmpfs = { "/tmp" = "" }
networks = { front = { aliases = ["api"], address = "10.5.0.9" } }
depends_on = {}
ulimits = { nofile = { soft = 5 } }
ready = { tcp = [80, 443] }

[network.front]
subnet = "10.5.0.0/24"

[config.site]
content = "a$$b"
"#,
        &[("app.env", "A=theirs\nB=2\n")],
    );
    let short = &stack.machines["short"];
    assert_eq!(short.command.as_deref().unwrap(), ["serve", "--name", "a b"]);
    let env: Vec<_> = short.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=mine", "B=2", "N=16", "T=true"]);
    assert_eq!(short.tmpfs["/run"], "size=1m");
    assert_eq!(short.depends_on["long"], Condition::Ready);
    assert_eq!(short.extra_hosts["v6.test"], "fd00::1");
    assert_eq!(short.configs["site"], "/etc/site");
    assert_eq!(short.ulimits["nofile"], (10, 10));
    let ready = short.ready.as_ref().unwrap();
    assert_eq!(
        ready.requirements[1],
        Requirement::Command(vec!["/bin/sh".into(), "-c".into(), "test -e /x && true".into()])
    );
    assert!(short.cap_add.contains("NET_ADMIN"));
    assert_eq!(
        (short.restart, short.memory, short.cpus),
        (Restart::OnFailure(3), Some(Size(10 << 20)), Some(1.5))
    );
    assert_eq!(short.expose.iter().collect::<Vec<_>>(), ["53/udp", "80/tcp"]);
    assert_eq!((short.init, stack.machines["long"].init), (Init::None, Init::Systemd));

    let long = &stack.machines["long"];
    assert_eq!(long.networks["front"].address.as_deref(), Some("10.5.0.9"));
    assert_eq!(long.ulimits["nofile"], (5, 5));
    assert_eq!(long.ready.as_ref().unwrap().requirements.len(), 2);
    assert_eq!(stack.configs["site"], Content::Inline("a$b".into()));
    assert!(!stack.networks.contains_key("default"), "no machine joins it");
}

#[test]
fn the_strongest_variable_wins() {
    let stack = stack_of(
        r#"
variables = { DECLARED = "envfile", TAG2 = "${TAG}!" }
[machine.a]
image = "x"
env = { a = "${DECLARED}", b = "${TAG}", c = "${ONLY_DOTENV}", d = "${TAG2}", e = "$HOME" }
"#,
        &[(".env", "TAG=dotenv\nONLY_DOTENV=dotenv\nDECLARED=dotenv\n")],
    );
    let values: Vec<_> = stack.machines["a"].env.values().collect();
    assert_eq!(values, ["envfile", "16", "dotenv", "16!", "$HOME"]);
}

#[test]
fn steps_get_names_policies_and_absolute_paths() {
    let stack = stack_of(
        r#"
[machine.a]
image = "x"
[[machine.a.provision]]
shell = "ops/base.sh"
inputs = ["ops"]
[[machine.a.provision]]
shell = """
# comment
apt-get install -y nginx
"""
run = "once"
layer = false
[[machine.a.provision]]
file = "ops"
to = "/etc/ops/"
mode = "0750"
[[provision]]
shell = "echo hello"
"#,
        &[("ops/base.sh", "")],
    );
    let steps = &stack.machines["a"].provision;
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["ops/base.sh", "apt-get install -y nginx", "/etc/ops"]);
    assert_eq!(steps.iter().map(|step| step.index).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((steps[1].run, steps[1].layer), (RunPolicy::Once, false));
    assert_eq!(steps[0].inputs, [stack.directory.join("ops")]);
    assert!(matches!(&steps[2].tool, Tool::File(copy) if copy.to == "/etc/ops" && copy.mode == Some(0o750)));
    assert_eq!(stack.provision[0].machines, ["a"]);
}

#[test]
fn secrets_stay_hidden_and_their_absence_is_told() {
    let directory = project(
        "[machine.a]\nimage = 'x'\nsecrets = ['s']\n[secret.s]\nenv = 'PW'\n[secret.t]\nenv = 'NONE'\n",
        &[(".env", "PW=canary\n")],
    );
    let loaded = load_in(directory.path()).unwrap();
    assert!(!format!("{:?}", loaded.stack).contains("canary"));
    assert!(
        matches!(&loaded.stack.secrets["s"], Content::Environment { value: Some(value), .. } if value.0 == "canary")
    );
    assert_eq!(loaded.warnings, ["secret t: the environment variable NONE is not set"]);
}

#[test]
fn the_examples_are_valid_and_stay_at_home() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let directory = entry.unwrap().path();
        if directory.join(super::FILE_NAME).exists() {
            let loaded = load_in(&directory).unwrap_or_else(|error| panic!("{}", super::shown(&error)));
            let access = crate::model::access::host_access(&loaded.stack);
            assert_eq!(access, [], "{}", directory.display());
        }
    }
}
