//! `env-libvirt`: the same program as `env`, with VMs. People type `env`, which becomes this one when it has to.

use envup::provider::Make;
use std::process::ExitCode;

/// All providers.
static PROVIDERS: &[Make] = &[envup::provider::docker::make, envup_libvirt::make];

fn main() -> ExitCode {
    ExitCode::from(envup::run(std::env::args_os().collect(), PROVIDERS))
}
