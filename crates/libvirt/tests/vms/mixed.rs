//! A container and a VM in one stack: one network, names both ways, and nothing left of it.

use crate::left::{bridge, left};
use crate::stage::{Stage, page};

#[test]
fn a_container_and_a_vm_share_a_network_and_know_each_other_by_name() {
    let stage = Stage::example("mixed");
    stage.change("\"8088:80\"", "\"auto:80\"");
    // Names as production has them, too.
    stage.change("[machine.db]\n", "[machine.db]\nhostname = \"db.mixed.example\"\n");
    stage.change("[machine.web]\n", "[machine.web]\nhostname = \"web.mixed.example\"\n");

    let plan = stage.env("plan").exits(2).stdout;
    assert!(plan.contains("network create (docker on that of libvirt)"), "{plan}");
    stage.env("up").exits(0);
    let prefix = stage.prefix("mixed");
    let bridge = bridge(&prefix);

    // The page: the VM counts in the container's database, the container asks the VM by name what it runs on.
    let status: serde_json::Value =
        serde_json::from_str(&stage.env("status --json").exits(0).stdout).unwrap();
    let port = u16::try_from(status["machines"][1]["ports"][0]["host"].as_u64().unwrap()).unwrap();
    let kernel = stage.env("exec web -- uname -r").exits(0).stdout;
    let shown = page(port, "/");
    let seen = format!("db says: web.mixed.example runs kernel {}", kernel.trim());
    assert!(shown.contains("Visit 1, counted by db") && shown.contains(&seen), "{shown}");
    assert!(page(port, "/").contains("Visit 2"));
    for (from, name) in
        [("db", "web"), ("db", "web.mixed.example"), ("web", "db"), ("web", "db.mixed.example")]
    {
        stage.env(&format!("exec {from} -- getent hosts {name}")).exits(0);
    }

    // Nothing is left to do, for neither provider.
    assert!(stage.env("plan").exits(0).stdout.contains("nothing to do"));
    assert!(stage.env("up").exits(0).stdout.contains("nothing to do"));

    // A container that is made anew is where it was, and known.
    let address = |stage: &Stage| stage.env("exec web -- getent hosts db").exits(0).stdout;
    let before = address(&stage);
    stage.env("rebuild db --replace").exits(0);
    assert_eq!(address(&stage), before);
    assert!(page(port, "/").contains("Visit 1"), "a new database");

    // Without the VM there is nothing of libvirt's, also when it only left the Envfile.
    let envfile = std::fs::read_to_string(stage.directory().join("Envfile")).unwrap();
    let (containers, _) = envfile.split_once("# --- the application").unwrap();
    std::fs::write(stage.directory().join("Envfile"), containers).unwrap();
    let plan = stage.env("plan --remove-orphans").exits(2).stdout;
    assert!(plan.contains("web      destroy") && plan.contains("default  network destroy"), "{plan}");
    stage.env("up --remove-orphans --replace").exits(0);
    assert!(stage.env("plan").exits(0).stdout.contains("nothing to do"));
    assert!(!bridge.exists());
    assert!(stage.env("exec db -- getent hosts web").code != 0);

    stage.env("destroy --yes").exits(0);
    assert_eq!(left(&prefix), Vec::<String>::new());
}
