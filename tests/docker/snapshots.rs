//! Snapshots in a real engine: what was changed since is as it was, services run, and nothing is left of what was let go.

use super::engine::docker;
use super::stack::Stack;

const STACK: &str = r#"
[machine.db]
box = "debian/12"
volumes = ["data:/data", "cache:/cache"]
secrets = ["token"]
ready = { cmd = "systemctl is-active rows" }
[[machine.db.provision]]
shell = """
echo one >/root/state
mkdir -p /data/empty && echo one >/data/rows && chown 1000:1000 /data/rows && chmod 640 /data/rows && ln -s rows /data/link
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/rows.service
systemctl enable --now rows
"""
layer = false

[machine.app]
image = "IMAGE"
command = ["sleep", "infinity"]
init = "tini"
depends_on = ["db"]
volumes = ["/own"]

[volume.data]
[volume.cache]
[secret.token]
file = "token"
"#;

fn state(stack: &Stack) -> (String, String) {
    let list = "cd /data && find . -mindepth 1 -printf '%p %m %U:%G %y %l\\n' | sort && cat rows /root/state && ls -A /cache";
    (stack.inside("db", list), stack.inside("app", "cat /own/note /root-note"))
}

/// Images of snapshots of this stack, also nameless ones.
fn images(stack: &Stack, filter: &str) -> Vec<String> {
    let id = crate::support::identity(stack.project.directory()).unwrap();
    let ours = format!("--filter label=envup.project.id={id} --filter label=envup.snapshot {filter}");
    let words = format!("images --all --quiet {}", ours.trim());
    docker(&words).lines().map(str::to_owned).collect()
}

/// The file in the engine's own storage that holds what was kept of /data/rows.
fn kept_rows(stack: &Stack) -> std::path::PathBuf {
    let places = images(stack, "")
        .into_iter()
        .map(|image| docker(&format!("image inspect --format {{{{.GraphDriver.Data.UpperDir}}}} {image}")));
    let files = places.map(|place| std::path::Path::new(place.trim()).join("envup/rows"));
    files.into_iter().find(|file| file.exists()).expect("an image of the data on data")
}

#[test]
fn what_changed_since_is_as_it_was_and_services_run() {
    let stack = Stack::new("");
    stack.project.write("token", "hunter-22-token\n");
    stack.envfile(STACK);
    stack.up();
    stack.inside("app", "echo one >/own/note; echo one >/root-note");
    let before = state(&stack);

    let saved = stack.env("snapshot save before --json").succeeds().json();
    assert_eq!(saved["snapshot"]["complete"], true, "{saved}");
    assert_eq!(saved["snapshot"]["volumes"], serde_json::json!(["cache", "data"]));
    assert_eq!(state(&stack), before);
    stack.nothing_to_do();
    let completed = |verb: &str| stack.env(&format!("completions bash 3 envup snapshot {verb} be")).stdout;
    assert_eq!((completed("restore"), completed("remove")), ("before\n".to_owned(), "before\n".to_owned()));
    assert_eq!(completed("save"), "", "a new one has a new name");
    let id = stack.id("db");

    stack.inside(
        "db",
        "echo two >/root/state; rm /data/rows; rmdir /data/empty; echo x >/data/new; echo x >/cache/new",
    );
    stack.inside("db", "systemctl disable --now rows");
    stack.inside("app", "echo two >/own/note; echo two >/root-note");
    let unsure = stack.env("snapshot restore before").exits(64);
    assert!(unsure.stderr.contains("cannot be undone"), "{unsure}");
    assert_ne!(state_or_nothing(&stack), before.0);
    let rows = kept_rows(&stack);
    std::fs::write(&rows, "two\n").unwrap();
    let damaged = stack.env("snapshot restore before --yes").exits(1);
    assert!(damaged.stderr.contains("the data on data; nothing was changed"), "{damaged}");
    assert_eq!(stack.id("db"), id);
    assert_eq!(stack.inside("db", "cat /data/new"), "x");
    std::fs::write(&rows, "one\n").unwrap();
    stack.env("snapshot restore before --yes").succeeds();
    assert_ne!(stack.id("db"), id);
    assert_eq!(state(&stack), before);
    assert_eq!(
        stack.inside("db", "systemctl is-active rows; cat /run/secrets/token"),
        "active\nhunter-22-token"
    );
    stack.nothing_to_do();
    let drift = stack.env("drift --json").json();
    assert!(drift["machines"].as_array().is_some_and(|machines| !machines.is_empty()), "{drift}");

    // The secret is nowhere in what is kept.
    for disk in images(&stack, "--filter label=envup.image") {
        let script = shell_words::quote(
            "grep -rl hunter-22-token /run /etc /root /var /tmp 2>/dev/null || echo nowhere",
        );
        let found = docker(&format!("run --rm --network none --entrypoint /bin/sh {disk} -c {script}"));
        assert_eq!(found, "nowhere");
    }

    // One machine alone, and one that went meanwhile.
    stack.env("destroy db --yes").succeeds();
    stack.env("snapshot restore before db --yes").succeeds();
    assert_eq!(state(&stack), before);

    let listed = stack.env("snapshot list --json").json();
    assert_eq!(listed["snapshots"][0]["name"], "before");
    let destroyed = stack.env("destroy --yes").succeeds();
    assert!(destroyed.stdout.contains("snapshot before"), "{destroyed}");
    stack.env("snapshot restore before --yes").succeeds();
    assert_eq!(state(&stack), before);
    stack.env("snapshot remove before --yes").succeeds();
    assert!(stack.env("snapshot list").succeeds().stdout.contains("no snapshots"));
    stack.env("destroy --yes --volumes").succeeds();
    assert_eq!(images(&stack, ""), Vec::<String>::new());
    assert_eq!(stack.things(), Vec::<String>::new());
}

fn state_or_nothing(stack: &Stack) -> String {
    stack.inside("db", "ls /data /cache; cat /root/state")
}
