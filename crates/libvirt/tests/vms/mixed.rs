//! A container and a VM in one stack: one network, names both ways, and nothing left of it.

use crate::left::{bridge, left};
use crate::stage::{Stage, page, virsh};
use std::process::Command;

/// A rule of this host's firewall for one bridge, which goes away with it.
struct Firewall(Vec<String>);

impl Firewall {
    fn dropping(bridge: &str) -> Self {
        let rule = ["FORWARD", "-i", bridge, "!", "-o", bridge, "-j", "DROP"];
        let rule = Self(rule.map(str::to_owned).to_vec());
        assert!(rule.call("-I"), "iptables takes no rule");
        rule
    }

    fn call(&self, what: &str) -> bool {
        Command::new("iptables").arg(what).args(&self.0).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        self.call("-D");
    }
}

/// The port of the page on this host.
fn published(stage: &Stage) -> u16 {
    let status: serde_json::Value =
        serde_json::from_str(&stage.env("status --json").exits(0).stdout).unwrap();
    u16::try_from(status["machines"][1]["ports"][0]["host"].as_u64().unwrap()).unwrap()
}

/// What a script says in the container and in the VM.
fn in_both(stage: &Stage, script: &str) -> [String; 2] {
    ["db", "web"].map(|machine| stage.inside(machine, script).stdout)
}

/// Writes to both disks, and to the container's volume.
fn write_into_both(stage: &Stage, text: &str) {
    in_both(
        stage,
        &format!("for place in /root /srv/rows; do ! test -d $place || echo {text} >$place/state; done"),
    );
}

#[test]
fn a_container_and_a_vm_share_a_network_and_know_each_other_by_name() {
    let stage = Stage::example("mixed");
    stage.change("\"8088:80\"", "\"auto:80\"");
    // Names as production has them, too; and data beside the machines' disks.
    let more = "hostname = \"db.mixed.example\"\nvolumes = [\"rows:/srv/rows\"]\n";
    stage.change("[machine.db]\n", &format!("[volume.rows]\n[machine.db]\n{more}"));
    stage.change("[machine.web]\n", "[machine.web]\nhostname = \"web.mixed.example\"\n");

    let plan = stage.env("plan").exits(2).stdout;
    assert!(plan.contains("network create (docker on that of libvirt)"), "{plan}");
    stage.env("up").exits(0);
    let prefix = stage.prefix("mixed");
    let bridge = bridge(&prefix);

    // The page: the VM counts in the container's database, the container asks the VM by name what it runs on.
    let port = published(&stage);
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

    // A firewall that drops what this host forwards is found when something fails in the VM, and only then.
    let name = bridge.file_name().unwrap().to_str().unwrap().to_owned();
    stage.append("[[machine.web.provision]]\nshell = \"exit 3\"\n");
    {
        let _firewall = Firewall::dropping(&name);
        let failed = stage.env("up").exits(1).stderr;
        assert!(failed.contains(&format!("sudo iptables -I FORWARD -i {name} -j ACCEPT")), "{failed}");
    }
    let failed = stage.env("up").exits(1).stderr;
    assert!(failed.contains("exited 3") && !failed.contains("iptables"), "{failed}");
    stage.change("[[machine.web.provision]]\nshell = \"exit 3\"\n", "");
    stage.env("up").exits(0);

    // A container that is made anew is where it was, and known.
    let address = |stage: &Stage| stage.env("exec web -- getent hosts db").exits(0).stdout;
    let before = address(&stage);
    stage.env("rebuild db --replace").exits(0);
    assert_eq!(address(&stage), before);
    assert!(page(port, "/").contains("Visit 1"), "a new database");

    // What both are like is kept, here while they are off.
    write_into_both(&stage, "then");
    stage.env("stop").exits(0);
    let saved = stage.env("snapshot save both --json").exits(0).stdout;
    assert!(saved.contains("\"complete\":true") && saved.contains("[\"db\",\"web\"]"), "{saved}");

    // When the host was started anew, libvirt's network may be down and all machines are: one run puts it right.
    virsh(&format!("net-destroy {prefix}default"));
    assert!(stage.env("plan").exits(2).stdout.contains("network start"));
    stage.env("up").exits(0);
    assert!(stage.env("plan").exits(0).stdout.contains("nothing to do"));
    assert!(page(port, "/").contains("counted by db"));

    // Both go back, and serve again.
    write_into_both(&stage, "now");
    stage.env("snapshot restore both --yes").exits(0);
    assert!(stage.env("status").stdout.contains("stopped"), "as they were then");
    stage.env("up").exits(0);
    assert_eq!(in_both(&stage, "cat /root/state /srv/rows/state 2>/dev/null"), ["then\nthen\n", "then\n"]);
    assert!(stage.env("plan").exits(0).stdout.contains("nothing to do"));
    assert!(page(published(&stage), "/").contains("counted by db"));
    stage.env("snapshot remove both --yes").exits(0);

    // Without the VM there is nothing of libvirt's, also when it only left the Envfile.
    let envfile = std::fs::read_to_string(stage.directory().join("Envfile")).unwrap();
    let (containers, _) = envfile.split_once("# --- the application").unwrap();
    std::fs::write(stage.directory().join("Envfile"), containers).unwrap();
    let plan = stage.env("plan --remove-orphans").exits(2).stdout;
    assert!(plan.contains("web      destroy") && plan.contains("default  network destroy"), "{plan}");
    assert!(plan.contains("name server in default  the network's → its engine's"), "{plan}");
    stage.env("up --remove-orphans --replace").exits(0);
    assert!(stage.env("plan").exits(0).stdout.contains("nothing to do"));
    assert!(!bridge.exists());
    assert!(stage.env("exec db -- getent hosts web").code != 0);

    stage.env("destroy --yes --volumes").exits(0);
    assert_eq!(left(&prefix), Vec::<String>::new());
}
