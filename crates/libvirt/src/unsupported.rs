//! What a machine may be declared to have and a VM cannot: said before anything is made.

use envup::model::machine::{Init, Machine, Restart, Source};
use envup::model::{Error, Result};

/// Fails when a machine asks for what a VM has not, and names all of it.
pub fn check(machine: &Machine) -> Result<()> {
    if !matches!(machine.source, Source::Box(_)) {
        return Err(Error::usage(format!("{} is a VM, and VMs are made from boxes", machine.name))
            .hint("give it a `box`, or `provider = \"docker\"`"));
    }
    if machine.init != Init::Systemd {
        return Err(
            Error::usage(format!("{} is a VM, and VMs boot systemd", machine.name)).hint("leave `init` out")
        );
    }
    let keys = [
        // Those of a process that is started by an engine.
        ("command", machine.command.is_some()),
        ("entrypoint", machine.entrypoint.is_some()),
        ("working_dir", machine.working_dir.is_some()),
        ("user", machine.user.is_some()),
        ("stop_signal", machine.stop_signal.is_some()),
        ("logging", machine.logging.is_some()),
        // Those of a container's limits and rights.
        ("pids", machine.pids.is_some()),
        ("shm_size", machine.shm_size.is_some()),
        ("ulimits", !machine.ulimits.is_empty()),
        ("devices", !machine.devices.is_empty()),
        ("cap_add", !machine.cap_add.is_empty()),
        ("cap_drop", !machine.cap_drop.is_empty()),
        ("security_opt", !machine.security_opt.is_empty()),
        ("privileged", machine.privileged),
        ("read_only", machine.read_only),
        ("platform", machine.platform.is_some()),
        // That which is still to come.
        ("restart", machine.restart != Restart::No),
    ];
    let asked: Vec<String> =
        keys.iter().filter(|(_, is_asked)| *is_asked).map(|(key, _)| format!("`{key}`")).collect();
    if asked.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!("{} is a VM, which cannot have {}", machine.name, asked.join(", ")))
        .hint("leave it out, or say `provider = \"docker\"`"))
}
