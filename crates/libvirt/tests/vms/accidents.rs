//! What happens around a VM in one life of it, on a libvirt of the test's own: each is said clearly, and nothing is lost.

use super::faults::{VM, left};
use super::private::{Private, pause, uri};
use super::run::{Up, wait_until};
use super::stage::{Stage, program};
use std::process::{Command, Stdio};

/// A machine of somebody else, which has the name that one of the stack's would get.
const FOREIGN: &str = "<domain type='qemu'><name>NAME</name><memory unit='MiB'>64</memory>\
                       <os><type arch='x86_64'>hvm</type></os></domain>";

/// Gives the machine another host key, and keeps its own aside.
const OTHER_KEY: &str = "cd /etc/ssh && cp -p ssh_host_ed25519_key /root/key && rm ssh_host_ed25519_key && \
                         ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && systemctl restart ssh";
const OWN_KEY: &str = "cp -p /root/key /etc/ssh/ssh_host_ed25519_key && systemctl restart ssh";

#[test]
fn a_vm_survives_what_happens_around_it() {
    let mut libvirt = Private::start("700m");
    let stage = Stage::new(VM).on(&uri(&libvirt.socket()));
    the_daemon_goes_and_comes_while_it_boots(&mut libvirt, &stage);
    let life = Life { name: format!("{}web", stage.prefix("small")), boot: boot(&stage), stage };
    life.another_host_key();
    life.somebody_elses_machine(&libvirt);
    life.a_full_disk(&libvirt);
    life.qemu_is_killed(&libvirt);
    life.the_host_is_started_anew(&mut libvirt);
    life.its_disk_is_deleted(&libvirt);
}

/// What is there after a step ran, and after each accident.
struct Life {
    stage: Stage,
    /// The machine's name in libvirt.
    name: String,
    boot: String,
}

fn boot(stage: &Stage) -> String {
    stage.inside("web", "cat /proc/sys/kernel/random/boot_id").exits(0).stdout
}

fn the_daemon_goes_and_comes_while_it_boots(libvirt: &mut Private, stage: &Stage) {
    let mut up = Up::start(stage, &uri(&libvirt.socket()), "up");
    assert!(up.until("its ssh server"), "it boots");
    libvirt.kill_daemon();
    pause(1000);
    libvirt.start_daemon();
    assert_eq!(up.end(), 0);
    stage.env("plan").exits(0);
    assert_eq!(stage.inside("web", "cat /root/made").exits(0).stdout, "made\n");
}

impl Life {
    /// The same machine with the same data, and nothing to do.
    fn is_as_before(&self) {
        assert_eq!(self.stage.inside("web", "cat /root/made").exits(0).stdout, "made\nmore\n");
        self.stage.env("plan").exits(0);
    }

    fn another_host_key(&self) {
        let stage = &self.stage;
        stage.inside("web", OTHER_KEY).exits(0);
        stage.append("[[machine.web.provision]]\nshell = \"echo more >>/root/made\"\n");
        for (verb, code) in [("exec web -- true", 125), ("up", 3)] {
            let refused = stage.env(verb).exits(code).stderr;
            assert!(
                refused.contains("the host key of") && refused.contains("`env rebuild web`"),
                "{verb}: {refused}"
            );
        }
        // Who knows why it changed goes in and mends it.
        let status: serde_json::Value =
            serde_json::from_str(&stage.env("status --json").exits(0).stdout).unwrap();
        let address = status["machines"][0]["address"].as_str().unwrap();
        let key = stage.private_directory().join("ssh_key");
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        ssh.args(["-o", "BatchMode=yes", "-i"]).arg(key);
        Stage::finish(ssh.args([&format!("root@{address}"), OWN_KEY])).exits(0);
        stage.env("up").exits(0);
        self.is_as_before();
    }

    fn somebody_elses_machine(&self, libvirt: &Private) {
        let other = format!("{}other", self.stage.prefix("small"));
        let document = self.stage.directory().join("foreign.xml");
        std::fs::write(&document, FOREIGN.replace("NAME", &other)).unwrap();
        libvirt.virsh(&format!("define {}", document.display()));
        let is = libvirt.virsh(&format!("dumpxml {other}"));
        let declared = "[machine.other]\nbox = \"debian/12\"\nprovider = \"libvirt\"\n";
        self.stage.append(declared);
        let refused = self.stage.env("up").exits(1).stderr;
        assert!(
            refused.contains(&format!("a machine {other} that is not of this stack"))
                && refused.contains("with virsh"),
            "{refused}"
        );
        self.stage.env("destroy other --yes").exits(0);
        assert_eq!(libvirt.virsh(&format!("dumpxml {other}")), is, "it was touched");
        self.stage.change(declared, "");
        self.is_as_before();
        assert_eq!(boot(&self.stage), self.boot);
    }

    /// The machine stands still, it is said why, and it goes on where it was once there is room.
    fn a_full_disk(&self, libvirt: &Private) {
        let (stage, name) = (&self.stage, &self.name);
        let mut writes = stage.command(&program("env"), "exec web -- sh -c");
        let script = "dd if=/dev/zero of=/root/big bs=1M count=500; sync";
        let mut writes = writes.arg(script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the disk is full", || libvirt.virsh(&format!("domstate {name}")).contains("paused"));
        assert!(stage.env("status").stdout.contains("paused"));
        let full = stage.env("exec web -- true").exits(125).stderr;
        assert!(full.contains("could not write its disk") && full.contains("make room"), "{full}");
        let _ = writes.kill();
        writes.wait().unwrap();
        libvirt.make_room("1500m");
        stage.env("up").exits(0);
        self.is_as_before();
        assert_eq!(boot(stage), self.boot);
        // What was written so far stays, and is on the disk: the next accident takes away what is in memory only.
        stage.inside("web", "pkill dd; rm -f /root/big; echo kept >/root/note; sync").exits(0);
    }

    fn qemu_is_killed(&self, libvirt: &Private) {
        let (stage, name) = (&self.stage, &self.name);
        libvirt.kill_process(name);
        wait_until("it is known", || libvirt.virsh(&format!("domstate {name}")).contains("shut off"));
        assert!(stage.env("status").stdout.contains("failed"), "{}", stage.env("status").stdout);
        let dead = stage.env("exec web -- true").exits(125).stderr;
        assert!(dead.contains("QEMU ended without being asked to") && dead.contains("`env up`"), "{dead}");
        // While it is off, it can become another size.
        stage.change("256MiB", "320MiB");
        let plan = stage.env("plan").exits(2).stdout;
        assert!(plan.contains("update in place") && plan.contains("256MiB → 320MiB"), "{plan}");
        stage.env("up").exits(0);
        self.is_as_before();
        let memory =
            stage.inside("web", "sed -n 's/MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").exits(0);
        let kib: u64 = memory.stdout.trim().parse().unwrap();
        assert!((257 << 10..320 << 10).contains(&kib), "{kib} KiB");
        assert_ne!(boot(stage), self.boot);
    }

    /// Nothing runs any more: no machine, no network, and nothing is known of them below /run.
    fn the_host_is_started_anew(&self, libvirt: &mut Private) {
        let stage = &self.stage;
        let network = format!("{}default", stage.prefix("small"));
        // With its bridge go the firewall's rules, which this host has from its daemons.
        libvirt.virsh(&format!("net-destroy {network}"));
        libvirt.kill_daemon();
        libvirt.kill_process(&self.name);
        libvirt.forget_the_run();
        libvirt.start_daemon();
        // Nor is known here what was done in it: a step that ran again would show.
        std::fs::remove_dir_all(stage.directory().join(".envup/ledgers")).unwrap();
        let status = stage.env("status").stdout;
        assert!(status.contains("stopped"), "{status}");
        stage.env("up").exits(0);
        self.is_as_before();
        assert_eq!(stage.inside("web", "cat /root/note").exits(0).stdout, "kept\n");
    }

    fn its_disk_is_deleted(&self, libvirt: &Private) {
        let (stage, name) = (&self.stage, &self.name);
        libvirt.virsh(&format!("destroy {name}"));
        libvirt.virsh(&format!("vol-delete --pool envup {name}.qcow2"));
        let lost = stage.env("up").exits(1).stderr;
        assert!(lost.contains("a disk of the VM is gone") && lost.contains("`env rebuild`"), "{lost}");
        // What it says helps: the machine boots again.
        let mut rebuild = Up::start(stage, &uri(&libvirt.socket()), "rebuild web --replace");
        assert!(rebuild.until("its ssh server"), "it boots");
        rebuild.kill();
        stage.env("destroy --yes").exits(0);
        let others = left(libvirt, &stage.prefix("small"));
        assert_eq!(others, [format!("{}other", stage.prefix("small"))], "somebody else's machine stays");
    }
}
