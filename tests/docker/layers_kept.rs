//! Layers as things of their own: who shares them, what is in them, when they go, and that no kill leaves half of one.

use super::engine::docker;
use super::gate::Gate;
use super::layers::{layered, ran};
use super::running::{Running, wait_until};

/// A box whose first steps are these, with whatever else.
fn envfile(steps: &[&str], rest: &str) -> String {
    let steps: Vec<String> = steps.iter().map(|step| format!("{{ shell = \"{step}\" }}")).collect();
    format!("[machine.web]\nbox = \"debian/12\"\nprovision = [{}]\n{rest}", steps.join(", "))
}

#[test]
fn stacks_with_an_equal_beginning_share_layers_and_only_inputs_count() {
    let one = layered(&envfile(&["echo NONCE > /root/log; date +%s%N > /root/made"], ""));
    one.project.write("README", "outside of what the steps declare");
    one.up();
    let made = one.inside("web", "cat /root/made");
    // Another stack with another name, machine and surroundings; only the host name is the same.
    let other = layered(
        &envfile(&["echo OTHER > /root/log; date +%s%N > /root/made", "echo more >> /root/log"], "")
            .replace("OTHER", one.name())
            .replace(
                "machine.web]",
                "machine.app]\nhostname = \"web\"\nmemory = \"300MiB\"\nports = [\"auto:80\"]",
            ),
    );
    assert_eq!(ran(&other.env("up --json").succeeds().json_lines()), ["echo more >> /root/log"]);
    assert_eq!(other.inside("app", "cat /root/made"), made);
    other.env("destroy --yes").succeeds();

    one.project.write("README", "changed");
    assert_eq!(ran(&one.env("rebuild --replace --json").succeeds().json_lines()), Vec::<String>::new());
    one.envfile(
        &envfile(&["echo NEW > /root/log; date +%s%N > /root/made"], "")
            .replace("NEW", &format!("new-{}", one.name())),
    );
    assert_eq!(ran(&one.env("rebuild --replace --json").succeeds().json_lines()).len(), 1);
    assert_ne!(one.inside("web", "cat /root/made"), made);
    assert_eq!(ran(&one.env("rebuild --replace --no-layers --json").succeeds().json_lines()).len(), 1);
    one.nothing_to_do();
}

/// Makes the first host key when sshd has tried in vain as often as leaves it two starts, and the others a while later.
const SLOW_KEYS: &str = "printf '%s\\\\n' '#!/bin/sh' 'mkdir -p /run/k/etc/ssh' '/usr/bin/ssh-keygen -A -f /run/k' \
    'cd /run/k/etc/ssh' 'until systemctl show -P NRestarts ssh | grep [3-9]; do sleep 0.01; done' \
    'mv ssh_host_rsa* /etc/ssh' 'sleep 0.4' 'mv * /etc/ssh' > /usr/local/bin/ssh-keygen; \
    chmod +x /usr/local/bin/ssh-keygen";

#[test]
fn a_layer_has_nothing_of_its_machine_but_the_disk() {
    let stack = layered(&envfile(
        &["echo NONCE > /root/log; ssh-keygen -A; systemctl --quiet enable --now ssh", SLOW_KEYS],
        "labels = { team = \"web\" }\nenv = { GREETING = \"hi\" }\n",
    ));
    stack.up();
    let layer = stack.layers().remove(0);
    let image = docker(&format!("image inspect {layer}"));
    let image: serde_json::Value = serde_json::from_str(&image).unwrap();
    let config = &image[0]["Config"];
    for (name, value) in config["Labels"].as_object().unwrap() {
        assert!(
            value == "" || name == "envup.layer" && value.as_str().unwrap().len() == 64,
            "{name}: {value}"
        );
    }
    for line in config["Env"].as_array().unwrap() {
        let line = line.as_str().unwrap();
        assert!(line.starts_with("PATH=") || !line.contains('='), "{line}");
    }

    // Identity is each machine's own; the environment is the same.
    let identity = "cat /etc/machine-id; cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub";
    let first = stack.inside("web", identity);
    stack.env("rebuild --replace").succeeds();
    let second = stack.inside("web", identity);
    for (one, other) in first.lines().zip(second.lines()) {
        assert!(one.len() >= 32 && one != other, "{one} and {other}");
    }
    // Its sshd, which began before all keys were there, has them.
    let served = stack.inside("web", "systemctl is-active ssh; ssh-keyscan -t ed25519 localhost 2>/dev/null");
    assert!(served.starts_with("active\n") && served.ends_with(second.lines().last().unwrap()), "{served}");
    stack.inside("web", "grep -x GREETING=hi /etc/environment");
    // By its age others tell whether the lists of packages are to be fetched.
    stack.inside("web", "test /var/lib/apt/lists -ot /root/log");
    stack.nothing_to_do();
}

#[test]
fn the_second_machine_is_the_first_one_again() {
    let stack = layered(&envfile(
        &["echo NONCE > /root/log; useradd -r app; mkdir -p /srv/app; cp -r /usr/share/zoneinfo /srv/app"],
        "",
    ));
    stack.up();
    stack.env("capture --out first").succeeds();
    stack.env("destroy --yes").succeeds();
    stack.up();
    stack.env("drift --against first --level full").succeeds().stdout_has("in sync");
}

#[test]
fn an_empty_volume_is_filled_from_the_layer_and_a_full_one_is_kept() {
    let stack = layered(
        "[machine.db]\nbox = \"debian/12\"\nvolumes = [\"data:/var/lib/db\"]\n\
         provision = [{ shell = \"mkdir -p /var/lib/db; echo schema NONCE > /var/lib/db/table\" }]\n[volume.data]\n",
    );
    stack.up();
    let schema = format!("schema {}", stack.name());
    let table = "cat /var/lib/db/table";
    assert_eq!(stack.inside("db", table), schema);
    stack.inside("db", "echo row >> /var/lib/db/table");
    stack.env("destroy --yes").succeeds();
    stack.up();
    assert_eq!(stack.inside("db", table), format!("{schema}\nrow"));
    stack.env("destroy --yes --volumes").succeeds();
    stack.up();
    assert_eq!(stack.inside("db", table), schema);
}

#[test]
fn a_store_over_its_limit_lets_go_of_what_was_not_used_for_longest() {
    let with = |step: &str| envfile(&[step], "[layers]\nlimit = \"1\"\n");
    let stack = layered(&with("echo one NONCE > /root/log"));
    stack.up();
    let first = stack.layers();
    let key = stack.env("layer list --json").json()["layers"][0]["key"].as_str().unwrap().to_owned();
    stack.env(&format!("layer remove {key}")).exits(1).stderr_has("in use");
    stack.envfile(&with(&format!("echo two {} > /root/log", stack.name())));
    stack.env("rebuild --replace").succeeds();
    let second = stack.layers();
    assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?} {second:?}");
    stack.env("destroy --yes").succeeds();
    stack.env("layer prune").succeeds().stdout_has("1 layer gone");
    assert_eq!(stack.layers(), Vec::<String>::new());
}

#[test]
fn two_machines_with_an_equal_beginning_build_it_once() {
    let step = "provision = [{ shell = \"sleep 2; echo NONCE > /root/log; date +%s%N > /root/made\" }]\n";
    let machine = |name: &str| format!("[machine.{name}]\nbox = \"debian/12\"\nhostname = \"app\"\n{step}");
    let stack = layered(&(machine("one") + &machine("two")));
    assert_eq!(ran(&stack.env("up --json").succeeds().json_lines()).len(), 1);
    let [one, two] = ["one", "two"].map(|name| stack.inside(name, "cat /root/made"));
    assert_eq!(one, two);
}

#[test]
fn two_processes_that_want_one_layer_build_it_once() {
    let step = "sleep 2; echo NONCE > /root/log; date +%s%N > /root/made";
    let stack = layered(&envfile(&[step], "hostname = \"app\"\n"));
    let copy = format!("{}-two", stack.name());
    let both = [stack.start("up --json"), stack.start(&format!("up --json --name {copy}"))].map(Running::end);
    let said: String = both.iter().map(|(_, said)| said.as_str()).collect();
    assert_eq!(both.map(|(code, _)| code), [0, 0], "{said}");
    let ends =
        said.lines().filter(|line| line.contains("\"event\":\"step\"") && !line.contains("\"running\""));
    assert_eq!(ends.count(), 1, "{said}");
    let made = |name: &str| {
        let words = ["exec", "--name", name, "web", "--", "cat", "/root/made"];
        stack.env_words(&words).succeeds().stdout
    };
    assert_eq!(made(stack.name()), made(&copy));
}

#[test]
fn a_layer_that_is_too_old_is_made_anew() {
    let step = "echo NONCE > /root/log; date +%s%N > /root/made";
    let stack = layered(&envfile(&[step], "[layers]\nmax_age = \"1s\"\n"));
    stack.up();
    let made = stack.inside("web", "cat /root/made");
    stack.env("destroy --yes").succeeds();
    wait_until("the layer is too old", || {
        stack.env("plan").stdout.contains("create from debian/12 on docker, 1 step, kept in a layer")
    });
    assert_eq!(ran(&stack.env("up --json").succeeds().json_lines()).len(), 1);
    assert_ne!(stack.inside("web", "cat /root/made"), made);
    assert_eq!(stack.layers().len(), 1);
}

#[test]
fn a_kill_at_any_moment_leaves_no_half_layer() {
    let moments = ["/containers/create", "/start", "/stop", "/commit", "DELETE /"];
    std::thread::scope(|scope| {
        for moment in moments {
            scope.spawn(move || {
                let stack = layered(&envfile(&["echo NONCE >> /root/log"], "volumes = [\"/data\"]\n"));
                let gate = Gate::before_answer_to(moment, stack.project.directory());
                let host = format!("unix://{}", gate.socket().display());
                let up = Running::start(stack.project.command(&["up"]).var("DOCKER_HOST", &host));
                gate.wait_for_it();
                up.kill();
                stack.up();
                assert_eq!(stack.inside("web", "cat /root/log"), stack.name(), "killed at {moment}");
                assert_eq!(stack.inside("web", "ls -d /data"), "/data");
                let layers = stack.layers();
                assert_eq!(layers.len(), 1, "killed at {moment}");
                let listed = stack.env("layer list --json").json();
                let is_ours =
                    |layer: &&serde_json::Value| layers[0].ends_with(&layer["key"].as_str().unwrap()[..12]);
                let ours = listed["layers"].as_array().unwrap().iter().find(is_ours).unwrap();
                let key = ours["key"].as_str().unwrap();
                let images = docker(&format!("images -q --filter label=envup.layer={key}"));
                assert_eq!(images.lines().count(), 1, "killed at {moment}: {images}");
                stack.env("destroy --yes --volumes").succeeds();
                assert_eq!(stack.things(), Vec::<String>::new(), "killed at {moment}");
            });
        }
    });
}

#[test]
fn after_a_slow_step_a_layer_is_made_too() {
    let with = |second: &str| {
        envfile(&["echo NONCE >> /root/log; head -c 8000000 /dev/urandom > /root/big; sleep 10", second], "")
    };
    let stack = layered(&with("echo two >> /root/log"));
    // As if making a layer had been measured on a fast host.
    let known = stack.project.data().join("layers.json");
    std::fs::write(known, r#"{"version":1,"layers":{},"refused":{},"cost":0.1}"#).unwrap();
    stack.up();
    let listed = stack.env("layer list --json").json();
    let mut sizes: Vec<u64> = Vec::new();
    for layer in listed["layers"].as_array().unwrap().iter().filter(|layer| layer["used"].is_u64()) {
        sizes.push(layer["size"].as_u64().unwrap());
    }
    sizes.sort_unstable();
    assert!(sizes.len() == 2 && sizes[0] < 4_000_000 && sizes[1] > 8_000_000, "{listed}");
    stack.envfile(&with("echo changed >> /root/log").replace("NONCE", stack.name()));
    let again = ran(&stack.env("rebuild --replace --json").succeeds().json_lines());
    assert_eq!(again, ["echo changed >> /root/log"]);
    assert_eq!(stack.inside("web", "cat /root/log"), format!("{}\nchanged", stack.name()));
}
