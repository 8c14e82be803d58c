//! Waiting for a box to boot: systemd tells when it has, and is not asked again and again.

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
