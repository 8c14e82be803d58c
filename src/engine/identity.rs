//! What makes a machine this one and no other: taken away before its disk is kept, made anew where a machine starts from it.

use crate::event::Context;
use crate::model::{Error, Result};
use crate::transport::{Captured, Command, Transport};

/// Takes away what makes a machine this one and no other, and what its package manager can fetch again. Host keys are made
/// anew in a machine that starts from the layer: see [`own_identity`]. A VM is given its own when it boots without the mark that
/// it was given them; until then its sshd lets us in with those that it has.
const RESET: &str = r#"
set -e
if [ -e /var/lib/envup/placed ]; then rm /var/lib/envup/placed
elif ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then rm -f /etc/ssh/ssh_host_*; touch /var/lib/envup/needs-host-keys; fi
if [ -s /etc/machine-id ]; then : >/etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed
if command -v apt-get; then apt-get clean; fi
if command -v dnf; then dnf -q clean packages; elif command -v yum; then yum -q clean packages; fi
if command -v apk; then rm -rf /var/cache/apk/*; fi
"#;

/// Makes host keys where the layer's were taken away.
const IDENTITY: &str = "[ ! -e /var/lib/envup/needs-host-keys ] || \
    { ssh-keygen -A && rm /var/lib/envup/needs-host-keys && systemctl --quiet try-restart ssh sshd; } >/dev/null 2>&1 || :";

/// Takes away what the machine is known by.
pub fn reset(machine: &str, transport: &dyn Transport, context: &Context) -> Result<()> {
    let mut output = Captured::default();
    match transport.exec(Command::new(["/bin/sh", "-c", RESET]), &mut output, context)?.code {
        0 => Ok(()),
        code => Err(Error::failed(format!("cannot take its identity from {machine} (exit {code})"))
            .detail(String::from_utf8_lossy(&output.stderr))),
    }
}

/// Gives a machine that started from a layer what was taken away there. One without it still works.
pub fn own_identity(transport: &dyn Transport, context: &Context) -> Result<()> {
    let command = Command::new(["/bin/sh", "-c", IDENTITY]);
    transport.exec(command, &mut Captured::default(), context).map(|_| ())
}
