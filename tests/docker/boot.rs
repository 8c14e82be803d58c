//! Waiting for a box to boot: systemd tells when it has, and is not asked again and again; who can be used before goes on.

use super::layers::layered;
use super::stack::Stack;

/// Writes down how systemctl is called, and makes the boot take its time.
const PREPARE: &str = r#"
set -e
cat >/usr/local/bin/systemctl <<'END'
#!/bin/sh
echo "$*" >>/root/asked
[ ! -e /root/old ] || [ "$2" != --wait ] || { echo "systemctl: unrecognized option '--wait'" >&2; exit 1; }
exec /usr/bin/systemctl "$@"
END
chmod +x /usr/local/bin/systemctl
cat >/etc/systemd/system/slow.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sleep 1.5; echo >>/root/booted'
[Install]
WantedBy=multi-user.target
END
/usr/bin/systemctl --quiet enable slow
"#;

#[test]
fn systemd_is_asked_once_however_long_it_boots() {
    let stack = Stack::new("[machine.server]\nbox = \"debian/12\"\n");
    stack.up();
    stack.inside("server", PREPARE);
    let asked_while_it_boots = || {
        stack.env("stop").succeeds();
        stack.up();
        // It was waited for.
        stack.inside("server", "cat /root/asked && rm /root/asked /root/booted").lines().count()
    };
    assert!(asked_while_it_boots() <= 2);
    // A systemd that is too old for that is asked until it has.
    stack.inside("server", "touch /root/old");
    assert!(asked_while_it_boots() > 2);
}

/// A service that machines can be used with at once, and one that is only started when there is a `web`.
const SERVICES: &str = r#"
set -e
unit() {
  printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=%s\n[Install]\nWantedBy=multi-user.target\n' "$2" \
    >"/etc/systemd/system/$1.service"
  systemctl --quiet enable "$1"
}
unit quick '/usr/bin/touch /run/usable'
unit slow "/bin/sh -c 'until getent hosts web; do sleep 0.05; done'"
systemctl start quick
"#;

#[test]
fn a_slow_service_keeps_nobody_waiting_of_a_machine_that_can_be_used() {
    let stack = layered(
        "[machine.db]\nbox = \"debian/12\"\nready = { file = \"/run/usable\" }\n\
         [[machine.db.provision]]\nshell = \"echo NONCE > /root/log\"\n\
         [[machine.db.provision]]\nshell = \"services.sh\"\n\
         [[machine.db.provision]]\nshell = \"systemctl is-system-running > /root/during || true\"\nlayer = false\n\
         [machine.web]\nbox = \"debian/12\"\ndepends_on = [\"db\"]\n",
    );
    stack.project.write("services.sh", SERVICES);
    stack.up();
    assert_eq!(stack.inside("db", "cat /root/during"), "starting");
    // The `up` ends when everything has started, and its baseline is of that.
    let stands = || {
        assert_eq!(stack.inside("db", "systemctl is-active slow"), "active");
        stack.env("drift").succeeds().stdout_has("in sync");
    };
    stands();
    stack.env("stop").succeeds();
    stack.up();
    stands();
}
