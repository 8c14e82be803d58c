//! Volumes and snapshots of a VM: data that outlives the machine, and what is as it was before.

use crate::left::left;
use crate::stage::{Stage, virsh};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const DB: &str = r#"
name = "volumes"
[machine.db]
box = "debian/12"
provider = "libvirt"
volumes = ["data:/srv/data", "skel:/etc/skel:ro", "/own"]
tmpfs = ["/scratch:size=1m", "/dev/shm:size=2m"]
ready = { log = "sshd.*: Server listening on" }
secrets = ["token"]
[[machine.db.provision]]
shell = "test -d /own && echo one >/root/state && echo one >>/srv/data/rows && chown 33:33 /srv/data/rows"
[volume.data]
[volume.skel]
[secret.token]
file = "token"
"#;

fn inside(stage: &Stage, words: &str) -> String {
    stage.env(&format!("exec db -- {words}")).exits(0).stdout
}

/// What is to be the same afterwards.
fn state(stage: &Stage) -> String {
    inside(stage, "cat /root/state /srv/data/rows")
        + &inside(stage, "stat -c %U:%s:%n /srv/data/rows /srv/data")
}

/// The files of the copies that snapshots of the stack are.
fn copies(prefix: &str) -> Vec<PathBuf> {
    let listed = virsh("vol-list envup");
    let paths = listed.lines().filter_map(|line| line.split_whitespace().nth(1));
    let ours = paths.filter(|path| path.contains(&format!("{prefix}.snapshot-")) && path.ends_with(".qcow2"));
    ours.map(PathBuf::from).collect()
}

/// Changes one bit in the middle of a file; done twice, it is as before.
fn damage(path: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let (place, mut byte) = (file.metadata().unwrap().len() / 2, [0]);
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1], place).unwrap();
}

#[test]
fn data_outlives_the_vm_and_a_snapshot_brings_everything_back() {
    let stage = Stage::new(DB);
    std::fs::write(stage.directory().join("token"), "hush").unwrap();
    stage.env("up").exits(0);
    stage.env("plan").exits(0);
    let prefix = stage.prefix("volumes");

    // Each volume is a disk of its own, mounted before steps run, and filled with what the box has there.
    assert_eq!(inside(&stage, "findmnt -no FSTYPE /srv/data").trim(), "ext4");
    assert_eq!(inside(&stage, "ls -A /srv/data").trim(), "rows");
    assert!(inside(&stage, "ls -A /etc/skel").contains(".bashrc"));
    stage.env("exec db -- touch /etc/skel/new").exits(1);
    for (path, size) in [("/scratch", "1024k"), ("/dev/shm", "2048k")] {
        let mounted = inside(&stage, &format!("findmnt -no FSTYPE,OPTIONS {path}"));
        let has = |option: &str| mounted.contains(option);
        assert!(has("tmpfs") && has("noexec") && has(&format!("size={size}")), "{mounted}");
    }
    let before = state(&stage);

    let saved = stage.env("snapshot save before --json").exits(0).stdout;
    assert!(saved.contains("\"complete\":true"), "{saved}");
    assert_eq!(state(&stage), before);
    inside(&stage, "cp /etc/hostname /root/state");
    inside(&stage, "rm /srv/data/rows");
    inside(&stage, "touch /srv/data/new");
    for (count, copy) in copies(&prefix).iter().enumerate() {
        let booted = inside(&stage, "cat /proc/sys/kernel/random/boot_id");
        damage(copy);
        let refused = stage.env("snapshot restore before --yes").exits(1).stderr;
        assert!(
            refused.contains("nothing was changed") && refused.contains("is not what it was"),
            "{count}: {refused}"
        );
        assert_eq!(inside(&stage, "cat /proc/sys/kernel/random/boot_id"), booted);
        assert_eq!(inside(&stage, "ls -A /srv/data").trim(), "new");
        damage(copy);
    }
    stage.env("snapshot restore before --yes").exits(0);
    assert_eq!(state(&stage), before);
    assert_eq!(inside(&stage, "ls -A /srv/data").trim(), "rows");
    assert_eq!(inside(&stage, "systemctl is-system-running").trim(), "running");
    assert_eq!(inside(&stage, "cat /run/secrets/token"), "hush");
    stage.env("plan").exits(0);

    // Volumes and snapshots stay when the machine goes; the data is there again, and nobody formats or fills it anew.
    let gone = stage.env("destroy --yes").exits(0).stdout;
    assert!(gone.contains("data on data, skel and snapshot before kept"), "{gone}");
    assert!(virsh("vol-list envup").contains(&format!("{prefix}data.volume.qcow2")));
    stage.env("up").exits(0);
    assert_eq!(inside(&stage, "cat /srv/data/rows"), "one\none\n");
    stage.env("destroy --yes --volumes").exits(0);
    assert_eq!(left(&prefix), Vec::<String>::new());
}
