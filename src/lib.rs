//! envup brings a stack of machines up from one Envfile.
//!
//! A tour, from the ground floor up; a module uses only modules of lower floors:
//!
//! * [`model`]: plain data: stack, machine, step, what exists, what differs.
//! * [`event`]: what the engine tells while it works, and the context of every long call.
//! * [`transport`]: into a machine: run a command, copy files.
//! * [`state`]: what we keep on the host: checkouts, locks, ledgers, consents, keys, logs.
//! * [`envfile`]: from TOML to a stack, or everything that is wrong with it.
//! * [`provider`]: what runs machines: Docker, and a fake for tests.
//! * [`plan`]: pure: declared, existing and applied become a plan with reasons.
//! * [`drift`]: what differs between two fingerprints, and how bad it is.
//! * [`provision`]: carries steps out: shell, file.
//! * [`boxes`]: named, checksummed base images.
//! * [`engine`]: the verbs' work: observe, up, ready, destroy. Never prints.
//! * [`ui`]: how things look: the one printer, progress, views, exit codes.
//! * [`cli`]: one file for each verb: parse, call one engine function, hand the result to a view.
//! * [`run`]: arguments in, exit code out.
//! * [`passthrough`]: the name `env`: which words are ours, and becoming the system's `env` for the others.

pub mod boxes;
pub mod cli;
pub mod drift;
pub mod engine;
pub mod envfile;
pub mod event;
pub mod model;
pub mod passthrough;
pub mod plan;
pub mod provider;
pub mod provision;
pub mod state;
pub mod transport;
pub mod ui;

/// Runs one command line, the program's name first, and says what to exit with.
///
/// The providers are those of the program: `env` has Docker, `env-libvirt` has libvirt too.
pub fn run(args: Vec<std::ffi::OsString>, providers: &'static [provider::Make]) -> u8 {
    cli::run(args, providers)
}
