//! For every key of a machine: `up`, then `plan` is empty; another value, and `plan` names the field, `up` brings it about
//! and `plan` is empty again.
//!
//! One stack has a machine for each key, so that one `up` makes them all at once.

use super::engine::{prefix, try_docker};
use super::stack::Stack;
use envup::envfile::keys;

/// A key, the lines of a machine that has it, the same lines with another value, and the field that shows the difference.
/// A key without another value is one whose change shows in no field of the machine.
struct Case {
    key: &'static str,
    first: &'static str,
    second: &'static str,
    field: &'static str,
}

const fn case(key: &'static str, first: &'static str, second: &'static str, field: &'static str) -> Case {
    Case { key, first, second, field }
}

/// Every key of a machine.
const CASES: &[Case] = &[
    case("box", r#"box = "debian/12""#, "", ""),
    case("image", r#"image = "IMAGE""#, r#"image = "IMAGE-again""#, "image"),
    case(
        "build",
        r#"build = { context = "app", args = { GREETING = "one" } }"#,
        r#"build = { context = "app", args = { GREETING = "two" } }"#,
        "image",
    ),
    case("provider", r#"provider = "docker""#, "", ""),
    case("init", r#"init = "tini""#, r#"init = "none""#, "init"),
    case("command", r#"command = ["sh", "/bin/rest"]"#, r#"command = "sh /bin/rest 'a b'""#, "command"),
    case(
        "entrypoint",
        "entrypoint = \"/bin/sh\"\ncommand = \"/bin/rest\"",
        "entrypoint = [\"/bin/sh\", \"-e\"]\ncommand = \"/bin/rest\"",
        "entrypoint",
    ),
    case(
        "env",
        r#"env = { LANG = "C.UTF-8", EMPTY = "" }"#,
        r#"env = { LANG = "C", EMPTY = "" }"#,
        "env.LANG",
    ),
    case("env_file", r#"env_file = "one.env""#, r#"env_file = ["one.env", "two.env"]"#, "env.FROM"),
    case("working_dir", r#"working_dir = "/tmp""#, r#"working_dir = "/root""#, "working_dir"),
    case("user", r#"user = "app""#, r#"user = "1000:0""#, "user"),
    case("hostname", r#"hostname = "one""#, r#"hostname = "two""#, "hostname"),
    case("ports", r#"ports = ["auto:80", "auto:53/udp"]"#, r#"ports = ["auto:80"]"#, "port.53/udp"),
    case("expose", r#"expose = ["9000", "9001/udp"]"#, r#"expose = ["9000"]"#, "expose.9001/udp"),
    case(
        "volumes",
        r#"volumes = ["data:/data", "/own"]"#,
        r#"volumes = ["data:/data:ro", "/own"]"#,
        "volume./data",
    ),
    case(
        "sync",
        r#"sync = ["app:/srv"]"#,
        r#"sync = [{ from = "app", to = "/srv", read_only = true }]"#,
        "sync./srv",
    ),
    case("tmpfs", r#"tmpfs = ["/scratch"]"#, r#"tmpfs = { "/scratch" = "size=1m" }"#, "tmpfs./scratch"),
    case(
        "networks",
        r#"networks = ["front", "default"]"#,
        r#"networks = { front = { aliases = ["api"], address = "PREFIX.10" } }"#,
        "network.front",
    ),
    case(
        "depends_on",
        r#"depends_on = { k-image = "started", k-job = "completed" }"#,
        r#"depends_on = { k-image = "ready", k-job = "completed" }"#,
        "",
    ),
    case(
        "ready",
        r#"ready = { cmd = "true", file = "/bin/rest", timeout = "60s" }"#,
        r#"ready = { cmd = ["true"] }"#,
        "",
    ),
    case("restart", r#"restart = "unless-stopped""#, r#"restart = "on-failure:3""#, "restart"),
    case("memory", r#"memory = "64MiB""#, r#"memory = "96MiB""#, "memory"),
    case("cpus", "cpus = 0.5", "cpus = 1.25", "cpus"),
    case("pids", "pids = 100", "pids = 200", "pids"),
    case("shm_size", r#"shm_size = "16MiB""#, r#"shm_size = "32MiB""#, "shm_size"),
    case(
        "ulimits",
        "ulimits = { nofile = 1024, core = { soft = 0, hard = -1 } }",
        "ulimits = { nofile = 512, core = { soft = 0, hard = -1 } }",
        "ulimit.nofile",
    ),
    case(
        "sysctls",
        r#"sysctls = { "net.core.somaxconn" = 1024 }"#,
        r#"sysctls = { "net.core.somaxconn" = 2048 }"#,
        "sysctl.net.core.somaxconn",
    ),
    case(
        "devices",
        r#"devices = ["/dev/null:/dev/one"]"#,
        r#"devices = ["/dev/null:/dev/one:r"]"#,
        "device./dev/one",
    ),
    case("cap_add", r#"cap_add = ["NET_ADMIN"]"#, r#"cap_add = ["CAP_NET_ADMIN", "sys_nice"]"#, "cap_add"),
    case("cap_drop", r#"cap_drop = ["MKNOD"]"#, r#"cap_drop = ["ALL"]"#, "cap_drop"),
    case(
        "security_opt",
        r#"security_opt = ["no-new-privileges"]"#,
        r#"security_opt = ["no-new-privileges", "seccomp=unconfined"]"#,
        "security_opt",
    ),
    case("privileged", "privileged = true", "privileged = false", "privileged"),
    case(
        "read_only",
        "read_only = true\nconfigs = { site = \"/etc/site.conf\" }",
        "read_only = false\nconfigs = { site = \"/etc/site.conf\" }",
        "read_only",
    ),
    case("platform", r#"platform = "linux/ARCHITECTURE""#, "", ""),
    case(
        "extra_hosts",
        r#"extra_hosts = { api = "10.0.0.5" }"#,
        r#"extra_hosts = ["api:10.0.0.6"]"#,
        "extra_host.api",
    ),
    case("dns", r#"dns = ["10.0.0.1"]"#, r#"dns = ["10.0.0.2", "10.0.0.1"]"#, "dns"),
    case("labels", r#"labels = { team = "one" }"#, r#"labels = { team = "two" }"#, "label.team"),
    case("secrets", r#"secrets = ["token"]"#, r#"secrets = ["token", "other"]"#, "secret.other"),
    case(
        "configs",
        r#"configs = { site = "/etc/app/site.conf" }"#,
        r#"configs = ["site:/etc/app/other.conf"]"#,
        "config_path.site",
    ),
    case(
        "logging",
        r#"logging = { driver = "json-file", options = { max-size = "1m" } }"#,
        r#"logging = { driver = "json-file", options = { max-size = "2m" } }"#,
        "logging",
    ),
    case("stop_signal", r#"stop_signal = "SIGINT""#, r#"stop_signal = "SIGTERM""#, "stop_signal"),
    case("stop_grace", r#"stop_grace = "1s""#, r#"stop_grace = "2s""#, "stop_grace"),
    case(
        "provision",
        r#"provision = [{ shell = "echo one > /tmp/step" }, { file = "app/index.html", to = "/tmp/index.html" }]"#,
        r#"provision = [{ shell = "echo two > /tmp/step" }, { file = "app/index.html", to = "/tmp/index.html" }]"#,
        "step.1",
    ),
];

/// What all of them share.
const REST: &str = r#"
[machine.k-job]
image = "IMAGE"
command = ["true"]

[network.front]
subnet = "PREFIX.0/24"
[volume.data]
[secret.token]
file = "token"
[secret.other]
file = "token"
[config.site]
content = "listen 80;"
"#;

fn envfile(cases: &[&Case], lines: fn(&Case) -> &'static str) -> String {
    let machine = |case: &&Case| {
        let lines = Some(lines(case)).filter(|lines| !lines.is_empty()).unwrap_or(case.first);
        let has_source = ["box =", "image =", "build ="].iter().any(|source| lines.starts_with(source));
        let source = if has_source { "" } else { "image = \"IMAGE\"\n" };
        format!("[machine.k-{}]\n{source}{lines}\n\n", case.key)
    };
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let machines: String = cases.iter().map(machine).collect();
    (machines + REST).replace("ARCHITECTURE", architecture).replace("PREFIX", &prefix(0))
}

/// Where the engine itself lacks rights, it cannot give them all to a machine.
fn can_be_privileged() -> bool {
    try_docker(&format!("run --rm --privileged {} true", super::engine::image())).is_some()
}

#[test]
fn every_key_of_a_machine_has_a_case() {
    // Of machines that are never containers: those that are there already, and VMs.
    let of_others = ["host", "hosts", "ssh", "changes", "disk", "accel"];
    let keys = keys().filter(|doc| doc.table == "machine.NAME").map(|doc| doc.key);
    let keys = keys.filter(|key| !of_others.contains(key));
    let missing: Vec<&str> = keys.filter(|key| !CASES.iter().any(|case| case.key == *key)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn after_up_the_plan_is_empty_for_every_key() {
    let privileged = can_be_privileged();
    let cases: Vec<&Case> = CASES.iter().filter(|case| privileged || case.key != "privileged").collect();
    let stack = Stack::new(&envfile(&cases, |case| case.first));
    stack.project.write("token", "t0ken");
    stack.project.write("one.env", "FROM=one\n");
    stack.project.write("two.env", "FROM=two\n");
    stack.project.write("app/index.html", "hello");
    stack.project.write("app/Dockerfile", &dockerfile());
    stack.env("allow").succeeds();
    stack.up();

    stack.envfile(&envfile(&cases, |case| case.second));
    let plan = stack.env("plan --json").exits(2).json();
    for case in cases.iter().filter(|case| !case.field.is_empty()) {
        let name = format!("k-{}", case.key);
        let action =
            plan["actions"].as_array().unwrap().iter().find(|action| action["name"] == name.as_str());
        let reasons = action.unwrap()["reasons"].as_array().unwrap();
        let fields: Vec<&str> = reasons.iter().map(|reason| reason["field"].as_str().unwrap()).collect();
        assert!(fields.iter().any(|field| field.starts_with(case.field)), "{}: {fields:?}", case.key);
    }
    stack.env("allow").succeeds();
    stack.up();
    stack.env("destroy --yes --volumes").succeeds();
    assert_eq!(stack.things(), Vec::<String>::new());
}

fn dockerfile() -> String {
    format!("FROM {}\nARG GREETING\nRUN echo $GREETING > /greeting\n", super::engine::image())
}
