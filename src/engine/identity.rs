//! What makes a machine this one and no other: taken away before its disk is kept, made anew where a machine starts from it.

use crate::event::Context;
use crate::model::{Error, Result};
use crate::transport::{Captured, Command, Transport};
use envup_agent::Requirement;

/// Takes away what makes a machine this one and no other, and what its package manager can fetch again. Host keys are made
/// anew in a machine that starts from the layer: see [`own`]. A VM is given its own when it boots without the mark that
/// it was given them; until then its sshd lets us in with those that it has. `apt-get clean` would touch the directory of apt's lists,
/// by whose age others tell whether to fetch any: Ansible, with `cache_valid_time`, would take empty ones for today's.
const RESET: &str = r#"
set -e
if [ -e /var/lib/envup/placed ]; then rm /var/lib/envup/placed
elif ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then rm -f /etc/ssh/ssh_host_*; touch /var/lib/envup/needs-host-keys; fi
if [ -s /etc/machine-id ]; then : >/etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed /var/lib/envup/ssh_host_*
rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin
if command -v dnf; then dnf -q clean packages; elif command -v yum; then yum -q clean packages; fi
if command -v apk; then rm -rf /var/cache/apk/*; fi
"#;

/// Makes host keys where the layer's were taken away. An sshd that has looked for them starts over, be it that it gave up, tries
/// again, or found those that were there by then. One that has not begun finds all. Where both names are one unit, once will do.
const IDENTITY: &str = r#"
[ -e /var/lib/envup/needs-host-keys ] || exit 0
exec >/dev/null 2>&1
ssh-keygen -A && rm /var/lib/envup/needs-host-keys
for unit in ssh sshd; do
  case $(systemctl is-active $unit) in
  active | activating | reloading | failed) systemctl reset-failed $unit; systemctl restart $unit; break ;;
  esac
done
exit 0
"#;

/// Takes away what the machine is known by.
pub fn reset(machine: &str, transport: &dyn Transport, context: &Context) -> Result<()> {
    let mut output = Captured::default();
    match transport.exec(Command::new(["/bin/sh", "-c", RESET]), &mut output, context)?.code {
        0 => Ok(()),
        code => Err(Error::failed(format!("cannot take its identity from {machine} (exit {code})"))
            .detail(String::from_utf8_lossy(&output.stderr))),
    }
}

/// What makes a machine that started from a layer this one: it is found to hold once it was done. One without it still works.
pub fn own() -> Requirement {
    Requirement::Cmd { argv: ["/bin/sh", "-c", IDENTITY].map(str::to_owned).into(), user: None }
}
