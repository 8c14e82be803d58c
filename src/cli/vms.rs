//! Machines that are VMs need libvirt, which `env` is not linked with: most hosts do without it, and a program that is linked
//! with it does not even start there. `env-libvirt` is the same program with that provider, and takes over where VMs are concerned.

use super::session::Session;
use crate::engine::Providers;
use crate::model::stack::Stack;
use crate::model::{Error, Kind, Result};
use crate::state::{Directories, provider_is_remembered};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// As the Envfile names it.
const PROVIDER: &str = "libvirt";

/// The program that has this provider; it lies beside this one.
const PROGRAM: &str = "env-libvirt";

/// What it is linked with.
const LIBRARY: &std::ffi::CStr = c"libvirt.so.0";

/// Whether a stack has machines that are VMs, or had some when it was brought up.
pub fn concern(stack: &Stack, directories: &Directories) -> bool {
    stack.machines.values().any(|machine| machine.provider == PROVIDER)
        || provider_is_remembered(directories, &stack.directory, &stack.full_name(), PROVIDER)
}

/// Becomes the program that can do this, with the same words, unless this one can. Returns when it can, or with what is missing.
pub fn hand_over(session: &Session, providers: &Providers) -> Result<()> {
    if providers.get(PROVIDER).is_ok() {
        return Ok(());
    }
    let missing = |what: String| Error::new(Kind::Unavailable, format!("VMs cannot be run here: {what}"));
    let program = program().ok_or_else(|| {
        missing(format!("there is no {PROGRAM} beside this program")).hint(
            "build it with `cargo build --release -p envup-libvirt`, and install it with `scripts/install`",
        )
    })?;
    if !can_load_library() {
        return Err(missing("libvirt is not installed".to_owned())
            .hint("sudo apt install libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils"));
    }
    Err(missing(format!("{} does not start", program.display())).because(replace_by(program, session)))
}

/// The same where nothing may be missed and nothing need be there.
pub fn hand_over_where_possible(session: &Session, providers: &Providers) {
    if providers.get(PROVIDER).is_ok() || !can_load_library() {
        return;
    }
    if let Some(program) = program() {
        // What does not start has made nothing either.
        let _ = replace_by(program, session);
    }
}

/// Only returns when that fails.
fn replace_by(program: PathBuf, session: &Session) -> std::io::Error {
    let mut command = Command::new(program);
    let mut args = session.program.args.iter();
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    command.args(args).exec()
}

fn program() -> Option<PathBuf> {
    // Through the link that `envup` may be.
    let own = std::env::current_exe().and_then(|own| own.canonicalize()).ok()?;
    Some(own.with_file_name(PROGRAM)).filter(|program| program.is_file())
}

/// Whether the program would start: the linker that would start it is asked.
#[allow(unsafe_code)]
fn can_load_library() -> bool {
    // SAFETY: a constant C string. The library's own start-up code runs, as it would in the program that is started next; it is
    // never unloaded, so nothing of it is left dangling.
    !unsafe { libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) }.is_null()
}
