//! What others change is found by `plan` and mended by `up`: in place where the engine can, else with a new machine.

use super::engine::docker;
use super::stack::Stack;

/// Two image machines, one with everything that can be changed from outside or in the Envfile.
const STACK: &str = r#"
[machine.web]
image = "IMAGE"
memory = "64MiB"
env = { GREETING = "one" }
configs = { site = "/etc/site.conf" }
secrets = ["token"]

[machine.other]
image = "IMAGE"

[config.site]
content = "one"
[secret.token]
file = "token"
"#;

fn stack() -> Stack {
    let stack = Stack::new(STACK);
    stack.project.write("token", "t0ken-one");
    stack.up();
    stack
}

#[test]
fn limits_networks_and_deaths_are_mended_in_place() {
    let stack = stack();
    let (web, id, other) = (stack.container("web"), stack.id("web"), stack.id("other"));

    docker(&format!("update --memory 128m --memory-swap 256m {web}"));
    stack.must_plan("web", "update", &["memory"]);
    stack.up();
    assert_eq!(docker(&format!("inspect --format {{{{.HostConfig.Memory}}}} {web}")), "67108864");

    docker(&format!("network disconnect {}default {web}", web.trim_end_matches("web")));
    stack.must_plan("web", "update", &["network.default"]);
    stack.up();
    stack.inside("other", "nc -z web 1 || ping -c 1 -W 5 web");

    docker(&format!("kill {web}"));
    stack.must_plan("web", "start", &["state"]);
    stack.up();

    docker(&format!("pause {web}"));
    stack.must_plan("web", "start", &["state"]);
    stack.up();

    // All of it at once.
    docker(&format!("update --memory 128m --memory-swap 256m {web}"));
    docker(&format!("network disconnect {}default {web}", web.trim_end_matches("web")));
    docker(&format!("kill {web}"));
    stack.must_plan("web", "update", &["memory", "network.default", "state"]);
    stack.up();
    assert_eq!((stack.id("web"), stack.id("other")), (id, other));
}

#[test]
fn an_image_machine_is_replaced_when_its_content_changes() {
    let stack = stack();
    let other = stack.id("other");
    let mut last = stack.id("web");
    let mut replaced = |what: &str| {
        let now = stack.id("web");
        assert_ne!(now, last, "{what}");
        last = now;
    };

    stack.envfile(&STACK.replace("GREETING = \"one\"", "GREETING = \"two\""));
    stack.must_plan("web", "replace", &["env.GREETING"]);
    stack.up();
    replaced("environment");
    assert_eq!(stack.inside("web", "echo $GREETING"), "two");

    let changed = STACK.replace("GREETING = \"one\"", "GREETING = \"two\"");
    stack.envfile(&changed.replace("content = \"one\"", "content = \"two\""));
    stack.must_plan("web", "replace", &["config.site"]);
    stack.up();
    replaced("config");
    assert_eq!(stack.inside("web", "cat /etc/site.conf"), "two");

    stack.project.write("token", "t0ken-two");
    stack.must_plan("web", "replace", &["secret.token"]);
    stack.up();
    replaced("secret");
    assert_eq!(stack.inside("web", "cat /run/secrets/token"), "t0ken-two");
    stack.inside("web", "! echo x > /run/secrets/token");

    docker(&format!("rm -f {}", stack.container("web")));
    stack.must_plan("web", "create", &[]);
    stack.up();
    assert_eq!(stack.id("other"), other);
}

#[test]
fn removed_networks_and_volumes_come_back() {
    let stack = Stack::new(
        "[machine.web]\nimage = \"IMAGE\"\nvolumes = [\"data:/data\"]\n[volume.data]\n[network.default]\n",
    );
    stack.up();
    let web = stack.container("web");
    let prefix = web.trim_end_matches("web");
    docker(&format!("rm -f {web}"));
    docker(&format!("network rm {prefix}default"));
    docker(&format!("volume rm {prefix}data"));
    let plan = stack.env("plan --json").exits(2).json();
    assert_eq!(plan["changes"], 3, "{plan}");
    stack.up();
}

/// A service that tells what it was started with.
const BOX: &str = r#"
[machine.server]
box = "debian/12"
env = { GREETING = "one" }
configs = { site = "/etc/site.conf" }
secrets = ["token"]

[[machine.server.provision]]
file = "teller.service"
to = "/etc/systemd/system/teller.service"

[[machine.server.provision]]
shell = "systemctl enable --now teller"

[config.site]
content = "one"
[secret.token]
file = "token"
"#;

const TELLER: &str = "[Service]
ExecStart=/bin/sh -c 'echo $GREETING > /run/told; exec sleep infinity'
[Install]
WantedBy=multi-user.target
";

#[test]
fn a_box_machine_is_changed_in_place() {
    let stack = Stack::new(BOX);
    stack.project.write("token", "t0ken-one").write("teller.service", TELLER);
    stack.up();
    let id = stack.id("server");
    assert_eq!(stack.inside("server", "cat /run/told /etc/site.conf"), "one\none");

    let changed = BOX.replace("\"one\"", "\"two\"");
    stack.envfile(&changed);
    stack.project.write("token", "t0ken-two");
    stack.must_plan("server", "update", &["config.site", "env.GREETING", "secret.token"]);
    stack.up();
    assert_eq!(stack.inside("server", "cat /etc/site.conf /run/secrets/token"), "twot0ken-two");
    stack.inside("server", "systemctl restart teller; sleep 0.5");
    assert_eq!(stack.inside("server", "cat /run/told"), "two");
    assert_eq!(stack.inside("server", ". /etc/environment; echo $GREETING"), "two");

    // A variable that is no longer declared is gone; a restart keeps the rest.
    stack.envfile(&changed.replace("env = { GREETING = \"two\" }\n", ""));
    stack.must_plan("server", "update", &["env.GREETING"]);
    stack.up();
    stack.inside("server", "! grep GREETING /etc/environment");
    stack.envfile(&changed);
    stack.up();
    docker(&format!("kill {}", stack.container("server")));
    stack.must_plan("server", "start", &["state"]);
    stack.up();
    assert_eq!(
        stack.inside("server", "cat /run/told /etc/site.conf /run/secrets/token"),
        "two\ntwot0ken-two"
    );
    assert_eq!(stack.id("server"), id);

    // What the engine cannot change replaces it, and that needs somebody's word.
    stack.envfile(&changed.replace("[machine.server]", "[machine.server]\nhostname = \"another\""));
    stack.env("up").exits(1).stderr_has("--replace");
    assert_eq!(stack.id("server"), id);
    stack.env("up --replace").succeeds();
    stack.nothing_to_do();
    assert_ne!(stack.id("server"), id);
    assert_eq!(stack.inside("server", "hostname; cat /run/told"), "another\ntwo");
}
